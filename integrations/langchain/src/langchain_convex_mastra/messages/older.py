"""What a row says outside the parts of Mastra's second format, brought into parts.

Old rows hold a text or a list of AI SDK parts; others keep calls, texts and files beside the
parts; signals hold what their author or the framework said, which Mastra shows to a model in a
tag. Called by ``rows`` and ``turns``.

Source: MessageList of @mastra/core 1.71 (AIV5Adapter, dist/agent/signals).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from convex_mastra import Message
from convex_mastra.records import upgraded
from langchain_convex_mastra.messages.blocks import Part, mappings, only_parts
from langchain_convex_mastra.messages.from_mastra import call_id_of, invocations_of, is_answered

USER_SIGNALS: Final = frozenset({"user", "user-message"})
TAGS: Final = {"user-message": "user", "reactive": "system-reminder"}
"""The tags of signals that do not name one and whose type is not theirs."""


def parts_of_row(row: Message) -> list[Part]:
    """Return the parts of a row of any format, one for each call; what is no part is left out."""
    content = row.content
    if isinstance(content, str | list):
        return _joined(only_parts(upgraded(content)["parts"]))
    if not isinstance(content, Mapping):
        return [_text(json.dumps(content))]
    parts = only_parts(content.get("parts"))
    if not parts:
        calls = mappings(content.get("toolInvocations"))
        parts = [{"type": "tool-invocation", "toolInvocation": call} for call in calls]
    told: list[Part] = []  # beside the parts, and before what was done about it
    if not any(part["type"] == "text" for part in parts) and content.get("content"):
        told.append(_text(str(content["content"])))
    known = [part.get("data") for part in parts if part["type"] == "file"]
    told += [
        _file(attachment)
        for attachment in mappings(content.get("experimental_attachments"))
        if attachment.get("url") not in known
    ]
    kinds = [part["type"] for part in parts]
    position = kinds.index("tool-invocation") if "tool-invocation" in kinds else len(parts)
    return _joined([*parts[:position], *told, *parts[position:]])


def in_signal_tag(row: Message, parts: list[Part]) -> list[Part]:
    """Return a signal's parts as Mastra shows them to a model: in a tag, unless a user speaks."""
    content = row.content if isinstance(row.content, Mapping) else {}
    metadata = content.get("metadata")
    signal = metadata.get("signal") if isinstance(metadata, Mapping) else None
    signal = signal if isinstance(signal, Mapping) else {}
    attributes = signal.get("attributes")
    attributes = attributes if isinstance(attributes, Mapping) else {}
    shown = "".join(
        f' {name}="{escape(_as_text(value), {chr(34): "&quot;"})}"'
        for name, value in attributes.items()
        if value is not None
    )
    kind = str(signal.get("type") or row.type)
    if kind in USER_SIGNALS and not shown:
        return parts
    tag = str(signal.get("tagName") or TAGS.get(kind, kind))
    text = "\n".join(escape(str(part.get("text"))) for part in parts if part["type"] == "text")
    others = [part for part in parts if part["type"] != "text"]
    return [_text(f"<{tag}{shown}>{text}</{tag}>" if text else f"<{tag}{shown} />"), *others]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Return *parts* without outcomes that have a part of their own: they join their calls."""
    joined: list[Part] = []
    places: dict[str, int] = {}
    for part in parts:
        call = next(invocations_of([part]), None)
        place = None if call is None else places.get(call_id_of(call))
        known = None if place is None else joined[place]["toolInvocation"]
        if call is not None and place is not None and known and not is_answered(known):
            outcome = {**call, "args": known.get("args")}
            joined[place] = {**joined[place], "toolInvocation": outcome}
            continue
        if call is not None:
            places[call_id_of(call)] = len(joined)
        joined.append(part)
    return joined


def _file(attachment: Mapping[str, Any]) -> Part:
    part: Part = {
        "type": "file",
        "mimeType": attachment.get("contentType"),
        "data": attachment.get("url"),
    }
    name = attachment.get("name")
    return {**part, "filename": name} if name else part


def _text(text: str) -> Part:
    return {"type": "text", "text": text}
