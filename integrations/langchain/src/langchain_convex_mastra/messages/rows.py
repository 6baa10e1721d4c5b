"""Stored rows, read as LangChain messages.

Chooses between the exact messages a row keeps and what its parts say, run of parts by run of
parts. Never fails on a row: what no part says and no entry restores is left out. What Mastra wrote
is read ready to be sent to a chat model: every tool call is followed by its tool message. Called
by ``conversation`` and ``turns``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from convex_mastra import Message
from langchain_convex_mastra.messages.blocks import Part, only_parts
from langchain_convex_mastra.messages.exact import (
    Entry,
    cut,
    exact_message,
    valid_entries,
)
from langchain_convex_mastra.messages.from_mastra import (
    answers_of,
    call_id_of,
    single_message,
    turn_messages,
)
from langchain_convex_mastra.messages.older import in_signal_tag, parts_of_row
from langchain_convex_mastra.messages.pending import is_pending, kept_by_row


def thread_messages(rows: Iterable[Message]) -> list[BaseMessage]:
    """Return the messages of rows that follow one another, oldest first.

    The result of a call by Mastra may be in a later row: an old one of role ``tool``, or one that
    LangChain added behind other messages. It is moved to its call.
    """
    messages: list[BaseMessage] = []
    waiting: dict[str, int] = {}
    for row in rows:
        for message in messages_of(row):
            if isinstance(message, ToolMessage):
                place = waiting.pop(message.tool_call_id, None)
                if is_pending(message):
                    waiting[message.tool_call_id] = len(messages)
                elif place is not None:
                    messages[place] = message
                    continue
            elif isinstance(message, AIMessage):
                calls = message.tool_calls
                if row.role == "tool":  # it only stands for calls of rows before
                    calls = [call for call in calls if call["id"] not in waiting]
                    if not calls and not message.content:
                        continue
                    message = message.model_copy(update={"tool_calls": calls})  # noqa: PLW2901
                for call in calls:
                    waiting.pop(str(call["id"]), None)
            messages.append(message)
    return messages


def messages_of(row: Message) -> list[BaseMessage]:
    """Return the LangChain messages a row holds, in order; most rows hold one.

    An assistant row is a whole turn: AI messages, each followed by the tool messages that answer
    it. A row whose parts Mastra changed is read from its parts; so is one that it wrote, with a
    ``pending`` tool message for each call without outcome.
    """
    entries = valid_entries(row.content) if isinstance(row.content, Mapping) else None
    if entries is None:
        return _read_parts(row, parts_of_row(row))
    parts = only_parts(row.content["parts"])
    *runs, rest = cut(parts, [entry["parts"] for entry in entries])
    messages: list[BaseMessage] = []
    for entry, run in zip(entries, runs, strict=True):
        messages += _read_entry(row, entry, run, _steps_in(messages))
    return messages + _read_parts(row, rest, _steps_in(messages))


def _read_entry(
    row: Message, entry: Entry, run: Sequence[Part], steps_before: int
) -> list[BaseMessage]:
    kind = entry.get("type")
    message = exact_message(kind, entry.get("data"), run) if kind else None
    answers = _exact_answers(entry, run)
    if message is None:
        if row.role != "assistant":
            return single_message(row.role, run, row.id)
        kept = kept_by_row(row.content)
        return turn_messages(run, row.id, steps_before=steps_before, exact=answers, kept=kept)
    if isinstance(message, ToolMessage):
        return [message]
    others = [
        answer
        for answer in answers_of(run, row.id, kept=kept_by_row(row.content))
        if answer.tool_call_id not in answers
    ]
    if all(map(is_pending, others)):
        others = []  # nobody but LangChain has answered this message: as it was added
    return [message, *answers.values(), *others]


def _exact_answers(entry: Entry, run: Sequence[Part]) -> dict[str, ToolMessage]:
    answers: dict[str, ToolMessage] = {}
    for tool in entry.get("tools", ()):
        for part in run:
            call = part.get("toolInvocation")
            if isinstance(call, Mapping) and call_id_of(call) == tool["id"]:
                message = exact_message(tool.get("type", "tool"), tool.get("data"), [part])
                if isinstance(message, ToolMessage):
                    answers[tool["id"]] = message
                break
    return answers


def _read_parts(row: Message, parts: list[Part], steps_before: int = 0) -> list[BaseMessage]:
    if row.role in ("assistant", "tool"):  # tool: an old row, the results of calls before it
        kept = kept_by_row(row.content)
        return turn_messages(parts, row.id, steps_before=steps_before, kept=kept)
    if row.role == "signal":
        parts = in_signal_tag(row, parts)
    return single_message(row.role, parts, row.id)


def _steps_in(messages: Sequence[BaseMessage]) -> int:
    return sum(isinstance(message, AIMessage) for message in messages)
