"""One content block of LangChain, one part of a Mastra message.

LangChain's standard blocks (``langchain_core.messages.content``) on one side, the parts of
Mastra's second message format on the other. A block that Mastra has no part for, or that some
Mastra version throws on, becomes None; ``exact`` keeps it. Called by ``to_mastra`` and
``citations``.

Source: @mastra/core 1.71 MastraMessagePart (dist/agent/message-list/state/types.d.ts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

Part = dict[str, Any]
Block = dict[str, Any]

DEFAULT_MIME_TYPES: Final = {
    "image": "image/jpeg",  # what Mastra itself assumes
    "audio": "audio/wav",
    "video": "video/mp4",
    "file": "application/octet-stream",
    "text-plain": "text/plain",
}
_URL_SCHEMES: Final = ("https:", "http:", "gs:", "s3:")
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_HOST: Final = rf"(?:(?:[\w~-]+\.)*[a-z][\w~-]*|(?:{_OCTET}\.){{3}}{_OCTET})"
_PORT: Final = r"(?:\d{1,4}|[1-5]\d{4})"
_URL: Final = re.compile(rf"https?://{_HOST}(?::{_PORT})?(?:[/?#]\S*)?", re.A | re.I)
"""What every JavaScript URL parser and every Mastra version takes; another scheme makes the AI SDK
4 throw, and what is no URL would be taken for base64."""
_FILE_ID: Final = "file-"  # ids of other kinds Mastra takes for base64
_MIME_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+", re.A)
_DATA_URL: Final = re.compile(rf"data:{_MIME_TYPE.pattern};base64", re.A)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def mappings(values: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON list; none if it is no list."""
    values = values if isinstance(values, list) else ()
    return [value for value in values if isinstance(value, dict)]


def only_parts(values: Any) -> list[Part]:
    """Return those of *values* that Mastra's readers accept as parts."""
    return [value for value in mappings(values) if isinstance(value.get("type"), str)]


def text_of(values: Any, *names: str) -> str:
    """Return the first of the named values that is a text and not empty; else none."""
    for name in names:
        value = values.get(name) if isinstance(values, Mapping) else None
        if isinstance(value, str) and value:
            return value
    return ""


def part_of_block(block: Mapping[str, Any]) -> Part | None:
    """Return the part that says what a standard block says, or None if Mastra has none."""
    kind = text_of(block, "type")
    if kind in ("text", "text-plain") and (text := text_of(block, "text")):
        return {"type": "text", "text": text}
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


def _reasoning_part(block: Mapping[str, Any]) -> Part | None:
    text, signature = text_of(block, "reasoning"), text_of(block.get("extras"), "signature")
    if not text and not signature:
        return None
    detail = {"type": "text", "text": text}
    if signature:
        detail["signature"] = signature
    return {"type": "reasoning", "reasoning": text, "details": [detail]}


def _reasoning_block(part: Mapping[str, Any]) -> Block:
    details = mappings(part.get("details"))
    texts = [detail["text"] for detail in details if isinstance(detail.get("text"), str)]
    block: Block = {
        "type": "reasoning",
        "reasoning": "".join(texts) or str(part.get("reasoning") or ""),
    }
    providers = part.get("providerMetadata")
    providers = list(providers.values()) if isinstance(providers, Mapping) else []
    signatures = [text_of(place, "signature") for place in providers + details]
    if any(signatures):
        block["extras"] = {"signature": [*filter(None, signatures)][-1]}
    return block


def _file_part(block: Mapping[str, Any]) -> Part | None:
    kind = block["type"]
    mime_type = text_of(block, "mime_type").partition(";")[0]
    if not _MIME_TYPE.fullmatch(mime_type):
        mime_type = DEFAULT_MIME_TYPES[kind]
    url, base64, file_id = (text_of(block, name) for name in ("url", "base64", "file_id"))
    if _URL.fullmatch(url) or _is_data_url(url):
        data = url
    elif _is_base64(base64 := _standard(base64)):
        data = f"data:{mime_type};base64,{base64}"
    elif file_id.startswith(_FILE_ID):
        data = file_id
    else:
        return None
    part: Part = {"type": "file", "mimeType": mime_type, "data": data}
    if filename := text_of(block.get("extras"), "filename") or text_of(block, "filename"):
        part["filename"] = filename
    return part


def _is_data_url(url: str) -> bool:
    head, _, body = url.partition(",")
    return _DATA_URL.fullmatch(head) is not None and _is_base64(body)


def _standard(base64: str) -> str:
    return base64.translate(_URL_SAFE) + "=" * (-len(base64) % 4)


def _is_base64(text: str) -> bool:
    return len(text) % 4 == 0 and _BASE64.fullmatch(text) is not None


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
    if data[:6].lower().startswith(_URL_SCHEMES):
        block["url"] = data
    elif data.startswith(_FILE_ID):
        block["file_id"] = data
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
