"""What every flow of the saver takes besides the target, and how configs are read.

Called by all rooms that do something; knows no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.ops.arguments import kind_of
from langchain_convex_mastra.checkpoints.layout import Place
from langchain_convex_mastra.checkpoints.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Desk:
    """A saver's serialiser and its memory."""

    serde: SerializerProtocol
    ledger: Ledger


def place_of(config: Any) -> Place:
    """The place that a config names; the root namespace if it names none.

    Raises:
        InvalidArgumentError: it names no thread.
    """
    configurable = configurable_of(config)
    if configurable.get("thread_id") is None:
        raise InvalidArgumentError(
            "config must name a thread: {'configurable': {'thread_id': …}}.",
            field="config.configurable.thread_id",
        )
    return _place(str(configurable["thread_id"]), str(configurable.get("checkpoint_ns") or ""))


_place: Final = lru_cache(maxsize=4096)(Place)
"""A place remembers its partitions' names; making them anew costs more than finding it here."""


def checkpoint_id_of(config: Any) -> str | None:
    """The checkpoint that a config names, or None."""
    named = configurable_of(config).get("checkpoint_id")
    return None if not named else str(named)


def configurable_of(config: Any) -> Mapping[str, Any]:
    """The part of a config that names things.

    Raises:
        InvalidArgumentError: there is none.
    """
    configurable = config.get("configurable") if isinstance(config, Mapping) else None
    if not isinstance(configurable, Mapping):
        raise InvalidArgumentError(
            "config must name a thread, {'configurable': {'thread_id': …}}; it "
            + (
                "has no 'configurable'."
                if isinstance(config, Mapping)
                else f"is {kind_of(config)}."
            ),
            field="config",
        )
    return configurable
