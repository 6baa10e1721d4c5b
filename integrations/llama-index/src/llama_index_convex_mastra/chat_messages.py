"""Chat messages as Mastra messages, and back.

A row's parts are the message's text, which Mastra reads. Under ``content.metadata.llama_index`` it
keeps the whole message as one JSON text, because Mastra has no part for some blocks. Where the
parts no longer say the same text, somebody changed them in Mastra: then the parts win. Pure
functions; called by ``chat_operations``. Knows no requests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from llama_index.core.base.llms.types import ThinkingBlock
from llama_index.core.llms import ChatMessage, MessageRole, TextBlock
from pydantic import ValidationError

from convex_mastra import InvalidArgumentError, Message
from convex_mastra.records import upgraded
from llama_index_convex_mastra.nodes import is_unicode, to_json

KEY: Final = "llama_index"
VERSION: Final = 1

_ROLES: Final = {
    MessageRole.USER: "user",
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
}
"""Mastra's roles; what is not listed is the assistant's, a tool's result too: Mastra reads no
message of role ``tool`` in format 2."""
_ROLES_OF_MASTRA: Final = {
    "user": MessageRole.USER,
    "signal": MessageRole.USER,
    "assistant": MessageRole.ASSISTANT,
    "system": MessageRole.SYSTEM,
    "tool": MessageRole.TOOL,
}


def to_row(message: ChatMessage, *, thread_id: str, resource_id: str, field: str) -> Message:
    """Return the row of a message.

    Raises:
        InvalidArgumentError: something that is no message, or that JSON cannot carry.
    """
    if not isinstance(message, ChatMessage):
        raise InvalidArgumentError(
            f"{field} is {type(message).__name__}, not a ChatMessage.", field=field
        )
    try:
        exact = to_json(message.model_dump())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{field} cannot be JSON: {error}", field=field) from error
    texts = _texts_of(message)
    content = {
        "format": 2,
        "parts": [{"type": "text", "text": text} for text in texts],
        "content": "\n".join(texts),
        "metadata": {KEY: {"version": VERSION, "message": exact}},
    }
    role = _ROLES.get(message.role, "assistant")
    return Message(thread_id=thread_id, resource_id=resource_id, role=role, content=content)


def from_row(row: Message) -> ChatMessage | None:
    """Return the message of a row; None if it says nothing that a ChatMessage can.

    Of a row that Mastra wrote or changed, the texts and the reasoning.
    """
    content = upgraded(row.content) if isinstance(row.content, str | list) else row.content
    parts = _parts_of(content)
    texts = [part["text"] for part in parts if _is_text(part)]
    message = _exact(content)
    if message is not None and _texts_of(message) == texts:
        return message
    blocks = [block for part in parts if (block := _block_of(part)) is not None]
    if not blocks:
        return None
    role = _ROLES_OF_MASTRA.get(row.role, MessageRole.ASSISTANT)
    return ChatMessage(role=message.role if message else role, blocks=blocks)


def _exact(content: Any) -> ChatMessage | None:
    """The message that was stored; None if there is none that this LlamaIndex can make."""
    try:
        stored = content["metadata"][KEY]
        if stored["version"] != VERSION:
            return None
        data = json.loads(stored["message"])  # not the core's: NaN must stay NaN
        kwargs = data.pop("additional_kwargs")
        message = ChatMessage.model_validate(data)
    except (AttributeError, KeyError, TypeError, ValueError, ValidationError, RecursionError):
        return None
    # Not validated with the rest: LlamaIndex would make blocks of ``images`` a second time.
    message.additional_kwargs = kwargs
    return message


def _texts_of(message: ChatMessage) -> list[str]:
    texts = [block.text for block in message.blocks if isinstance(block, TextBlock)]
    return [text if is_unicode(text) else text.encode(errors="replace").decode() for text in texts]


def _parts_of(content: Any) -> list[Mapping[str, Any]]:
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        return []
    return [part for part in parts if isinstance(part, Mapping)]


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "text" and isinstance(part.get("text"), str)


def _block_of(part: Mapping[str, Any]) -> TextBlock | ThinkingBlock | None:
    if _is_text(part):
        return TextBlock(text=part["text"])
    details = part.get("details") if part.get("type") == "reasoning" else None
    if not isinstance(details, list):
        return None
    texts = [
        detail["text"] for detail in details if isinstance(detail, Mapping) and _is_text(detail)
    ]
    return ThinkingBlock(content="".join(texts)) if texts else None
