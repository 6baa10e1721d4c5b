"""Names of partitions, and lists that are spread over sixteen of them.

A stock deployment reads at most 10,000 rows of a partition and has no pages for it, so what must be
listed stands in small rows, over sixteen partitions by the digest of what it is listed under (ADR
9). Called by ``key_values`` and by the adapters' stores; what the rows say is their business.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from convex_mastra.flow import Flow
from convex_mastra.ops.documents import list_each
from convex_mastra.ops.target import Target

SHARDS: Final = "0123456789abcdef"
NAME_LENGTH: Final = 512
"""Longer names are replaced by their digest."""


@lru_cache(maxsize=8192)
def name_part(text: str) -> str:
    """Return what stands for *text*, and for no other, in a partition's name or in a key.

    Percent-encoded, without ``/`` and ``#``; a digest after ``~`` where that would be long.
    """
    quoted = quote(_bytes(text), safe="")
    if len(quoted) > NAME_LENGTH:
        return f"~{sha256(_bytes(text)).hexdigest()}"
    return f"%7E{quoted[1:]}" if quoted.startswith("~") else quoted


def shard_of(key: str) -> str:
    """Return which of the sixteen lists *key* stands in."""
    return sha256(_bytes(key)).hexdigest()[0]


def shard(prefix: str, key: str) -> str:
    """Return the partition under *prefix* that lists *key*."""
    return f"{prefix}/{shard_of(key)}"


def list_shards(target: Target, prefix: str) -> Flow[dict[str, str]]:
    """Return all texts of the sixteen partitions under *prefix*, by key.

    Raises:
        ScanLimitError: one of them holds more than the deployment reads in one call.

    Cost: 16 round trips side by side; one where ``convex_mastra/documents:ranges`` is deployed.
    """
    listed = yield from list_each(target, [f"{prefix}/{name}" for name in SHARDS])
    return {key: text for rows in listed for key, text in rows.items()}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
