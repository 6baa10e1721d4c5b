"""What the parts of a row do not say: LangChain's exact messages, kept beside them.

Under ``content.metadata.langchain`` a row holds one entry for each of its LangChain messages, with
only the fields that its parts do not give. A digest over what the parts say tells whether someone
changed them since; then the entries no longer count, and the parts win. Called by ``turns`` (to
write) and ``rows`` (to read).

The form: ``{"version": 1, "digest": text, "messages": [entry], "added": [id]}``. An entry is
``{"parts": n, "type": text, "data": {field: value}, "tools": [{"id": text, "data": {...}}]}``:
how many parts of the row are its own, LangChain's type and fields, and the tool messages that
answer it. A content is left out if it is the one text among the parts, and ``{"from": "parts"}`` if
it is all of them. An entry without ``type`` stands for parts that are read as they are. ``added``
names the additions of the journal that the row holds; a row that was never continued has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict

from convex_mastra.limits import EXACT_INTEGER
from convex_mastra.values import plain_numbers
from langchain_convex_mastra.messages.blocks import Part, block_of_part, only_parts, text_of
from langchain_convex_mastra.messages.from_mastra import (
    call_id_of,
    calls_of,
    content_of,
    invocations_of,
    is_answered,
    result_fields,
)
from langchain_convex_mastra.sameness import same

KEY: Final = "langchain"
VERSION: Final = 1
DIGEST_LENGTH: Final = 16
FROM_PARTS: Final = {"from": "parts"}
"""Stands for a content that is what the parts say, as LangChain's standard blocks."""
TOOL_TYPES: Final = frozenset({"tool", "ToolMessageChunk"})
_MARKS: Final = frozenset({"createdAt", "providerMetadata"})
Entry = dict[str, Any]


def says_something(part: Part) -> bool:
    """Whether a part belongs to a message; steps and ``data-`` parts are Mastra's own."""
    kind = str(part.get("type"))
    return kind != "step-start" and not kind.startswith("data-")


def annotation(
    entries: Sequence[Entry], parts: Sequence[Part], added: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what ``content.metadata.langchain`` holds for a row of these parts."""
    stored = {"version": VERSION, "digest": _digest(entries, parts), "messages": list(entries)}
    return {**stored, "added": list(added)} if added else stored


def stored_annotation(content: Any) -> Mapping[str, Any] | None:
    """Return what a content holds under our name, valid or not; None if it holds nothing."""
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    stored = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    return stored if isinstance(stored, Mapping) else None


def added_ids(content: Any) -> list[str]:
    """Return the ids of the additions that a content holds, whoever changed its parts since."""
    ids = (stored_annotation(content) or {}).get("added")
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, list) else []


def valid_entries(content: Mapping[str, Any]) -> list[Entry] | None:
    """Return a content's entries; None if it has none, or its parts were changed since."""
    stored = stored_annotation(content)
    if stored is None or stored.get("version") != VERSION:
        return None
    try:
        entries = [dict(entry) for entry in stored["messages"]]
        if stored["digest"] == _digest(entries, only_parts(content["parts"])):
            return entries
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # written by something else under our name
    return None


def cut(parts: Sequence[Part], counts: Sequence[int]) -> list[list[Part]]:
    """Cut *parts* into runs that hold so many saying parts each, and what follows them."""
    runs: list[list[Part]] = []
    position = 0
    for count in counts:
        start = position
        while count > 0 and position < len(parts):
            count -= says_something(parts[position])  # noqa: PLW2901
            position += 1
        if count > 0:
            raise ValueError("the row has fewer parts than its messages need")
        runs.append(list(parts[start:position]))
    return [*runs, list(parts[position:])]


def message_data(message: BaseMessage, parts: Sequence[Part]) -> dict[str, Any]:
    """Return the fields of a message that its *parts* do not say."""
    fields = dict(message_to_dict(message)["data"])
    del fields["type"]
    given = _said_by(message.type, parts)
    if not same(fields["content"], given["content"]) and same(fields["content"], _whole(parts)):
        fields["content"] = FROM_PARTS
    return {
        name: value
        for name, value in fields.items()
        if not same(value, given.get(name, _default(message, name)))
    }


def exact_message(kind: str, data: Any, parts: Sequence[Part]) -> BaseMessage | None:
    """Return the message that was saved; None if this LangChain cannot make it of *data*."""
    try:
        fields = {**_said_by(kind, parts), **data}
        if fields["content"] == FROM_PARTS:
            fields["content"] = _whole(parts)
        return messages_from_dict([{"type": kind, "data": fields}])[0]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _said_by(kind: str, parts: Sequence[Part]) -> dict[str, Any]:
    if kind in TOOL_TYPES:
        return result_fields(*invocations_of(parts))
    texts = [part["text"] for part in parts if part.get("type") == "text"]
    given: dict[str, Any] = {"content": texts[0] if len(texts) == 1 else ""}
    if kind in ("ai", "AIMessageChunk"):
        given["tool_calls"] = calls_of(parts)
    return given


def _whole(parts: Sequence[Part]) -> Any:
    """The content that is all of the parts: content blocks, or a tool's result."""
    results = [call["result"] for call in invocations_of(parts) if "result" in call]
    return content_of(parts) or (results[0] if results else None)


def _default(message: BaseMessage, name: str) -> Any:
    field = type(message).model_fields.get(name)
    return _NO_DEFAULT if field is None else field.get_default(call_default_factory=True)


def _digest(entries: Sequence[Entry], parts: Sequence[Part]) -> str:
    statements = []
    *runs, _ = cut(parts, [entry["parts"] for entry in entries])
    for entry, run in zip(entries, runs, strict=True):
        with_outcome = {tool["id"] for tool in entry.get("tools", ())}
        is_result = entry.get("type") in TOOL_TYPES
        statements.append(
            [
                _statement(part, is_result or _call_id(part) in with_outcome)
                for part in run
                if says_something(part)
            ]
        )
    text = json.dumps(_as_javascript_writes(statements), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def _as_javascript_writes(value: Any) -> Any:
    """Return a value with the numbers that are left when Mastra has stored it again."""
    if type(value) is int and abs(value) > EXACT_INTEGER:
        with suppress(OverflowError):
            return float(value)
    if isinstance(value, dict):
        return {key: _as_javascript_writes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_javascript_writes(item) for item in value]
    return plain_numbers(value)


def _statement(part: Part, with_outcome: bool) -> Any:
    call = part.get("toolInvocation")
    if isinstance(call, Mapping):
        said = [call_id_of(call), call.get("toolName"), call.get("args")]
        return [*said, result_fields(call)] if with_outcome and is_answered(call) else said
    # Only what survives that a user interface shows the message and sends it back.
    if part.get("type") == "source":
        return ["source", text_of(part.get("source"), "url")]
    block = block_of_part(part)
    if block is None:
        return {name: value for name, value in part.items() if name not in _MARKS}
    if block["type"] == "reasoning":
        block.pop("extras", None)
    return block


def _call_id(part: Part) -> str | None:
    call = part.get("toolInvocation")
    return call_id_of(call) if isinstance(call, Mapping) else None


_NO_DEFAULT: Final = object()
