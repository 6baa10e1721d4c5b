"""What ``ConvexByteStore`` and ``ConvexKVStore`` have in common: all but how a value is a text.

The operations are flows over the core's ``key_values``, written once and bound for both faces by
``KeyValues``; ``KeyValueStore`` is LangChain's interface on them. A ``Codec`` makes values texts,
every one of them before anything is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from langchain_core.stores import BaseStore

from convex_mastra import InvalidArgumentError
from convex_mastra.connected import Connected
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.flow import Flow, Sleep
from convex_mastra.ops.arguments import many, required_text
from convex_mastra.ops.key_values import delete_many, get_many, list_keys, put_many
from convex_mastra.ops.target import Target

V = TypeVar("V")


class Codec(Protocol[V]):
    """How a value is written as a text."""

    def encode(self, value: V, field: str) -> str:
        """Return the text of a value.

        Raises:
            InvalidArgumentError: the value is of a kind that is not stored.
        """

    def decode(self, text: str, field: str) -> V:
        """Return the value of a text.

        Raises:
            ProtocolError: ``encode`` does not write such texts.
        """


@dataclass(frozen=True, slots=True)
class Place(Generic[V]):
    """A namespace of the deployment, and how its values are written."""

    namespace: str
    codec: Codec[V]


def get_values(target: Target, place: Place[V], keys: Iterable[str]) -> Flow[list[V | None]]:
    """Return the values in the order of *keys*; None for those that do not exist."""
    wanted = list(many(keys, "keys", "keys"))
    texts = yield from get_many(target, place.namespace, wanted)
    values: dict[str, V] = {}
    for key, text in texts.items():
        yield Sleep(0)  # others have their turn between two values, however large
        values[key] = place.codec.decode(text, f"The value of {key!r:.80}")
    return [values.get(key) for key in wanted]


def set_values(target: Target, place: Place[V], pairs: Iterable[tuple[str, V]]) -> Flow[None]:
    """Write values; of several under one key the last."""
    texts: dict[str, str] = {}
    for position, pair in enumerate(list(many(pairs, "key_value_pairs", "pairs"))):
        yield Sleep(0)
        field = f"key_value_pairs[{position}]"
        if not isinstance(pair, Sequence) or isinstance(pair, str | bytes) or len(pair) != 2:
            raise InvalidArgumentError(f"{field} must be a key and its value.", field=field)
        key, value = pair
        texts[required_text(key, f"{field}[0]")] = place.codec.encode(value, f"{field}[1]")
    yield from put_many(target, place.namespace, texts)


def delete_values(target: Target, place: Place[Any], keys: Iterable[str]) -> Flow[None]:
    """Delete keys and their values."""
    yield from delete_many(target, place.namespace, keys)


def find_keys(target: Target, place: Place[Any], prefix: str | None) -> Flow[list[str]]:
    """Return the keys that begin with *prefix*, sorted."""
    return (yield from list_keys(target, place.namespace, prefix="" if prefix is None else prefix))


class KeyValues(SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    get = blocking(get_values)
    set = blocking(set_values)
    delete = blocking(delete_values)
    find = blocking(find_keys)
    aget = nonblocking(get_values)
    aset = nonblocking(set_values)
    adelete = nonblocking(delete_values)
    afind = nonblocking(find_keys)


class KeyValueStore(Connected[KeyValues], BaseStore[str, V]):
    """LangChain's key-value store on a namespace of the deployment.

    Args:
        namespace: what separates this store from others of its class.
        place: where its values are, and how they are written.
        connection: where the deployment is, as ``convex_mastra.ConvexStore`` takes it.
    """

    def __init__(self, namespace: str, place: Place[V], connection: KeyValues) -> None:
        self.namespace = namespace
        self._place = place
        self._connection = connection

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.namespace!r}, backend={self.backend!r})"

    def mget(self, keys: Sequence[str]) -> list[V | None]:
        """Return the values in the order of *keys*, None for those that do not exist.

        Raises:
            InvalidArgumentError: a key that is empty or no text (nothing was sent), or a stored
                object whose class this store does not allow.
            ProtocolError: what is stored is not of this store's form.

        Cost: one round trip for every 10 keys, side by side; for values beyond 1 MiB one wait
        more.
        """
        return self._connection.get(self._place, keys)

    async def amget(self, keys: Sequence[str]) -> list[V | None]:
        """Return what ``mget`` returns, without blocking the running loop."""
        return await self._connection.aget(self._place, keys)

    def mset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        """Write values; one whose key exists is replaced. Of several under one key the last stays.

        Raises:
            InvalidArgumentError: a key that is empty or no text, or a value that this store cannot
                hold. Nothing was sent.

        Cost: three round trips' wait, for values beyond 1 MiB two more. One request for every
        4 MiB or 1,000 values, and twice up to 16 for the list of keys.
        """
        self._connection.set(self._place, key_value_pairs)

    async def amset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        """Write values as ``mset`` does, without blocking the running loop."""
        await self._connection.aset(self._place, key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Delete keys and their values; keys that do not exist are skipped.

        Raises:
            InvalidArgumentError: a key that is empty or no text. Nothing was sent.

        Cost: five round trips' wait; three requests for every 1,000 keys, up to 16 for the list.
        """
        self._connection.delete(self._place, keys)

    async def amdelete(self, keys: Sequence[str]) -> None:
        """Delete keys as ``mdelete`` does, without blocking the running loop."""
        await self._connection.adelete(self._place, keys)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Yield the keys that begin with *prefix*, sorted, as they were at the first one.

        Raises:
            ScanLimitError: there are more keys than a stock deployment lists, about 125,000.

        Cost: 16 round trips side by side, before the first key. No value is read.
        """
        yield from self._connection.find(self._place, prefix)

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[str]:
        """Yield what ``yield_keys`` yields, without blocking the running loop."""
        for key in await self._connection.afind(self._place, prefix):
            yield key
