"""Chat messages as Mastra messages, and back.

A row's parts are what Mastra shows and gives to its models: the text, images and documents that a
user named by URL, a tool's result. Under ``content.metadata.llama_index`` it keeps the whole message
as one JSON text, because Mastra has no part for some blocks, and whether it is archived. Where the
parts no longer say the same, somebody changed them in Mastra: then the parts win. Pure functions;
called by ``chat_threads`` and ``chat_queues``. Knows no requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from llama_index.core.base.llms.types import DocumentBlock, ImageBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage, MessageRole, TextBlock
from pydantic import ValidationError

from convex_mastra import InvalidArgumentError, Message, MessageUpdate
from convex_mastra.jsontext import dumps
from convex_mastra.records import upgraded
from llama_index_convex_mastra.chat_parts import messages_of, parts_of, said_by
from llama_index_convex_mastra.nodes import is_unicode, to_json

KEY: Final = "llama_index"
VERSION: Final = 1
ARCHIVED: Final = "archived"
"""The ``status`` of an archived message; an active one has none, so that all of Mastra's are."""

_URL: Final = re.compile(r"https?://([\w-]+\.)*[a-z][\w-]*(:\d{1,4})?([/?#]\S*)?", re.A | re.I)
"""What no JavaScript URL parser refuses: Mastra throws for a whole thread if one does."""
_MIME_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+", re.A)

Calls = Mapping[str, ToolCallBlock]

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


def calls_of(messages: Iterable[ChatMessage]) -> dict[str, ToolCallBlock]:
    """Return the tool calls in messages, by id; ``to_row`` tells a result's name by them."""
    return {
        block.tool_call_id: block
        for message in messages
        for block in message.blocks
        if isinstance(block, ToolCallBlock) and block.tool_call_id
    }


def to_row(
    message: ChatMessage,
    *,
    thread_id: str,
    resource_id: str,
    field: str,
    is_archived: bool,
    calls: Calls,
) -> Message:
    """Return the row of a message.

    Raises:
        InvalidArgumentError: something that JSON cannot carry.
    """
    try:
        exact = to_json(message.model_dump())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{field} cannot be JSON: {error}", field=field) from error
    own = {"version": VERSION, "message": exact}
    if is_archived:
        own["status"] = ARCHIVED
    parts = _parts(message, calls)
    content = {
        "format": 2,
        "parts": parts,
        "content": "\n".join(part["text"] for part in parts if part["type"] == "text"),
        "metadata": {KEY: own},
    }
    role = _ROLES.get(message.role, "assistant")
    return Message(thread_id=thread_id, resource_id=resource_id, role=role, content=content)


def from_row(row: Message) -> list[ChatMessage]:
    """Return the messages of a row; none if it says nothing that a ChatMessage can.

    One that LlamaIndex wrote is one message; Mastra keeps a whole turn in a row.
    """
    content = upgraded(row.content) if isinstance(row.content, str | list) else row.content
    parts = parts_of(content)
    message = _exact(content)
    if message is not None and said_by(_parts(message, {})) == said_by(parts):
        return [message]
    role = _ROLES_OF_MASTRA.get(row.role, MessageRole.ASSISTANT)
    return messages_of(parts, message.role if message else role)


def is_archived(row: Message) -> bool:
    """Whether LlamaIndex took the row out of its queue."""
    return _own(row).get("status") == ARCHIVED


def archived(row: Message) -> MessageUpdate:
    """Return the change that archives a row, and touches nothing else of it."""
    own = {"version": VERSION, **_own(row), "status": ARCHIVED}
    return MessageUpdate(id=row.id, content={"metadata": {KEY: own}})


def _own(row: Message) -> Mapping[str, Any]:
    try:
        own = row.content["metadata"][KEY]
    except (TypeError, KeyError):
        return {}
    return own if isinstance(own, Mapping) else {}


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


def _parts(message: ChatMessage, calls: Calls) -> list[dict[str, Any]]:
    texts = [_unicode(block.text) for block in message.blocks if isinstance(block, TextBlock)]
    call_id = message.additional_kwargs.get("tool_call_id")
    if message.role is not MessageRole.TOOL or not isinstance(call_id, str) or not call_id:
        parts = (_part(block, message.role) for block in message.blocks)
        return [part for part in parts if part is not None]
    call = calls.get(call_id)
    invocation = {
        "state": "result",
        "toolCallId": _unicode(call_id),
        "toolName": _unicode(call.tool_name) if call else "tool",
        "args": _args(call.tool_kwargs) if call else {},
        "result": "\n".join(texts),
    }
    return [{"type": "tool-invocation", "toolInvocation": invocation}]


def _part(block: Any, role: MessageRole) -> dict[str, Any] | None:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": _unicode(block.text)}
    if role is not MessageRole.USER or not isinstance(block, ImageBlock | DocumentBlock):
        return None
    url = str(block.url)
    if not _URL.fullmatch(url):
        return None  # bytes are in the row already, and a row holds a MiB
    if isinstance(block, ImageBlock):
        return _file(url, block.image_mimetype, "image/jpeg")
    return {**_file(url, block.document_mimetype, "application/pdf"), "filename": block.title}


def _file(url: str, mime_type: str | None, default: str) -> dict[str, Any]:
    known = mime_type if mime_type and _MIME_TYPE.fullmatch(mime_type) else default
    return {"type": "file", "data": url, "mimeType": known}


def _args(value: Any) -> dict[str, Any]:
    try:
        dumps(value, "args")
    except InvalidArgumentError:
        return {}  # the call itself is in a message that keeps it
    return value if isinstance(value, dict) else {}


def _unicode(text: str) -> str:
    return text if is_unicode(text) else text.encode(errors="replace").decode()
