"""The routes of a Convex deployment, over any backend.

The ASGI application that ``runner`` puts on a socket. Each route reads the request in Convex's
order (header, body, path, key) and has ``functions`` run it. Executes nothing itself. Rules:
get-convex/convex-backend crates/local_backend/src/{router,public_api}.rs.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from convex_mastra.backends.base import Backend
from convex_mastra.server import answers
from convex_mastra.server.bodies import Body, read_json, read_query
from convex_mastra.server.client_version import Client
from convex_mastra.server.function_path import canonical_path, is_system
from convex_mastra.server.functions import (
    ANY_KIND,
    answer_call,
    answer_missing,
    answer_not_permitted,
)
from convex_mastra.server.gate import CLIENT, Gate
from convex_mastra.server.identity import AdminKey, Credential, Identity, read_credential
from convex_mastra.server.refusals import PlatformError, bad_deploy_key, internal_server_error
from convex_mastra.wire import Kind

log: Final = logging.getLogger("convex_mastra.server")

VERSION: Final = version("convex-mastra")
RUNNING: Final = "This Convex deployment is running. See https://docs.convex.dev/."
OPERATIONS: Final = (
    "ViewData",
    "WriteData",
    "RunInternalQueries",
    "RunInternalMutations",
    "RunInternalActions",
)
_COMPONENT_PATH: Final = re.compile(r"\w+(?:/\w+)*", re.ASCII)

Endpoint = Callable[["Deployment", Request], Awaitable[Response]]


def create_app(backend: Backend, admin_key: str, *, loopback_only: bool = True) -> Starlette:
    """Return an ASGI application that serves *backend* as a Convex deployment.

    Public functions run without a key, as on Convex, where Mastra's handlers are public. The
    caller keeps *backend* open while the application runs, and closes it.

    Args:
        backend: what runs the functions.
        admin_key: the key of ``Authorization: Convex <key>``, e.g. ``name|0123abcd``.
        loopback_only: answer only requests that name this machine (``localhost``, ``127.0.0.1``).
            When False, every function needs the key.
    """
    deployment = Deployment(backend, AdminKey(admin_key), anonymous=loopback_only)
    app = Starlette(
        routes=deployment.routes(),
        middleware=[Middleware(Gate, loopback_only=loopback_only)],
        exception_handlers={HTTPException: _empty},
    )
    app.router.redirect_slashes = False
    return app


def _empty(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls it for nothing else
    return Response(None, error.status_code, error.headers)


def _answering(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def guarded(self: Deployment, request: Request) -> Response:
        try:
            return await endpoint(self, request)
        except PlatformError as error:
            return answers.refusal(error)
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            return answers.refusal(internal_server_error())

    return guarded


class Deployment:
    """The endpoints, over one backend and one key."""

    def __init__(self, backend: Backend, key: AdminKey, *, anonymous: bool) -> None:
        self._backend = backend
        self._key = key
        self._anonymous = anonymous

    def routes(self) -> list[Route]:
        """The routes, the busiest first."""
        post = ["POST"]
        return [
            Route("/api/mutation", self.mutation, methods=post),
            Route("/api/query", self.query, methods=["POST", "GET"]),
            Route("/api/action", self.action, methods=post),
            Route("/api/function", self.function, methods=post),
            Route("/api/run/{path:path}", self.run, methods=post),
            Route("/api/check_admin_key", self.check_admin_key),
            Route("/version", self.version),
            Route("/instance_version", self.version),
            Route("/instance_name", self.instance_name),
            Route("/", self.running),
        ]

    async def running(self, _request: Request) -> Response:
        """Say that the deployment is there."""
        return PlainTextResponse(RUNNING)

    async def version(self, _request: Request) -> Response:
        """Say the version of this library."""
        return PlainTextResponse(VERSION)

    async def instance_name(self, _request: Request) -> Response:
        """Say the deployment's name."""
        return PlainTextResponse(self._key.instance_name)

    @_answering
    async def check_admin_key(self, request: Request) -> Response:
        """Say whether the key is right, and what it allows."""
        self._require_admin(_credential(request))
        body = {"success": True, "allowedOps": OPERATIONS, "isReadOnly": False}
        return answers.json_response(200, body)

    @_answering
    async def query(self, request: Request) -> Response:
        """Run a query."""
        return await self._run_named(request, "query")

    @_answering
    async def mutation(self, request: Request) -> Response:
        """Run a mutation."""
        return await self._run_named(request, "mutation")

    @_answering
    async def action(self, request: Request) -> Response:
        """Run an action."""
        return await self._run_named(request, "action")

    @_answering
    async def function(self, request: Request) -> Response:
        """Run a function of any kind; needs the key."""
        credential = _credential(request)
        body = await read_json(request)
        component, text = body.text("componentPath"), body.required_text("path")
        self._require_admin(credential)
        if component and not _COMPONENT_PATH.fullmatch(component):
            raise PlatformError(400, "InvalidComponentPath", f"Invalid component: {component}")
        path = canonical_path(text)
        if component or is_system(path):  # only the root component, and what is deployed there
            return answer_missing(path, component, request)
        return await self._answer(request, ANY_KIND, path, body)

    @_answering
    async def run(self, request: Request) -> Response:
        """Run a function of any kind, named by the URL: ``/api/run/dir/module/function``."""
        credential = _credential(request)
        body = await read_json(request)
        self._authorize(credential)
        module, slash, function = request.path_params["path"].rpartition("/")
        if not slash:
            raise PlatformError(
                400,
                "MissingIdentifier",
                "Path or function name not provided in path, e.g. /api/run/messages/list",
            )
        path = canonical_path(f"{module}:{function}")
        if is_system(path):
            return answer_missing(path, None, request)
        return await answer_call(
            self._backend, ANY_KIND, path, body, request, encoded_by_default=False
        )

    async def _run_named(self, request: Request, kind: Kind) -> Response:
        credential = _credential(request)
        body = await read_json(request) if request.method == "POST" else read_query(request)
        path = canonical_path(body.required_text("path"))
        if self._authorize(credential) != "admin" and is_system(path):
            return answer_not_permitted(kind, request)
        return await self._answer(request, (kind,), path, body)

    async def _answer(
        self, request: Request, kinds: tuple[Kind, ...], path: str, body: Body
    ) -> Response:
        client: Client = request.scope[CLIENT]
        return await answer_call(
            self._backend,
            kinds,
            path,
            body,
            request,
            encoded_by_default=client.encoded_by_default,
        )

    def _authorize(self, credential: Credential | None) -> Identity:
        # DIFFERS: beyond loopback the key is asked for, where Convex runs public functions for all.
        identity = self._key.authenticate(credential)
        if identity == "anonymous" and not self._anonymous:
            raise bad_deploy_key()
        return identity

    def _require_admin(self, credential: Credential | None) -> None:
        if self._key.authenticate(credential) != "admin":
            raise bad_deploy_key()


def _credential(request: Request) -> Credential | None:
    return read_credential(
        request.headers.get("authorization"), request.query_params.get("adminKey")
    )
