"""The typed records of Mastra's memory, and how each is read from its row.

Python's names live here and above; below are the columns of ``mastra_threads``,
``mastra_messages`` and ``mastra_resources``, of every generation. Columns this version does not
know are kept in ``extra`` and written back. Called by the operations; sends nothing.

Source: @mastra/core 1.71 TABLE_SCHEMAS, @mastra/convex 1.5.2 dist/storage/domains/memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import field

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.jsontext import loads
from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.first_format import text_content
from convex_mastra.records.record import Record, new_id, now

PerPage = int | Literal[False]

THREAD_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "resourceId", "title", "metadata", "createdAt", "updatedAt")
)
MESSAGE_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "thread_id", "resourceId", "content", "role", "type", "createdAt")
)
RESOURCE_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "workingMemory", "metadata", "createdAt", "updatedAt")
)


class Thread(Record, frozen=True, kw_only=True):
    """A conversation.

    Attributes:
        id: unique among all threads.
        resource_id: whom it belongs to (a user, a tenant).
        title: may be empty.
        metadata: JSON with printable-ASCII keys that do not begin with ``$``.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    resource_id: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Message(Record, frozen=True, kw_only=True):
    """One message of a thread.

    Attributes:
        content: ``{"format": 2, "parts": [...], ...}`` as Mastra writes it; a text or a list of
            parts in rows of Mastra's first format.
        role: ``user``, ``assistant``, ``signal``; ``tool`` and ``system`` only in old rows.
        type: ``v2``, or what an older or a signal row says.
        created_at: None until it is saved; saving assigns it.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
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
        """Make a text message, in the smallest form that every Mastra version reads.

        Its id is new and its time that of saving; ``.replace(id=…, created_at=…)`` gives it others.
        """
        if not isinstance(text, str):
            raise InvalidArgumentError(
                f"text must be a text, not {type(text).__name__}.", field="text"
            )
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


class Resource(Record, frozen=True, kw_only=True):
    """What is remembered about a resource across its threads.

    Attributes:
        working_memory: Markdown, or JSON as text when the agent has a schema; None if there is none.
        metadata: as of threads.
        extra: columns this version does not know.
    """

    id: str
    working_memory: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    extra: Mapping[str, Any] = field(default_factory=dict)


class MessageUpdate(Record, frozen=True, kw_only=True):
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


class Include(Record, frozen=True, kw_only=True):
    """A message to return besides the page, with its neighbours in its own thread.

    Attributes:
        with_previous_messages, with_next_messages: how many neighbours, 0 or more.
    """

    id: str
    with_previous_messages: int = 0
    with_next_messages: int = 0


class DateRange(Record, frozen=True, kw_only=True):
    """A range of creation times; both ends belong to it unless said otherwise."""

    start: datetime | None = None
    end: datetime | None = None
    start_exclusive: bool = False
    end_exclusive: bool = False


class ThreadPage(Record, frozen=True, kw_only=True):
    """One page of threads. *total* counts all that match; *per_page* is False for all of them."""

    threads: list[Thread]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


class MessagePage(Record, frozen=True, kw_only=True):
    """One page of messages. *total* counts all that match, without those only included."""

    messages: list[Message]
    total: int
    page: int
    per_page: PerPage
    has_more: bool


def thread_from_row(row: Row) -> Thread:
    """Read a row of ``mastra_threads``."""
    return Thread(
        id=columns.text(row, "id"),
        resource_id=columns.text(row, "resourceId"),
        title=row.get("title") or "",
        metadata=columns.metadata(row),
        created_at=columns.moment(row, "createdAt"),
        updated_at=columns.moment(row, "updatedAt"),
        extra=columns.unknown(row, THREAD_COLUMNS),
    )


def message_from_row(row: Row) -> Message:
    """Read a row of ``mastra_messages``, of any generation."""
    # Threads are read by the thousand messages: the usual row is told by one comparison.
    get = row.get
    row_id, thread_id, role, content = get("id"), get("thread_id"), get("role"), get("content")
    if not (type(row_id) is type(thread_id) is type(role) is type(content) is str):
        row_id, thread_id = columns.text(row, "id"), columns.text(row, "thread_id")
        role, content = columns.text(row, "role"), columns.text(row, "content")
    return Message(
        id=row_id,
        thread_id=thread_id,
        resource_id=get("resourceId"),
        role=role,
        content=_content(content),
        type=get("type") or "v2",
        created_at=columns.moment(row, "createdAt"),
        extra={} if row.keys() <= MESSAGE_COLUMNS else columns.unknown(row, MESSAGE_COLUMNS),
    )


def resource_from_row(row: Row) -> Resource:
    """Read a row of ``mastra_resources``."""
    return Resource(
        id=columns.text(row, "id"),
        working_memory=row.get("workingMemory"),
        metadata=columns.metadata(row),
        created_at=columns.moment(row, "createdAt"),
        updated_at=columns.moment(row, "updatedAt"),
        extra=columns.unknown(row, RESOURCE_COLUMNS),
    )


def _content(stored: str) -> Any:
    try:
        content = loads(stored)
    except ValueError:
        return stored
    # The first format stored plain text, and ``42`` is such a text, not the number.
    return content if isinstance(content, dict | list | str) else stored
