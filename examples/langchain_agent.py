"""A LangChain agent that remembers the conversation, its tool calls and their results included.

    export CONVEX_URL=file:./mastra.db
    python examples/langchain_agent.py "How many days from 2026-06-24 to 2026-12-24?"
    python examples/langchain_agent.py "And which day is as many after 2027-03-01?"

The second process goes on where the first one stopped; ``--thread`` begins another conversation.
CHAT_MODEL names a real model, e.g. ``openai:gpt-5-mini``; without it ``offline_model`` answers.
``one_memory`` has a Mastra agent that goes on with the same threads.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.chat_models import init_chat_model
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from offline_model import OfflineChatModel

from langchain_convex_mastra import ConvexChatMessageHistory

CHAT_MODEL: Final = os.environ.get("CHAT_MODEL")
PERSON: Final = "ann"


@tool
def days_between(first: date, last: date) -> int:
    """Count the days from one date to another."""
    return (last - first).days


@tool
def add_days(day: date, days: int) -> str:
    """Return the date so many days after another."""
    return (day + timedelta(days=days)).isoformat()


def ask(history: ConvexChatMessageHistory, question: str) -> None:
    """Ask the agent, which is shown the whole thread, and add what was said to the thread."""
    watch = Watch()
    agent = create_agent(
        init_chat_model(CHAT_MODEL) if CHAT_MODEL else OfflineChatModel(),
        [days_between, add_days],
        system_prompt="You answer questions about dates. Count with your tools.",
        middleware=[watch],
    )
    remembered: list[Any] = history.messages
    state = agent.invoke({"messages": [*remembered, HumanMessage(question)]})
    history.add_messages(state["messages"][len(remembered) :])  # what is new, in one save

    print(f"\nLangChain agent, thread {history.thread_id!r}; its model was sent:")
    show(watch.sent)
    print("and answered:")
    show(state["messages"][-1:])


class Watch(AgentMiddleware):
    """Keeps what the model was sent last, so that it can be shown."""

    sent: Sequence[AnyMessage] = ()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Look at the request and let it pass."""
        self.sent = request.messages
        return handler(request)


def show(messages: Sequence[AnyMessage]) -> None:
    """Print messages, a line for each text, tool call and result."""
    for message in messages:
        for kind, text in lines_of(message):
            print(f"{kind:>11}  {text}")


def lines_of(message: AnyMessage) -> Iterator[tuple[str, str]]:
    """Yield what a message says, each with its kind."""
    if isinstance(message, ToolMessage):
        yield "result", message.text
        return
    if message.text:
        yield "user" if isinstance(message, HumanMessage) else "assistant", message.text
    for call in getattr(message, "tool_calls", ()):
        yield "call", f"{call['name']}({', '.join(map(str, call['args'].values()))})"


def main() -> None:
    """Read the command line; where the thread is stored, CONVEX_URL says."""
    parser = argparse.ArgumentParser(description="An agent that remembers.")
    parser.add_argument("question")
    parser.add_argument("--thread", default="dates")
    arguments = parser.parse_args()
    with ConvexChatMessageHistory(arguments.thread, resource_id=PERSON, title="Dates") as history:
        ask(history, arguments.question)


if __name__ == "__main__":
    main()
