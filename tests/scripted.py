"""A Convex deployment that answers what a test tells it to, over a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ADMIN_KEY = "scripted-deployment|0123456789abcdef"


@dataclass(frozen=True)
class Reply:
    """An answer: JSON unless *body* is bytes; or a connection cut after the request was read."""

    body: Any = None
    status: int = 200
    cut: bool = False


def success(value: Any) -> Reply:
    return Reply({"status": "success", "value": value})


def failure(message: str, **extra: Any) -> Reply:
    return Reply({"status": "error", "errorMessage": message, **extra})


@dataclass
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    method: str = "POST"


Script = Callable[[Seen], Reply]


@dataclass
class ScriptedDeployment:
    url: str
    script: Script
    seen: list[Seen] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_in_turn(self, *replies: Reply) -> None:
        """Give these answers one after the other, the last one for ever."""
        remaining = list(replies)
        self.script = lambda _seen: remaining.pop(0) if len(remaining) > 1 else remaining[0]


@contextmanager
def scripted_deployment() -> Iterator[ScriptedDeployment]:
    deployment = ScriptedDeployment("", lambda _seen: success(None))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.answer(Seen(self.path, dict(self.headers), {}, "GET"))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(Seen(self.path, dict(self.headers), body))

        def answer(self, seen: Seen) -> None:
            with deployment.lock:
                deployment.seen.append(seen)
                deployment.running += 1
                deployment.most_running = max(deployment.most_running, deployment.running)
            try:
                reply = deployment.script(seen)
            finally:
                with deployment.lock:
                    deployment.running -= 1
            if reply.cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            payload = (
                reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            )
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
            except ConnectionError:
                self.close_connection = True  # the client gave up, as some tests make it do

        def log_message(self, *_args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: Any) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        deployment.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield deployment
        finally:
            server.shutdown()
            thread.join()
