"""What a saver is, apart from what it does: constructed on a backend, shared, copied and closed.

The base of ``ConvexSaver``. Constructing does no work, so it needs neither a network nor a loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from inspect import signature
from typing import Any, Final, Self

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from convex_mastra import Backend, Options
from convex_mastra.connected import Connected
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.ops.arguments import kind_of, many
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.checkpoints.client import CheckpointClient
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.ledger import Ledger

_UNCHOSEN: Final = tuple(
    signature(make).parameters["serde"].default
    for make in (EncryptedSerializer.__init__, EncryptedSerializer.from_pycryptodome_aes)
)
"""What LangGraph encrypts with if its user names no serialiser: one that makes any class."""


class SaverBase(Connected[CheckpointClient], BaseCheckpointSaver[str]):
    """A saver's backend, its memory, and their ends. See ``ConvexSaver`` for the arguments."""

    def __init__(
        self,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        *,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Iterable[type | tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(serde=_serializer(serde, allowed_msgpack_modules))
        self._ledger = Ledger()
        self._connection = CheckpointClient(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )

    @classmethod
    @contextmanager
    def from_conn_string(cls, conn_string: str, **kwargs: Any) -> Iterator[Self]:
        """Open a saver for a ``with`` block; *kwargs* are the constructor's."""
        with cls(conn_string, **kwargs) as saver:
            yield saver

    @classmethod
    @asynccontextmanager
    async def afrom_conn_string(cls, conn_string: str, **kwargs: Any) -> AsyncIterator[Self]:
        """Open a saver for an ``async with`` block; *kwargs* are the constructor's."""
        async with cls(conn_string, **kwargs) as saver:
            yield saver

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.backend!r})"

    @property
    def _desk(self) -> Desk:
        return Desk(self.serde, self._ledger)

    def setup(self) -> None:
        """Do nothing: there is nothing to set up. LangGraph's examples call it."""

    async def asetup(self) -> None:
        """Do nothing, as ``setup`` does."""


def _serializer(
    serde: SerializerProtocol | None, allowed: Iterable[type | tuple[str, str]] | None
) -> SerializerProtocol:
    classes = [] if allowed is None else _classes(allowed)
    # LangGraph's default makes whatever the bytes name; None stands for its list of safe classes.
    strict = JsonPlusSerializer(allowed_msgpack_modules=classes or None)
    if serde is None:
        return strict
    # It reads what is not encrypted too, so whoever writes to the deployment chooses the bytes.
    if isinstance(serde, EncryptedSerializer) and any(serde.serde is one for one in _UNCHOSEN):
        return EncryptedSerializer(serde.cipher, strict)
    if allowed is not None:
        raise InvalidArgumentError(
            "allowed_msgpack_modules belongs to the saver's own serialiser; with serde, allow "
            "the classes there.",
            field="allowed_msgpack_modules",
        )
    return serde


def _classes(allowed: Iterable[type | tuple[str, str]]) -> list[type | tuple[str, str]]:
    classes = list(many(allowed, "allowed_msgpack_modules", "classes, or of (module, name)"))
    for number, one in enumerate(classes):
        is_pair = isinstance(one, tuple) and list(map(type, one)) == [str, str]
        if not (is_pair or isinstance(one, type)):
            raise InvalidArgumentError(
                f"allowed_msgpack_modules[{number}] must be a class or (module, name), not "
                f"{kind_of(one)}.",
                field="allowed_msgpack_modules",
            )
    return classes
