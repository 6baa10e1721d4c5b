"""Contents that are not in Mastra's second format, and signals, brought into parts.

Old rows hold a text or a list of AI SDK parts; signals hold what their author or the framework
said, which Mastra shows to a model in a tag. Called by ``rows``.

Source: MessageList of @mastra/core 1.71 (conversion of V1 rows, dist/agent/signals).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from convex_mastra import Message
from langchain_convex_mastra.messages.blocks import Part, mappings, only_parts

USER_SIGNALS: Final = frozenset({"user", "user-message"})


def parts_of_row(row: Message) -> list[Part]:
    """Return the parts of a row of any format; what is no part is left out."""
    content = row.content
    if isinstance(content, str):
        return [_text(content)] if content else []
    if isinstance(content, list):
        return [part for item in content if (part := _upgraded(item)) is not None]
    if not isinstance(content, Mapping):
        return [_text(json.dumps(content))]
    parts = only_parts(content.get("parts"))
    if not parts:
        parts = [_call(call) for call in mappings(content.get("toolInvocations"))]
    told: list[Part] = []  # beside the parts, and before what was done about it
    if not any(part["type"] == "text" for part in parts) and content.get("content"):
        told.append(_text(str(content["content"])))
    known = [part.get("data") for part in parts if part["type"] == "file"]
    told += [
        _file(attachment, attachment.get("url"))
        for attachment in mappings(content.get("experimental_attachments"))
        if attachment.get("url") not in known
    ]
    kinds = [part["type"] for part in parts]
    position = kinds.index("tool-invocation") if "tool-invocation" in kinds else len(parts)
    return [*parts[:position], *told, *parts[position:]]


def in_signal_tag(row: Message, parts: list[Part]) -> list[Part]:
    """Return a signal's parts as Mastra shows them to a model: in a tag, unless a user speaks."""
    content = row.content if isinstance(row.content, Mapping) else {}
    metadata = content.get("metadata")
    signal = metadata.get("signal") if isinstance(metadata, Mapping) else None
    signal = signal if isinstance(signal, Mapping) else {}
    attributes = signal.get("attributes")
    attributes = attributes if isinstance(attributes, Mapping) else {}
    shown = "".join(
        f' {name}="{escape(str(value), {chr(34): "&quot;"})}"'
        for name, value in attributes.items()
        if value is not None
    )
    kind = signal.get("type") or row.type
    if kind in USER_SIGNALS and not shown:
        return parts
    tag = str(signal.get("tagName") or ("user" if kind in USER_SIGNALS else kind))
    text = "\n".join(escape(str(part.get("text"))) for part in parts if part["type"] == "text")
    others = [part for part in parts if part["type"] != "text"]
    return [_text(f"<{tag}{shown}>{text}</{tag}>" if text else f"<{tag}{shown} />"), *others]


def _upgraded(item: Any) -> Part | None:
    if not isinstance(item, Mapping):
        return _text(item) if isinstance(item, str) else None
    kind = item.get("type")
    if kind == "text":
        return _text(str(item.get("text") or ""))
    if kind == "reasoning":
        detail = {"type": "text", "text": str(item.get("text") or "")}
        if item.get("signature"):
            detail["signature"] = item["signature"]
        return {"type": "reasoning", "reasoning": detail["text"], "details": [detail]}
    if kind in ("tool-call", "tool-result"):
        return _call({"state": "call" if kind == "tool-call" else "result", **item})
    if kind in ("image", "file"):
        default = "image/jpeg" if kind == "image" else None
        return _file(item, item.get("image") or item.get("data"), default)
    return None


def _call(call: Mapping[str, Any]) -> Part:
    names = ("state", "toolCallId", "toolName", "args", "result", "errorText")
    invocation = {name: call[name] for name in names if name in call}
    return {"type": "tool-invocation", "toolInvocation": invocation}


def _file(item: Mapping[str, Any], data: Any, default: str | None = None) -> Part:
    mime_type = item.get("mimeType") or item.get("contentType") or default
    part: Part = {"type": "file", "mimeType": mime_type, "data": data}
    name = item.get("filename") or item.get("name")
    return {**part, "filename": name} if name else part


def _text(text: str) -> Part:
    return {"type": "text", "text": text}
