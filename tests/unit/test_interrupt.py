"""Ctrl-C, as a person presses it: a signal to a process that waits for a deployment."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.scripted import ADMIN_KEY, Reply, scripted_deployment, success

PROGRAM = """
import signal
import sys
from convex_mastra import ConvexStore, Message, Options

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without
store = ConvexStore(sys.argv[1], sys.argv[2], options=Options(max_in_flight=2))
messages = [
    Message.from_text("x" * 300_000, thread_id="t", resource_id="r")
    for _ in range(int(sys.argv[3]))
]
try:
    store.memory.save_messages(messages)
except KeyboardInterrupt:
    print("interrupted", flush=True)
finally:
    store.close()
"""


@pytest.mark.parametrize("count", [1, 40], ids=["one batch", "many batches"])
def test_ctrl_c_ends_the_wait_and_sends_no_more(count: int) -> None:
    arrived, release = threading.Event(), threading.Event()

    def hang(_seen: Any) -> Reply:
        arrived.set()
        release.wait(20)
        return success({"ok": True, "result": True})

    with scripted_deployment() as deployment:
        deployment.script = hang
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, deployment.url, ADMIN_KEY, str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stdout is not None
            assert arrived.wait(20)
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "interrupted\n", "before anything was answered"
            sent = len(deployment.seen)
            release.set()
            _, errors = child.communicate(timeout=20)
        finally:
            release.set()
            child.kill()
            child.wait()
        assert errors == ""
        assert child.returncode == 0
        assert len(deployment.seen) <= sent + 2, "what was under way may still have arrived"
