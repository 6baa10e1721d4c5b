"""A chat model that needs no network: it counts days, and reads the messages it is sent.

It knows three kinds of question, by the dates in them. Two: it calls ``days_between``. One: it
calls ``add_days`` with the last count of days that it finds in the conversation. None: it says
what the conversation has found. ``one_memory/offline_model.ts`` is its twin for Mastra.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Self
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


class OfflineChatModel(BaseChatModel):
    """Answers questions about dates, with the tools ``days_between`` and ``add_days``."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Self:
        """Return itself: it knows its tools by name."""
        return self

    @property
    def _llm_type(self) -> str:
        return "offline"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_reply(messages))])


def _reply(messages: list[BaseMessage]) -> AIMessage:
    last = messages[-1]
    if isinstance(last, ToolMessage):
        found = f"{last.text} days" if last.name == "days_between" else last.text
        return AIMessage(f"That is {found}.")
    results = [message for message in messages if isinstance(message, ToolMessage)]
    counts = [int(result.text) for result in results if result.name == "days_between"]
    match _DATE.findall(last.text):
        case [first, second, *_]:
            return _calling("days_between", first=first, last=second)
        case [day] if counts:
            return _calling("add_days", day=day, days=counts[-1])
    if not results:
        return AIMessage("Ask me how many days there are between two dates, like 2026-06-24.")
    return AIMessage(f"We found: {', '.join(result.text for result in results)}.")


def _calling(tool: str, **args: Any) -> AIMessage:
    # Mastra pairs calls and results by id, so an id must not come twice in a thread.
    return AIMessage("", tool_calls=[{"name": tool, "args": args, "id": f"call_{uuid4().hex}"}])
