"""Contents of Mastra's first format, brought into the second.

Rows written before format 2 hold a text, or a list of parts as the AI SDK 4 had them, and their
``type`` says of which kind. Mastra brings them forward when it reads them; here that happens when
one is changed, and unlike there a part of an unknown kind stays. Called by the operations that
change messages.

Source: MessageList of @mastra/core 1.71, conversion of core messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

FIRST_FORMAT_TYPES: Final = frozenset({"text", "tool-call", "tool-result"})
"""What the column ``type`` says of such rows; ``v2`` takes their place."""


def text_content(text: str) -> dict[str, Any]:
    """The content of a text message, in the smallest form that every Mastra version reads."""
    return {"format": 2, "parts": [{"type": "text", "text": text}], "content": text}


def upgraded(content: str | Sequence[Any]) -> dict[str, Any]:
    """Return a text or a list of parts as a content of format 2."""
    if isinstance(content, str):
        return text_content(content)
    args = {
        part["toolCallId"]: part.get("args")
        for part in content
        if isinstance(part, Mapping)
        and part.get("type") == "tool-call"
        and isinstance(part.get("toolCallId"), str)
    }
    return {"format": 2, "parts": [_upgraded_part(part, args) for part in content]}


def _upgraded_part(part: Any, args: Mapping[str, Any]) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        return part
    rest = dict(part)
    kind = rest.pop("type", None)
    if "providerOptions" in rest:
        rest["providerMetadata"] = rest.pop("providerOptions")
    match kind:
        case "tool-call":
            call = {"state": "call", **_taken(rest, "toolCallId", "toolName", "args")}
            return {"type": "tool-invocation", "toolInvocation": call, **rest}
        case "tool-result":
            result = _taken(rest, "toolCallId", "toolName", "args", "result", "isError")
            known = args.get(str(result.get("toolCallId"))) or {}
            call = {"state": "result", "args": known, "result": "", **result}
            return {"type": "tool-invocation", "toolInvocation": call, **rest}
        case "reasoning" if "details" not in rest:
            detail = {"type": "text", "text": "", **_taken(rest, "text", "signature")}
            return {"type": "reasoning", "reasoning": detail["text"], "details": [detail], **rest}
        case "redacted-reasoning":
            detail = {"type": "redacted", **_taken(rest, "data")}
            return {"type": "reasoning", "reasoning": "", "details": [detail], **rest}
        case "image" if "image" in rest:
            data = rest.pop("image")
            return {"type": "file", "data": data, "mimeType": "image/jpeg", **rest}
    return part


def _taken(part: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take the named keys out of *part*, and return them."""
    return {name: part.pop(name) for name in names if name in part}
