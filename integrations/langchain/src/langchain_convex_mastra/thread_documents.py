"""A Mastra thread as LangChain documents: one for each message, or one for all. Pure.

Rows are read as ``ConvexChatMessageHistory`` reads them. What has no text is no document, since
there is nothing in it to search or to embed. Called by ``thread_loading``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    ToolMessage,
    get_buffer_string,
)

from convex_mastra import Message, Thread
from convex_mastra.timestamps import to_text
from langchain_convex_mastra.messages import messages_of, thread_messages

Mode = Literal["message", "thread"]
MODES: Final = ("message", "thread")


def documents_of(
    thread: Thread, messages: Sequence[Message], mode: Mode, *, include_tools: bool
) -> list[Document]:
    """Return the documents of a thread that has these messages, in order.

    Args:
        include_tools: whether a document of the thread has the calls and results of tools.
    """
    if mode == "thread":
        return _of_thread(thread, messages, include_tools=include_tools)
    return [
        document for message in messages if (document := _of_message(thread, message)) is not None
    ]


def _of_message(thread: Thread, message: Message) -> Document | None:
    text = "\n".join(spoken.text for spoken in _without_tools(messages_of(message)))
    if not text:
        return None
    return Document(
        text,
        id=message.id,
        metadata={
            "thread_id": thread.id,
            "resource_id": message.resource_id or thread.resource_id,
            "title": thread.title,
            "message_id": message.id,
            "role": message.role,
            "created_at": message.created_at and to_text(message.created_at),
        },
    )


def _of_thread(
    thread: Thread, messages: Sequence[Message], *, include_tools: bool
) -> list[Document]:
    spoken = thread_messages(messages)
    text = get_buffer_string(
        [one for one in spoken if _says_something(one)] if include_tools else _without_tools(spoken)
    )
    if not text:
        return []
    metadata = {
        "thread_id": thread.id,
        "resource_id": thread.resource_id,
        "title": thread.title,
        "created_at": to_text(thread.created_at),
        "updated_at": to_text(thread.updated_at),
    }
    return [Document(text, id=thread.id, metadata=metadata)]


def _without_tools(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return what was said: no results of tools, and AI messages without their calls."""
    spoken = [
        message.model_copy(update={"tool_calls": [], "additional_kwargs": {}})
        if isinstance(message, AIMessage)
        else message
        for message in messages
        if not isinstance(message, ToolMessage | FunctionMessage)
    ]
    return [message for message in spoken if _says_something(message)]


def _says_something(message: BaseMessage) -> bool:
    """Whether a reader of text has anything of a message; of an image alone, nobody has."""
    calls = isinstance(message, AIMessage) and (
        message.tool_calls or message.additional_kwargs.get("function_call")
    )
    return bool(message.text or calls)
