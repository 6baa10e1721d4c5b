"""A row in the making: new, or stored and continued.

Takes LangChain messages one by one, keeps the parts and the exact entries in step, and becomes a
``Message``. Which message goes where is decided in ``turns``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, message_to_dict

from convex_mastra import Message
from convex_mastra.jsontext import dumps
from convex_mastra.limits import DOCUMENT_SIZE_BYTES
from langchain_convex_mastra.messages.blocks import Part
from langchain_convex_mastra.messages.exact import KEY, Entry, annotation, cut, message_data
from langchain_convex_mastra.messages.from_mastra import (
    call_id_of,
    calls_of,
    invocations_of,
    is_answered,
)
from langchain_convex_mastra.messages.pending import settled
from langchain_convex_mastra.messages.to_mastra import (
    outcome_of,
    parts_of,
    result_part,
    text_of_last_step,
)

ROW_BYTES: Final = DOCUMENT_SIZE_BYTES * 15 // 16
"""A turn that grows beyond this goes on in another row, so that no message is refused for what
came before it."""


def size_of(message: BaseMessage) -> int:
    """Return how many bytes a message adds to a row at most: its parts and its exact entry.

    Raises:
        InvalidArgumentError: it holds what is not JSON.
    """
    return 2 * len(dumps(message_to_dict(message), f"the {message.type} message").encode())


def unanswered(parts: Sequence[Part]) -> list[str]:
    """Return the ids of the tool calls that have no outcome yet."""
    return [call_id_of(call) for call in invocations_of(parts) if not is_answered(call)]


@dataclass
class Draft:
    """A row in the making.

    Attributes:
        row: the stored row it continues, or None.
        size_bytes: how large its content is, at most.
        open_calls: the tool calls that a tool message may answer here.
        after_result: whether its last message is a tool message.
        added: ids of the additions of the journal that it holds.
        is_changed: whether it has taken a message.
    """

    role: str
    row: Message | None = None
    parts: list[Part] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    size_bytes: int = 0
    open_calls: set[str] = field(default_factory=set)
    after_result: bool = False
    first_id: str | None = None
    added: list[str] = field(default_factory=list)
    is_changed: bool = False

    def takes(self, message: AIMessage | ToolMessage) -> bool:
        """Whether *message* belongs to this turn, and there is room for it."""
        if isinstance(message, ToolMessage):
            belongs = message.tool_call_id in self.open_calls
        else:
            belongs = self.after_result
        return belongs and self.has_room([message])

    def has_room(self, messages: Sequence[BaseMessage]) -> bool:
        """Whether *messages* fit into this row: by their size, and by the ids of their calls."""
        if self.size_bytes + sum(map(size_of, messages)) > ROW_BYTES:
            return False
        steps = [message for message in messages if isinstance(message, AIMessage)]
        # Mastra finds a tool call by its id, so one row never holds two of one id.
        ids = {call["id"] for call in calls_of(self.parts)} if steps else set()
        return ids.isdisjoint(call["id"] for step in steps for call in step.tool_calls)

    def take(self, message: BaseMessage) -> None:
        """Add a message; a tool message answers its call, if that waits for it."""
        if isinstance(message, ToolMessage) and message.tool_call_id in self.open_calls:
            self.answer(message)
        else:
            self.add(message)

    def add(self, message: BaseMessage) -> None:
        """Add a message that has parts of its own; a tool message then brings its call."""
        is_result = isinstance(message, ToolMessage)
        own = [result_part(message)] if isinstance(message, ToolMessage) else parts_of(message)
        if self.entries:
            self.parts.append({"type": "step-start"})
        else:
            self.first_id = message.id
        self.parts += own
        data = message_data(message, own)
        self.entries.append({"type": message.type, "parts": len(own), "data": data})
        self.open_calls = set() if is_result else set(unanswered(own))
        self._took(message, is_result=is_result)

    def answer(self, message: ToolMessage) -> None:
        """Give the tool call that *message* answers its outcome."""
        call_id = message.tool_call_id
        *runs, _ = cut(self.parts, [entry["parts"] for entry in self.entries])
        entry, part = next(
            (entry, part)
            for entry, run in zip(self.entries, runs, strict=True)
            for part in run
            if call_id in unanswered([part])
        )
        part["toolInvocation"].update(outcome_of(message))
        tool: dict[str, Any] = {"id": call_id, "data": message_data(message, [part])}
        if (kind := str(message.type)) != "tool":
            tool["type"] = kind
        entry["tools"] = [*entry.get("tools", ()), tool]
        self.open_calls.discard(call_id)
        self._took(message, is_result=True)

    def as_row(self, thread_id: str, resource_id: str, taken: set[str]) -> Message:
        """Return the row, under the first message's id if that is not *taken* (and take it)."""
        if self.row:
            owner = self.row.resource_id or resource_id
            return self.row.replace(content=self._content(self.row.content), resource_id=owner)
        row_id = self.first_id if self.first_id and self.first_id not in taken else str(uuid4())
        taken.add(row_id)
        return Message(
            id=row_id,
            thread_id=thread_id,
            resource_id=resource_id,
            role=self.role,
            content=self._content({}),
        )

    def _content(self, old: Mapping[str, Any]) -> dict[str, Any]:
        content = {**old, "format": 2, "parts": self.parts}
        text = text_of_last_step(self.parts)
        if text or not self.parts:
            content["content"] = text
        else:
            content.pop("content", None)
        if "toolInvocations" in old:  # Mastra's mirror of the parts, in some rows
            content["toolInvocations"] = list(invocations_of(self.parts))
        metadata = old.get("metadata")
        content["metadata"] = {
            **(metadata if isinstance(metadata, Mapping) else {}),
            KEY: annotation(self.entries, self.parts, self.added),
        }
        answered = {call_id_of(call) for call in invocations_of(self.parts) if is_answered(call)}
        return settled(content, answered)

    def _took(self, message: BaseMessage, *, is_result: bool) -> None:
        self.size_bytes += size_of(message)
        self.after_result = is_result
        self.is_changed = True


def copies(parts: Sequence[Part]) -> list[Part]:
    """Return parts whose outcomes may be changed without changing *parts*."""
    return [
        {**part, "toolInvocation": dict(part["toolInvocation"])}
        if isinstance(part.get("toolInvocation"), dict)
        else dict(part)
        for part in parts
    ]
