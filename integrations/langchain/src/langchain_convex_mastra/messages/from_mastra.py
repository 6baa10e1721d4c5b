"""What Mastra's parts say, as LangChain messages.

The reading of rows that Mastra wrote, or changed after us: text, reasoning, files, tool calls and
their outcomes. An assistant row is a whole turn: each of its steps becomes an AI message followed
by a tool message for each of its calls (``pending``, if there is no outcome). Sources are citations
of the texts; errors and ``data-`` parts are not messages and are left in the row. Called by
``rows``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from langchain_convex_mastra.messages.blocks import Block, Part
from langchain_convex_mastra.messages.citations import blocks_of_steps
from langchain_convex_mastra.messages.pending import Details, placeholder
from langchain_convex_mastra.messages.to_mastra import CALLED, UNKNOWN_TOOL

Content = str | list[str | dict[Any, Any]]


def single_message(role: str, parts: Sequence[Part], message_id: str) -> list[BaseMessage]:
    """Read a row that is no assistant's: one message, or none if the parts have no content."""
    content = content_of(parts)
    if not content:
        return []
    if role in ("user", "signal", "human"):
        return [HumanMessage(content, id=message_id)]
    if role == "system":
        return [SystemMessage(content, id=message_id)]
    return [ChatMessage(content=content, role=role, id=message_id)]


def turn_messages(
    parts: Sequence[Part],
    row_id: str,
    *,
    steps_before: int = 0,
    exact: Mapping[str, ToolMessage] | None = None,
    kept: Mapping[str, Details] | None = None,
) -> list[BaseMessage]:
    """Read an assistant's parts, step by step; every tool call is answered.

    Args:
        row_id: the first AI message's id; the others get it with a suffix.
        steps_before: how many AI messages of the row come before *parts*.
        exact: tool messages, by tool call id, to use instead of reading the parts.
        kept: what is known of calls without outcome, by tool call id.
    """
    messages: list[BaseMessage] = []
    step = steps_before
    for own in _steps(parts):
        own_parts = [part for part, _ in own]
        content, calls = _content(block for _, block in own), calls_of(own_parts)
        if content or calls:
            name = row_id if step == 0 else f"{row_id}#{step}"
            messages.append(AIMessage(content, tool_calls=calls, id=name))
            step += 1
        messages += answers_of(own_parts, row_id, exact=exact, kept=kept)
    return messages


def answers_of(
    parts: Sequence[Part],
    row_id: str,
    *,
    exact: Mapping[str, ToolMessage] | None = None,
    kept: Mapping[str, Details] | None = None,
) -> list[ToolMessage]:
    """Return a tool message for each tool invocation, answered or not."""
    exact, kept = exact or {}, kept or {}
    answers: list[ToolMessage] = []
    for call in invocations_of(parts):
        call_id = call_id_of(call)
        if (answer := exact.get(call_id)) is None:
            if is_answered(call):
                fields = result_fields(call)
            else:
                fields = placeholder(call, kept.get(call_id, {})) | {"tool_call_id": call_id}
            answer = ToolMessage(**fields, name=tool_name_of(call), id=f"{row_id}#{call_id}")
        answers.append(answer)
    return answers


def content_of(parts: Sequence[Part]) -> Content:
    """Return the content the parts have: a text if that is all, else content blocks."""
    return _content(block for _, block in blocks_of_steps(parts))


def calls_of(parts: Sequence[Part]) -> list[ToolCall]:
    """Return the tool calls of the parts, answered or not."""
    return [
        ToolCall(
            name=tool_name_of(call),
            args=_arguments(call.get("args")),
            id=call_id_of(call),
            type="tool_call",
        )
        for call in invocations_of(parts)
    ]


def result_fields(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a tool message that its tool invocation says."""
    call_id, state = call_id_of(call), call.get("state")
    if state == "result":
        result = call.get("result", "")
        content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return {"tool_call_id": call_id, "content": content, "status": "success"}
    if state == "output-denied":
        approval = call.get("approval")
        reason = approval.get("reason") if isinstance(approval, Mapping) else None
        text = f"The tool call was denied: {reason}" if reason else "The tool call was denied."
    else:
        text = str(call.get("errorText") or "The tool call failed.")
    return {"tool_call_id": call_id, "content": text, "status": "error"}


def invocations_of(parts: Sequence[Part]) -> Iterator[Mapping[str, Any]]:
    """Yield the tool invocations among *parts*."""
    for part in parts:
        call = part.get("toolInvocation")
        if part.get("type") == "tool-invocation" and isinstance(call, Mapping):
            yield call


def is_answered(call: Mapping[str, Any]) -> bool:
    """Whether a tool invocation has its outcome."""
    return str(call.get("state")) not in CALLED


def call_id_of(call: Mapping[str, Any]) -> str:
    """The id of a tool invocation."""
    return str(call.get("toolCallId"))


def tool_name_of(call: Mapping[str, Any]) -> str:
    """The name of the tool that an invocation calls."""
    return str(call.get("toolName") or UNKNOWN_TOOL)


def _content(found: Iterable[Block | None]) -> Content:
    blocks = [block for block in found if block is not None]
    if not blocks:
        return ""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return list(blocks)


def _steps(parts: Sequence[Part]) -> Iterator[list[tuple[Part, Block | None]]]:
    # A step ends at a step-start; rows without those (written by other clients, or upgraded)
    # show it by content that follows a tool's outcome, or by a call's id that comes again.
    step: list[tuple[Part, Block | None]] = []
    ids: set[str] = set()
    answered = False
    for part, block in blocks_of_steps(parts):
        calls = list(invocations_of([part]))
        says_more = (answered and block is not None) or not ids.isdisjoint(map(call_id_of, calls))
        if part.get("type") == "step-start" or says_more:
            yield step
            step, ids, answered = [], set(), False
        ids.update(map(call_id_of, calls))
        answered = answered or any(map(is_answered, calls))
        step.append((part, block))
    yield step


def _arguments(args: Any) -> dict[str, Any]:
    if isinstance(args, str):
        try:
            args = json.loads(args)
        except ValueError:
            return {"input": args}
    if args is None:
        return {}
    return dict(args) if isinstance(args, Mapping) else {"input": args}
