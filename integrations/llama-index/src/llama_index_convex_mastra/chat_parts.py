"""What Mastra wrote into a message, as LlamaIndex's messages.

Mastra keeps a whole turn of an agent in one row: text, reasoning, files, and each tool call with its
result. LlamaIndex's models want the calls in an assistant's message and a message of role ``tool``
for each result after it, so a row may be several messages. Pure functions; called by
``chat_messages`` for rows that LlamaIndex did not write, or that were changed since.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Final

from llama_index.core.base.llms.types import (
    AudioBlock,
    DocumentBlock,
    ImageBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.llms import ChatMessage, MessageRole, TextBlock
from pydantic import ValidationError

from llama_index_convex_mastra.nodes import to_json

Part = Mapping[str, Any]
Block = TextBlock | ThinkingBlock | ImageBlock | AudioBlock | VideoBlock | DocumentBlock

_WEB_SCHEMES: Final = ("http://", "https://")


def parts_of(content: Any) -> list[Part]:
    """Return the parts of a content of format 2; none if it has none."""
    parts = content.get("parts") if isinstance(content, Mapping) else None
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def messages_of(parts: Iterable[Part], role: MessageRole) -> list[ChatMessage]:
    """Return the messages that parts say, in their order; none if they say nothing.

    A call without a result is left out: models refuse a conversation with one.

    Args:
        role: of the messages that are no tool results.
    """
    messages: list[ChatMessage] = []
    blocks: list[Block | ToolCallBlock] = []
    results: list[ChatMessage] = []

    def end_step() -> None:
        if blocks:
            is_call = role is MessageRole.TOOL and bool(results)
            speaker = MessageRole.ASSISTANT if is_call else role
            messages.append(ChatMessage(role=speaker, blocks=list(blocks)))
        messages.extend(results)
        blocks.clear()
        results.clear()

    for part in parts:
        if part.get("type") == "tool-invocation":
            pair = _call_and_result(part.get("toolInvocation"))
            if pair is not None:
                blocks.append(pair[0])
                results.append(pair[1])
            continue
        block = _block_of(part)
        if results and (block is not None or part.get("type") == "step-start"):
            end_step()
        if block is not None:
            blocks.append(block)
    end_step()
    return messages


def said_by(parts: Iterable[Part]) -> list[str]:
    """Return the texts and the results of tools: what tells whether parts were changed."""
    said = []
    for part in parts:
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            said.append(part["text"])
        elif isinstance(invocation := part.get("toolInvocation"), Mapping):
            said.append(_text_of(invocation.get("result")))
    return said


def _call_and_result(invocation: Any) -> tuple[ToolCallBlock, ChatMessage] | None:
    if not isinstance(invocation, Mapping):
        return None
    state = invocation.get("state")
    call_id, name = invocation.get("toolCallId"), invocation.get("toolName")
    if not isinstance(call_id, str) or not isinstance(name, str):
        return None
    if state == "result":
        text = _text_of(invocation.get("result"))
    elif state == "output-error":
        text = _text_of(invocation.get("errorText"))
    elif state == "output-denied":
        approval = invocation.get("approval")
        reason = approval.get("reason") if isinstance(approval, Mapping) else None
        text = _text_of(reason or "The call was denied.")
    else:
        return None
    args = invocation.get("args")
    call = ToolCallBlock(
        tool_call_id=call_id,
        tool_name=name,
        tool_kwargs=dict(args) if isinstance(args, Mapping) else {},
    )
    return call, ChatMessage(
        role=MessageRole.TOOL, content=text, additional_kwargs={"tool_call_id": call_id}
    )


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)


def _block_of(part: Part) -> Block | None:
    kind = part.get("type")
    if kind == "text" and isinstance(part.get("text"), str):
        return TextBlock(text=part["text"])
    if kind == "reasoning":
        return _thinking(part)
    return _file(part) if kind == "file" else None


def _thinking(part: Part) -> ThinkingBlock | None:
    details = part.get("details")
    texts = [
        detail["text"]
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, Mapping) and isinstance(detail.get("text"), str)
    ]
    text = "".join(texts) or part.get("reasoning")
    return ThinkingBlock(content=text) if isinstance(text, str) and text else None


def _file(part: Part) -> Block | None:
    data = part.get("data") or part.get("url")
    if not isinstance(data, str) or not data:
        return None
    mime_type = part.get("mimeType") or part.get("mediaType")
    mime_type = mime_type if isinstance(mime_type, str) else ""
    url = data if data.lower().startswith(_WEB_SCHEMES) else None
    raw = None
    if url is None:
        head, comma, body = data.partition(",")
        if comma and head.startswith("data:"):
            mime_type = head.removeprefix("data:").partition(";")[0] or mime_type
            data = body if head.endswith(";base64") else ""
        raw = _bytes_of(data)
        if not raw:
            return None  # only its model's provider has it
    try:
        match mime_type.partition("/")[0]:
            case "image":
                return ImageBlock(image=raw, url=url, image_mimetype=mime_type)
            case "audio":
                return AudioBlock(audio=raw, url=url)
            case "video":
                return VideoBlock(video=raw, url=url, video_mimetype=mime_type)
        title = part.get("filename")
        return DocumentBlock(
            data=raw,
            url=url,
            title=title if isinstance(title, str) else None,
            document_mimetype=mime_type or None,
        )
    except ValidationError:
        return None


def _bytes_of(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
