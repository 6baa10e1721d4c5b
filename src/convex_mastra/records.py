"""The typed records of Mastra's memory, and how each is written as a row and read back.

Python's names live here and above; below are the columns of ``mastra_threads``,
``mastra_messages`` and ``mastra_resources``. Columns this version does not know are kept in
``extra`` and written back. Called by the operations; sends nothing.

Source: @mastra/core 1.71 TABLE_SCHEMAS, @mastra/convex 1.5.2 dist/storage/domains/memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import uuid4

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads, loads_or_none
from convex_mastra.timestamps import from_text
from convex_mastra.values import plain_numbers

Row = dict[str, Any]
PerPage = int | Literal[False]

SYSTEM_COLUMNS: Final = frozenset({"_id", "_creationTime"})
THREAD_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "resourceId", "title", "metadata", "createdAt", "updatedAt")
)
MESSAGE_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "thread_id", "resourceId", "content", "role", "type", "createdAt")
)
RESOURCE_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "workingMemory", "metadata", "createdAt", "updatedAt")
)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation.

    Attributes:
        id: unique among all threads.
        resource_id: whom it belongs to (a user, a tenant).
        title: may be empty.
        metadata: JSON with printable-ASCII keys that do not begin with ``$``.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=_new_id)
    resource_id: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a thread.

    Attributes:
        content: ``{"format": 2, "parts": [...], ...}`` as Mastra writes it; a text or a list of
            parts in rows of Mastra's first format.
        role: ``user``, ``assistant``, ``signal``; ``tool`` and ``system`` only in old rows.
        type: ``v2``, or what an older or a signal row says.
        created_at: None until it is saved; saving assigns it.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=_new_id)
    thread_id: str
    resource_id: str | None = None
    role: str
    content: Any
    type: str = "v2"
    created_at: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_text(
        cls, text: str, *, role: str = "user", thread_id: str, resource_id: str | None = None
    ) -> Message:
        """Make a text message, in the smallest form that every Mastra version reads."""
        return cls(
            thread_id=thread_id, resource_id=resource_id, role=role, content=text_content(text)
        )

    @property
    def text(self) -> str:
        """The text of all text parts, one below the other."""
        if isinstance(self.content, str):
            return self.content
        parts = self.content.get("parts") if isinstance(self.content, Mapping) else self.content
        texts = [
            part["text"]
            for part in parts or ()
            if isinstance(part, Mapping)
            and part.get("type") == "text"
            and isinstance(part.get("text"), str)
        ]
        if not texts and isinstance(self.content, Mapping):
            plain = self.content.get("content")
            return plain if isinstance(plain, str) else ""
        return "\n".join(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What is remembered about a resource across its threads.

    Attributes:
        working_memory: Markdown, or JSON as text when the agent has a schema; None if there is none.
        metadata: as of threads.
        extra: columns this version does not know.
    """

    id: str
    working_memory: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUpdate:
    """Changes to one stored message; what is None stays as it is.

    Attributes:
        content: merged key by key into the stored content; its ``metadata`` likewise.
        thread_id: moves the message to another thread.
    """

    id: str
    content: Mapping[str, Any] | None = None
    role: str | None = None
    type: str | None = None
    thread_id: str | None = None
    resource_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """A message to return besides the page, with its neighbours in its own thread.

    Attributes:
        with_previous_messages, with_next_messages: how many neighbours, 0 or more.
    """

    id: str
    with_previous_messages: int = 0
    with_next_messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """A range of creation times; both ends belong to it unless said otherwise."""

    start: datetime | None = None
    end: datetime | None = None
    start_exclusive: bool = False
    end_exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """One page of threads. *total* counts all that match; *per_page* is False for all of them."""

    threads: list[Thread]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """One page of messages. *total* counts all that match, without those only included."""

    messages: list[Message]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


def text_content(text: str) -> dict[str, Any]:
    """The content of a text message, in the smallest form that every Mastra version reads."""
    return {"format": 2, "parts": [{"type": "text", "text": text}], "content": text}


def thread_from_row(row: Row) -> Thread:
    """Read a row of ``mastra_threads``."""
    return Thread(
        id=_text(row, "id"),
        resource_id=_text(row, "resourceId"),
        title=row.get("title") or "",
        metadata=_metadata(row),
        created_at=_moment(row, "createdAt"),
        updated_at=_moment(row, "updatedAt"),
        extra=_extra(row, THREAD_COLUMNS),
    )


def message_from_row(row: Row) -> Message:
    """Read a row of ``mastra_messages``, of any generation."""
    return Message(
        id=_text(row, "id"),
        thread_id=_text(row, "thread_id"),
        resource_id=row.get("resourceId"),
        role=_text(row, "role"),
        content=_content(_text(row, "content")),
        type=row.get("type") or "v2",
        created_at=_moment(row, "createdAt"),
        extra=_extra(row, MESSAGE_COLUMNS),
    )


def resource_from_row(row: Row) -> Resource:
    """Read a row of ``mastra_resources``."""
    return Resource(
        id=_text(row, "id"),
        working_memory=row.get("workingMemory"),
        metadata=_metadata(row),
        created_at=_moment(row, "createdAt"),
        updated_at=_moment(row, "updatedAt"),
        extra=_extra(row, RESOURCE_COLUMNS),
    )


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if type(value) is not str:
        raise ProtocolError(f"A row's {column} is stored as {type(value).__name__}, not text.")
    return value


def _content(stored: str) -> Any:
    try:
        content = loads(stored)
    except ValueError:
        return stored
    # The first format stored plain text, and ``42`` is such a text, not the number.
    return content if isinstance(content, dict | list | str) else stored


def _metadata(row: Row) -> dict[str, Any]:
    stored = row.get("metadata")
    if isinstance(stored, str):
        stored = loads_or_none(stored)
    return plain_numbers(stored) if isinstance(stored, dict) else {}


def _moment(row: Row, column: str) -> datetime:
    return from_text(row.get(column), row.get("_creationTime", 0.0))


def _extra(row: Row, known: frozenset[str]) -> dict[str, Any]:
    if row.keys() <= known:
        return {}
    return {name: row[name] for name in sorted(row.keys() - known)}
