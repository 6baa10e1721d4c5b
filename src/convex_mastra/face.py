"""Turning operations into methods: one declaration, typed, for each face.

``blocking`` and ``nonblocking`` bind an operation (a function whose first argument is the
``Target``) to a face that drives it. The signature and the docstring stay the operation's own.
Called by ``store`` and ``vector``; knows no operation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from convex_mastra.backends import Backend, open_backend
from convex_mastra.config import Options
from convex_mastra.errors import ConfigurationError
from convex_mastra.flow import Flow, arun, run
from convex_mastra.ops.target import Target
from convex_mastra.wire import STORAGE_FUNCTION

P = ParamSpec("P")
R = TypeVar("R")


class Face:
    """Something with operations: a target, and the backend that runs them."""

    def __init__(self, backend: Backend, target: Target) -> None:
        self.backend = backend
        self._target = target


def blocking(
    operation: Callable[Concatenate[Target, P], Flow[R]],
) -> Callable[Concatenate[Face, P], R]:
    """Bind *operation* as a method that returns when it is done."""

    @wraps(operation)
    def method(self: Face, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(operation(self._target, *args, **kwargs), self.backend)

    show_signature(method, operation)
    return method


def nonblocking(
    operation: Callable[Concatenate[Target, P], Flow[R]],
) -> Callable[Concatenate[Face, P], Coroutine[Any, Any, R]]:
    """Bind *operation* as a coroutine method."""

    @wraps(operation)
    async def method(self: Face, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await arun(operation(self._target, *args, **kwargs), self.backend)

    show_signature(method, operation)
    return method


def show_signature(method: Any, operation: Callable[..., Any]) -> None:
    """Make ``help()`` show ``self`` and the result instead of the target and its flow."""
    signature = inspect.signature(operation)
    target, *parameters = signature.parameters.values()
    self_parameter = inspect.Parameter("self", target.kind)
    result = str(signature.return_annotation).removeprefix("Flow[").removesuffix("]")
    method.__signature__ = inspect.Signature(
        [self_parameter, *parameters], return_annotation=result
    )


class Client(Face):
    """What stores and vectors of both faces have in common: a backend, owned or shared.

    Args:
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: an open backend to share; then no other place may be named, and closing this
            object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """

    def __init__(
        self,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        *,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        if backend is not None and (deployment_url or admin_auth_token or options):
            raise ConfigurationError(
                "Pass either a backend, or where one is and how it behaves, not both."
            )
        if backend is not None and not isinstance(getattr(backend, "options", None), Options):
            raise ConfigurationError(
                "backend must be what open_backend returns, or the backend of another object; it "
                f"is of type {type(backend).__name__}."
            )
        self._owns_backend = backend is None
        backend = backend or open_backend(deployment_url, admin_auth_token, options=options)
        super().__init__(
            backend,
            Target(
                policy=backend.options.retry_policy(),
                storage_function=storage_function,
                abilities=backend.abilities,
                clock=backend.clock,
            ),
        )

    @property
    def storage_function(self) -> str:
        """Path of the deployed storage handler."""
        return self._target.storage_function

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.backend!r})"

    def __reduce__(self) -> str | tuple[Any, ...]:  # adapters pickle by place
        raise TypeError(
            f"a {type(self).__name__} holds connections and an admin key, and is never pickled"
        )


class SyncClient(Client):
    """Closing, for the blocking face."""

    def close(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        if self._owns_backend:
            self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class AsyncClient(Client):
    """Closing, for the async face."""

    async def aclose(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        if self._owns_backend:
            await self.backend.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()
