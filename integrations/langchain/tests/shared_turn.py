"""A thread with one stored turn that several writers go on with, and what is to be seen of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from convex_mastra import Backend, ConvexDocuments, ConvexStore, Message
from convex_mastra.flow import run
from convex_mastra.ops.target import Target
from integrations.langchain.tests.schedules import Writer
from langchain_convex_mastra import is_pending
from langchain_convex_mastra.adding import add_messages
from langchain_convex_mastra.conversation import Conversation, read_messages

ROW = "batchInsert mastra_messages"
JOURNAL = "batchInsert langchain/turns/"


def call(call_id: str) -> dict[str, Any]:
    return {"name": "t", "args": {}, "id": call_id, "type": "tool_call"}


def result(call_id: str, **fields: Any) -> ToolMessage:
    return ToolMessage(f"result {call_id}", tool_call_id=call_id, **fields)


class Turn:
    """A thread with one stored turn, whose calls wait for their outcomes."""

    def __init__(self, backend: Backend, function: str, thread_id: str, calls: list[str]) -> None:
        self.backend = backend
        self.thread_id = thread_id
        self.store = ConvexStore(backend=backend, storage_function=function)
        self.target: Target = self.store._target
        self.documents = ConvexDocuments(backend=backend, storage_function=function)
        self.partition = f"langchain/turns/{thread_id}"
        question = [HumanMessage("?"), AIMessage("", tool_calls=[call(one) for one in calls])]
        run(add_messages(self.target, Conversation(thread_id), question), backend)

    def conversation(self) -> Conversation:
        """What a process knows that has read the thread."""
        conversation = Conversation(self.thread_id)
        run(read_messages(self.target, conversation), self.backend)
        return conversation

    def writer(self, *messages: BaseMessage, conversation: Conversation | None = None) -> Writer:
        """A writer who has read the thread, and stands before its first request."""
        known = conversation or self.conversation()
        return Writer(self.backend, add_messages(self.target, known, messages))

    def add(self, *messages: BaseMessage) -> None:
        self.writer(*messages).finish()

    def read(self) -> list[BaseMessage]:
        return run(read_messages(self.target, Conversation(self.thread_id)), self.backend)

    def said(self) -> Counter[str]:
        """What a reader sees, but for what only stands for an answer."""
        return Counter(
            str(message.content)
            for message in self.read()
            if message.content and not is_pending(message)
        )

    def rows(self) -> list[Message]:
        return self.store.memory.list_messages(self.thread_id, per_page=False).messages

    def row(self) -> Message:
        """The row of the turn."""
        return self.rows()[1]

    def stored(self) -> Counter[str]:
        """What the parts say, which is all that Mastra reads."""
        said: list[str] = []
        for row in self.rows():
            for part in row.content["parts"]:
                if part["type"] == "text":
                    said.append(part["text"])
                elif part["type"] == "tool-invocation":
                    said.append(part["toolInvocation"].get("result", ""))
        return Counter(filter(None, said))

    def journal(self) -> dict[str, str]:
        return self.documents.list_documents(self.partition)
