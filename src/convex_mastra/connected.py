"""Closing, for classes that cannot be clients themselves: they keep one, and answer for it.

The adapters' classes have a framework's base, with methods whose names and signatures are that
framework's; what is bound to the backend is an object beside them. Knows no operation.
"""

from __future__ import annotations

from typing import Generic, Protocol, Self, TypeVar

from convex_mastra.backends import Backend


class Connection(Protocol):
    """What is bound to a backend, of both faces."""

    @property
    def backend(self) -> Backend:
        """The backend."""

    def close(self) -> None:
        """Close the backend, unless it is shared."""

    async def aclose(self) -> None:
        """Close the backend, unless it is shared."""


C = TypeVar("C", bound=Connection)


class Connected(Generic[C]):
    """An object with a connection, which it closes; with and without ``with``.

    Attributes:
        _connection: set by the constructor of whoever inherits this.
    """

    _connection: C

    @property
    def backend(self) -> Backend:
        """The backend, to be shared with other stores."""
        return self._connection.backend

    def close(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        self._connection.close()

    async def aclose(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        await self._connection.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()
