"""One content block of LangChain, one part of a Mastra message.

LangChain's standard blocks (``langchain_core.messages.content``) on one side, the parts of
Mastra's second message format on the other. A block that Mastra has no part for becomes None;
``exact`` keeps it. Called by ``to_mastra`` and ``from_mastra``.

Source: @mastra/core 1.71 MastraMessagePart (dist/agent/message-list/state/types.d.ts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Part = dict[str, Any]
Block = dict[str, Any]

DEFAULT_MIME_TYPES: Final = {
    "image": "image/jpeg",  # what Mastra itself assumes
    "audio": "audio/wav",
    "video": "video/mp4",
    "file": "application/octet-stream",
}
_URL_SCHEMES: Final = ("https:", "http:", "gs:", "s3:")


def mappings(values: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON list; none if it is no list."""
    values = values if isinstance(values, list) else ()
    return [value for value in values if isinstance(value, dict)]


def only_parts(values: Any) -> list[Part]:
    """Return those of *values* that Mastra's readers accept as parts."""
    return [value for value in mappings(values) if isinstance(value.get("type"), str)]


def part_of_block(block: Mapping[str, Any]) -> Part | None:
    """Return the part that says what a standard block says, or None if Mastra has none."""
    kind = block.get("type")
    if kind == "text" and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    if kind == "text-plain" and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    if kind == "reasoning":
        return _reasoning_part(block)
    if kind in DEFAULT_MIME_TYPES:
        return _file_part(block)
    return None


def block_of_part(part: Mapping[str, Any]) -> Block | None:
    """Return the standard block that says what a part says, or None if it has no content."""
    kind = part.get("type")
    if kind == "text" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if kind == "reasoning":
        return _reasoning_block(part)
    if kind == "file":
        return _file_block(part)
    return None


def _reasoning_part(block: Mapping[str, Any]) -> Part:
    text = str(block.get("reasoning") or "")
    detail = {"type": "text", "text": text}
    signature = (block.get("extras") or {}).get("signature")
    if isinstance(signature, str):
        detail["signature"] = signature
    return {"type": "reasoning", "reasoning": text, "details": [detail]}


def _reasoning_block(part: Mapping[str, Any]) -> Block:
    details = mappings(part.get("details"))
    texts = [detail["text"] for detail in details if isinstance(detail.get("text"), str)]
    block: Block = {
        "type": "reasoning",
        "reasoning": "".join(texts) or str(part.get("reasoning") or ""),
    }
    signatures = [detail["signature"] for detail in details if detail.get("signature")]
    if signatures:
        block["extras"] = {"signature": signatures[-1]}
    return block


def _file_part(block: Mapping[str, Any]) -> Part | None:
    kind = block["type"]
    mime_type = block.get("mime_type") or DEFAULT_MIME_TYPES[kind]
    if isinstance(block.get("url"), str):
        data = block["url"]
    elif isinstance(block.get("base64"), str):
        data = f"data:{mime_type};base64,{block['base64']}"
    elif isinstance(block.get("file_id"), str):
        data = block["file_id"]
    else:
        return None
    part: Part = {"type": "file", "mimeType": mime_type, "data": data}
    filename = (block.get("extras") or {}).get("filename") or block.get("filename")
    if isinstance(filename, str):
        part["filename"] = filename
    return part


def _file_block(part: Mapping[str, Any]) -> Block | None:
    data = part.get("data") or part.get("url")
    if not isinstance(data, str) or not data:
        return None
    mime_type = str(part.get("mimeType") or part.get("mediaType") or "")
    head, comma, body = data.partition(",")
    if head.startswith("data:") and comma:
        mime_type = head.removeprefix("data:").partition(";")[0] or mime_type
    family = mime_type.partition("/")[0]
    block: Block = {"type": family if family in DEFAULT_MIME_TYPES else "file"}
    if data.startswith(_URL_SCHEMES):
        block["url"] = data
    elif head.startswith("data:") and head.endswith(";base64"):
        block["base64"] = body
    elif head.startswith("data:"):
        block["url"] = data
    else:
        block["base64"] = data  # Mastra keeps what a model generated as bare base64
    if mime_type:
        block["mime_type"] = mime_type
    if isinstance(part.get("filename"), str):
        block["extras"] = {"filename": part["filename"]}
    return block
