"""What LangChain's form of JSON may be read as: classes that only hold data, and its mark of a dict.

``langchain_core.load`` makes whatever object a text asks for, unless it is told which it may. Called
by ``generations`` and ``json_values``.
"""

from __future__ import annotations

from typing import Final

from langchain_core.load import Serializable
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

MESSAGES: Final[tuple[type[Serializable], ...]] = (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
"""The messages, each class by its name: subclasses are others."""
ESCAPED: Final = "__lc_escaped__"
"""The one key of a dict that LangChain wrapped, because it has a key ``lc`` of its own."""
