"""Where a record manager keeps what: partitions, keys, and the JSON text of a record.

Pure; called by ``record_operations``. Two kinds of partition for each namespace:

- ``…/by_key``: a record under its key. Read by key only, so it may be of any size.
- ``…/lists/0`` to ``f``: the same record again, where it is listed. Records of one group lie in
  one partition; those without a group stay where they were, or lie where their key says. A row
  belongs to one update and is never written again, so whoever deletes it deletes nothing newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from convex_mastra import InvalidArgumentError, LimitExceededError, ProtocolError
from convex_mastra.ops.arguments import kind_of
from convex_mastra.ops.partitions import SHARDS, name_part, shard_of

TEXT_BYTES: Final = 64 * 1024
"""Of a key or a group id. Escaped six times as long, both still fit into a document of 1 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one update said of a key.

    Attributes:
        updated_at: the deployment's time, in seconds.
        since: the time and place of the key's first update, which is its place in lists.
        shard: in which of the lists it is.
        version: of the update.
    """

    key: str
    group_id: str | None
    updated_at: float
    since: tuple[float, int]
    shard: str
    version: str

    @property
    def list_key(self) -> str:
        """The key of its row in the list."""
        return f"{record_key(self.key)}@{self.version}"

    def text(self) -> str:
        """Write it as JSON, of ASCII only: keys may hold lone surrogates."""
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Partitions:
    """Those of one namespace."""

    namespace: str

    @property
    def by_key(self) -> str:
        """The partition of records under their keys."""
        return f"{self._prefix}/by_key"

    def listing(self, shard: str) -> str:
        """The partition of one list."""
        return f"{self._prefix}/lists/{shard}"

    @property
    def _prefix(self) -> str:
        return f"langchain_records/{name_part(self.namespace)}"


def shards_of(group_ids: Iterable[str | None]) -> list[str]:
    """The lists in which records of these groups may be; of none, all."""
    groups = set(group_ids)
    if not groups or None in groups:
        return list(SHARDS)
    return sorted({shard_of(group_id) for group_id in groups if group_id is not None})


def record_key(key: str) -> str:
    """The key of a record's row."""
    return f"k:{name_part(key)}"


def read_record(text: str) -> Record:
    """Read what ``Record.text`` wrote.

    Raises:
        ProtocolError: it is something else.
    """
    try:
        columns: dict[str, Any] = json.loads(text)
        moment, position = columns.pop("since")
        return Record(**columns, since=(moment, position))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ProtocolError("A row of the record manager's partitions is no record.") from None


def checked_text(value: Any, field: str) -> str:
    """Return *value*, a key, group id or namespace.

    Raises:
        InvalidArgumentError: it is no text.
        LimitExceededError: it is longer than 64 KiB.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{field} must be a text; it is {kind_of(value)}.", field=field)
    if (size := len(value.encode("utf-8", "surrogatepass"))) > TEXT_BYTES:
        raise LimitExceededError(
            f"{field} has {size:,} bytes; a record manager keeps texts of up to {TEXT_BYTES:,}.",
            size=size,
            limit=TEXT_BYTES,
            field=field,
        )
    return value
