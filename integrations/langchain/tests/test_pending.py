"""Tool calls of Mastra without outcome: answered by placeholders, which are told from results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from convex_mastra import Message
from integrations.langchain.tests.memory_of_rows import Rows, mastra_row, parts_row
from langchain_convex_mastra import is_pending
from langchain_convex_mastra.messages import messages_of, thread_messages

CALL = {"name": "weather", "args": {"x": 1}, "id": "c1", "type": "tool_call"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
SUSPENDED = {
    "toolCallId": "c1",
    "toolName": "weather",
    "args": {"x": 1},
    "type": "suspension",
    "runId": "run",
    "suspendPayload": {"ask": "which city?"},
    "resumeSchema": '{"type": "object", "properties": {"city": {"type": "string"}}}',
}
APPROVAL = {
    "toolCallId": "c1",
    "toolName": "weather",
    "args": {"x": 1},
    "type": "approval",
    "runId": "run",
    "resumeSchema": "no JSON",
}


def call_part(state: str = "call", call_id: str = "c1", **fields: Any) -> dict[str, Any]:
    invocation = {"state": state, "toolCallId": call_id, "toolName": "weather", "args": {"x": 1}}
    return {"type": "tool-invocation", "toolInvocation": invocation | fields}


def row_of(*parts: dict[str, Any], metadata: Any = None) -> Message:
    row = parts_row(*parts)
    content = row.content | ({} if metadata is None else {"metadata": metadata})
    return row.replace(content=content, created_at=datetime.now(UTC))


def pending(sentence: str, **details: Any) -> ToolMessage:
    return ToolMessage(
        sentence,
        tool_call_id="c1",
        name="weather",
        status="error",
        artifact={"mastra": details},
        id="row#c1",
    )


NO_RESULT = "The tool call has no result yet."
IS_SUSPENDED = "The tool call is suspended: it waits for input, and has no result yet."
WAITS_FOR_APPROVAL = "The tool call waits for approval, and has no result yet."
SUSPENSION = {
    "state": "suspended",
    "run_id": "run",
    "suspend_payload": {"ask": "which city?"},
    "resume_schema": SCHEMA,
}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (row_of(call_part()), pending(NO_RESULT, state="call")),
        (row_of(call_part("partial-call")), pending(NO_RESULT, state="partial-call")),
        (
            row_of(call_part(), metadata={"suspendedTools": {"c1": SUSPENDED}}),
            pending(IS_SUSPENDED, **SUSPENSION),
        ),
        (
            row_of(call_part(), {"type": "data-tool-call-suspended", "data": SUSPENDED}),
            pending(IS_SUSPENDED, **SUSPENSION),
        ),
        (
            row_of(
                call_part(),
                {"type": "data-tool-call-suspended", "data": {**SUSPENDED, "resumed": True}},
            ),
            pending(NO_RESULT, state="call"),
        ),
        (
            row_of(call_part(), metadata={"pendingToolApprovals": {"c1": APPROVAL}}),
            pending(
                WAITS_FOR_APPROVAL,
                state="approval-requested",
                run_id="run",
                resume_schema="no JSON",
            ),
        ),
        (
            row_of(call_part("approval-requested", approval={"id": "a"})),
            pending(WAITS_FOR_APPROVAL, state="approval-requested", approval_id="a"),
        ),
        (
            row_of(call_part("approval-responded", approval={"id": "a", "approved": True})),
            pending(
                "The tool call was approved, and has no result yet.",
                state="approval-responded",
                approval_id="a",
                approved=True,
            ),
        ),
        (
            row_of(
                call_part(
                    "approval-responded", approval={"id": "a", "approved": False, "reason": "no"}
                )
            ),
            pending(
                "The tool call was denied: no",
                state="approval-responded",
                approval_id="a",
                approved=False,
                reason="no",
            ),
        ),
        (
            row_of(
                call_part(),
                metadata={"backgroundTasks": {"c1": {"taskId": "t", "startedAt": "2026-01-01"}}},
            ),
            pending(
                "The tool call runs in the background, and has no result yet.",
                state="background",
                task_id="t",
            ),
        ),
        (
            row_of(call_part(), metadata={"suspendedTools": [3], "backgroundTasks": {"c1": None}}),
            pending(NO_RESULT, state="call"),
        ),
    ],
)
def test_what_is_known_of_an_unanswered_call(row: Message, expected: ToolMessage) -> None:
    call, answer = messages_of(row)
    assert call == AIMessage("", tool_calls=[CALL], id="row")
    assert answer == expected
    assert is_pending(answer)


def test_answers_keep_the_order_of_the_calls() -> None:
    row = parts_row(call_part("result", "c0", result="r"), call_part(), call_part("call", "c2"))
    messages = messages_of(row)
    assert [getattr(message, "tool_call_id", None) for message in messages] == [
        None, "c0", "c1", "c2",
    ]  # fmt: skip
    assert [is_pending(message) for message in messages] == [False, False, True, True]


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage(NO_RESULT),
        ToolMessage(NO_RESULT, tool_call_id="c1"),
        ToolMessage(NO_RESULT, tool_call_id="c1", artifact={"mastra": None}),
        ToolMessage("other", tool_call_id="c1", artifact={"mastra": {"state": "call"}}),
        ToolMessage(NO_RESULT, tool_call_id="c1", artifact={"mastra": {"state": "result"}}),
    ],
)
def test_results_are_not_pending(message: BaseMessage) -> None:
    assert not is_pending(message)


def test_a_placeholder_is_not_stored_and_its_answer_is() -> None:
    rows = Rows([row_of(call_part(), metadata={"suspendedTools": {"c1": SUSPENDED}})])
    call, placeholder = rows.read()
    before = dict(rows.rows)
    rows.add([placeholder])
    assert rows.rows == before

    question = HumanMessage("still there?")
    rows.add([question])
    answer = placeholder.model_copy(update={"content": "1 C", "status": "success"})
    rows.add([answer])
    assert rows.read() == [call, answer, question]
    invocation = rows.rows["row"].content["parts"][0]["toolInvocation"]
    assert (invocation["state"], invocation["result"]) == ("result", "1 C")


def test_answering_settles_what_mastra_waits_for() -> None:
    other = {**APPROVAL, "toolCallId": "c2"}
    rows = Rows(
        [
            row_of(
                call_part(),
                {"type": "data-tool-call-suspended", "data": SUSPENDED},
                call_part("call", "c2"),
                metadata={
                    "suspendedTools": {"key": SUSPENDED},
                    "pendingToolApprovals": {"c1": APPROVAL, "c2": other},
                    "modelId": "m",
                },
            )
        ]
    )
    rows.add([ToolMessage("1 C", tool_call_id="c1")])
    content = rows.rows["row"].content
    assert content["parts"][1]["data"] == {**SUSPENDED, "resumed": True}
    del content["metadata"]["langchain"]
    assert content["metadata"] == {"pendingToolApprovals": {"c2": other}, "modelId": "m"}
    assert [is_pending(message) for message in rows.read()] == [False, False, True]


def test_an_ai_message_after_a_placeholder_has_a_row_of_its_own() -> None:
    rows = Rows([row_of(call_part())])
    call, placeholder = rows.read()
    said = AIMessage("I am waiting for an answer.")
    rows.add([said])
    assert len(rows.rows) == 2
    assert rows.read() == [call, placeholder, said]
    answer = ToolMessage("1 C", tool_call_id="c1")
    rows.add([answer])
    assert rows.read() == [call, answer, said]


def test_a_result_behind_other_messages_is_moved_to_its_call() -> None:
    rows = Rows([row_of(call_part())])
    question, answer = HumanMessage("?"), ToolMessage("1 C", tool_call_id="c1")
    rows.add([question, answer])  # in one batch, the answer stays behind the question
    assert rows.read() == [AIMessage("", tool_calls=[CALL], id="row"), answer, question]


def test_a_later_call_of_the_same_id_keeps_its_own_result() -> None:
    later = parts_row(call_part("result", result="r"), row_id="later")
    messages = thread_messages([parts_row(call_part()), later])
    assert [is_pending(message) for message in messages] == [False, True, False, False]


def test_old_results_answer_the_calls_that_wait() -> None:
    def result(call_id: str) -> dict[str, Any]:
        return {"type": "tool-result", "toolCallId": call_id, "toolName": "weather", "result": "r"}

    rows = [
        parts_row(call_part()),
        mastra_row("user", "hurry", "u"),
        mastra_row("tool", [result("c1"), result("lost")], "t", "tool-result"),
    ]
    messages = thread_messages(rows)
    lost = {**CALL, "id": "lost", "args": {}}
    assert messages == [
        AIMessage("", tool_calls=[CALL], id="row"),
        ToolMessage("r", tool_call_id="c1", name="weather", id="t#c1"),
        HumanMessage("hurry", id="u"),
        AIMessage("", tool_calls=[lost], id="t"),
        ToolMessage("r", tool_call_id="lost", name="weather", id="t#lost"),
    ]


def test_what_langchain_stored_is_as_it_was_until_mastra_answers() -> None:
    other = {**CALL, "id": "c2"}
    rows = Rows()
    call = AIMessage("", tool_calls=[CALL, other], id="ai")
    rows.add([call])
    assert rows.read() == [call]
    (row,) = rows.rows.values()
    parts = [call_part("result", result="r"), row.content["parts"][1]]
    rows.rows[row.id] = row.replace(content={**row.content, "parts": parts})
    read = rows.read()
    assert read[:2] == [
        call,
        ToolMessage("r", tool_call_id="c1", name="weather", id="ai#c1"),
    ]
    assert [is_pending(message) for message in read] == [False, False, True]
