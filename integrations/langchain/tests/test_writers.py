"""Writers who continue one turn at the same time: nothing is lost, whatever the order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from convex_mastra import (
    Message,
    Options,
    OutcomeUnknownError,
    open_backend,
)
from convex_mastra.flow import run
from integrations.langchain.tests.schedules import Writer
from integrations.langchain.tests.shared_turn import JOURNAL, ROW, Turn, call, result
from langchain_convex_mastra import ConvexChatMessageHistory, continuation
from langchain_convex_mastra.conversation import Conversation, read_messages
from tests.lanes import Deployment, with_older_lanes


@pytest.fixture
def turn(deployment: Deployment, unique: Any) -> Iterator[Turn]:
    backend = open_backend(deployment.url, deployment.admin_key)
    yield Turn(backend, deployment.storage_function, unique("t"), ["c1", "c2"])
    backend.close()


BOTH = Counter(["?", "result c1", "result c2"])


@with_older_lanes
@pytest.mark.parametrize("first", [0, 1])
def test_both_read_before_either_writes(turn: Turn, first: int) -> None:
    writers = [turn.writer(result("c1")), turn.writer(result("c2"))]
    for writer in writers:
        writer.run_until(ROW)
    writers[first].finish()
    writers[1 - first].finish()
    assert turn.said() == turn.stored() == BOTH
    assert len(turn.rows()) == 2


def test_both_write_before_either_looks(turn: Turn) -> None:
    writers = [turn.writer(result("c1")), turn.writer(result("c2"))]
    for writer in writers:
        writer.run_until(ROW)
    for writer in writers:
        writer.pass_by(ROW)
    assert turn.said() == BOTH, "nothing is invisible in between"
    for writer in writers:
        writer.finish()
    assert turn.said() == turn.stored() == BOTH


def test_a_write_that_arrives_late(turn: Turn) -> None:
    late = turn.writer(result("c1"))
    late.run_until(ROW)
    turn.add(result("c2"))
    turn.add(AIMessage("goes on"))
    late.pass_by(ROW)
    everything = BOTH + Counter(["goes on"])
    assert turn.said() == everything, "overwritten, and visible all the same"
    late.finish()
    assert turn.said() == turn.stored() == everything


def test_a_write_that_is_repeated_after_all_was_done(turn: Turn) -> None:
    """The first request is given up, the second succeeds, and then the first arrives."""
    first = turn.writer(result("c1"))
    first.run_until(ROW)
    request = first.step(first.waiting.index(ROW), lose_reply=True)
    first.finish()
    turn.add(result("c2"))
    turn.backend.send(request)
    assert turn.stored() == Counter(["?", "result c1"])
    assert turn.said() == BOTH
    turn.add(HumanMessage("next"))
    everything = BOTH + Counter(["next"])
    assert turn.said() == turn.stored() == everything, "whoever reads it and goes on mends it"


def test_a_journal_that_is_written_twice(turn: Turn) -> None:
    writer = turn.writer(AIMessage("a", id="a"), conversation=waits_for_step(turn))
    label = next(one for one in writer.waiting if one.startswith(JOURNAL))
    writer.step(writer.waiting.index(label), lose_reply=True)
    writer.finish()
    assert turn.said() == turn.stored() == BOTH + Counter("a")


def waits_for_step(turn: Turn) -> Conversation:
    """What is known of the turn when all calls have their outcomes."""
    turn.add(result("c1"), result("c2"))
    return turn.conversation()


def test_both_go_on_with_the_turn(turn: Turn) -> None:
    waits_for_step(turn)
    writers = [
        turn.writer(AIMessage("a", id="1", tool_calls=[call("c3")]), result("c3")),
        turn.writer(AIMessage("b", usage_metadata=None)),
        turn.writer(AIMessage("b")),
    ]
    for writer in writers:
        writer.run_until(ROW)
    for writer in reversed(writers):
        writer.finish()
    everything = BOTH + Counter(["a", "b", "b", "result c3"])
    assert turn.said() == turn.stored() == everything
    assert len(turn.rows()) == 2
    messages = turn.read()
    step = next(message for message in messages if message.content == "a")
    following = messages[messages.index(step) + 1]
    assert (step.id, following) == ("1", result("c3")), "a step and its outcome stay together"


@pytest.mark.parametrize("outcome", ["result c1", "another"])
def test_both_answer_one_call(turn: Turn, outcome: str) -> None:
    writers = [turn.writer(result("c1")), turn.writer(ToolMessage(outcome, tool_call_id="c1"))]
    for writer in writers:
        writer.run_until(ROW)
    for writer in writers:
        writer.finish()
    assert turn.said() == turn.stored() == Counter(["?", "result c1"])
    assert len(turn.rows()) == 2


@pytest.mark.parametrize("died", ["before the row", "after the row"])
def test_a_writer_that_dies(turn: Turn, died: str) -> None:
    dies = turn.writer(result("c1"))
    other = turn.writer(result("c2"))
    if died == "before the row":
        dies.run_until(ROW)
        other.finish()
    else:
        dies.run_until(ROW)
        other.finish()
        dies.pass_by(ROW)
    dies.die()
    assert turn.said() == BOTH
    turn.add(AIMessage("goes on"))
    assert turn.said() == turn.stored() == BOTH + Counter(["goes on"])


def test_what_failed_can_be_added_again(turn: Turn) -> None:
    conversation = turn.conversation()
    messages = [result("c1"), result("c2"), AIMessage("done", id="lc_run-1")]
    for label in [ROW, "loadMany mastra_messages"]:
        writer = turn.writer(*messages, conversation=conversation)
        writer.run_until(ROW)
        if label != ROW:
            writer.pass_by(ROW)
        writer.die()
    turn.writer(*messages, conversation=conversation).finish()
    assert turn.said() == turn.stored() == BOTH + Counter(["done"])
    assert len(turn.journal()) == 1


def test_a_row_without_room_goes_on_in_another(turn: Turn) -> None:
    large = {number: f"{number}" * 300_000 for number in (1, 2)}
    writers = [
        turn.writer(ToolMessage(text, tool_call_id=f"c{number}"), AIMessage(f"after {number}"))
        for number, text in large.items()
    ]
    for writer in writers:
        writer.run_until(ROW)
    for writer in writers:
        writer.pass_by(ROW)
    everything = Counter(["?", *large.values(), "after 1", "after 2"])
    assert turn.said() == everything
    for writer in writers:
        writer.finish()
    assert turn.said() == turn.stored() == everything
    assert len(turn.rows()) == 3
    assert [message.content for message in turn.read()].count("after 2") == 1


def test_a_row_apart_that_went_on_is_not_begun_again(turn: Turn) -> None:
    late = turn.writer(ToolMessage("1" * 100, tool_call_id="c1", artifact="late"))
    late.run_until(ROW)
    fills = turn.conversation()
    fills.turn = turn.row().id
    turn.writer(AIMessage("x" * 300_000), conversation=fills).finish()
    turn.add(ToolMessage("2" * 300_000, tool_call_id="c2"), AIMessage("", tool_calls=[call("d1")]))
    assert len(turn.rows()) == 3, "the row has no room for both"
    turn.add(result("d1"))
    everything = turn.said()
    late.pass_by(ROW)
    assert turn.said() >= Counter(["result d1", "1" * 100])
    late.finish()
    assert turn.said() == turn.stored() == everything


def test_a_turn_that_was_deleted_meanwhile(turn: Turn) -> None:
    writer = turn.writer(result("c1"), AIMessage("goes on"))
    writer.run_until(ROW)
    history = ConvexChatMessageHistory(
        turn.thread_id, backend=turn.backend, storage_function=turn.target.storage_function
    )
    history.clear()
    assert turn.journal() == {}
    writer.finish()
    assert turn.said() == turn.stored()
    stale = Conversation(turn.thread_id, calls={"c1": "gone"}, turn="gone")
    turn.writer(result("c1", id="x"), AIMessage("and on"), conversation=stale).finish()
    assert turn.said()["and on"] == turn.stored()["and on"] == 1


def mastra_writes(turn: Turn, row: Message, **changes: Any) -> None:
    """A Mastra agent saves the message that it holds in memory."""
    turn.store.memory.save_messages([row.replace(content={**row.content, **changes})])


@pytest.mark.parametrize("keeps_metadata", [True, False])
def test_mastra_overwrites_the_row(turn: Turn, keeps_metadata: bool) -> None:
    held = turn.row()
    if not keeps_metadata:
        content = {name: value for name, value in held.content.items() if name != "metadata"}
        held = held.replace(content=content)
    turn.add(result("c1"), result("c2"), AIMessage("goes on"))
    mastra_writes(turn, held)
    everything = BOTH + Counter(["goes on"])
    assert turn.stored() == Counter("?")
    assert turn.said() == everything
    turn.add(HumanMessage("next"))
    assert turn.said() == turn.stored() == everything + Counter(["next"])


def test_mastra_updates_the_parts_alone(turn: Turn) -> None:
    held = turn.row()
    turn.add(result("c1"), result("c2"), AIMessage("goes on"))
    turn.store.memory.update_messages(
        [{"id": held.id, "content": {"parts": held.content["parts"], "content": ""}}]
    )
    assert turn.stored() == Counter("?")
    assert turn.said() == BOTH, "the parts win, but no call loses its outcome"
    turn.add(HumanMessage("next"))
    assert turn.said() == turn.stored() == BOTH + Counter(["next"])


def test_what_mastra_answered_stays(turn: Turn) -> None:
    turn.add(result("c1"), AIMessage("one"))
    known = turn.conversation()
    row = turn.row()
    parts = row.content["parts"]
    parts[1] |= {"toolInvocation": parts[1]["toolInvocation"] | {"state": "result", "result": "js"}}
    parts[-1] |= {"text": "edited"}
    mastra_writes(turn, row, parts=parts)
    turn.writer(result("c2"), conversation=known).finish()
    assert turn.said() == turn.stored() == Counter(["?", "result c1", "js", "edited"])


def test_what_mastra_wrote_anew_is_not_added_again(turn: Turn) -> None:
    turn.add(result("c1"), result("c2"), AIMessage("one"))
    row = turn.row()
    *parts, text = row.content["parts"]
    pending = {"state": "call", "toolCallId": "c3", "toolName": "t", "args": {}}
    parts += [text | {"text": "edited"}, {"type": "tool-invocation", "toolInvocation": pending}]
    mastra_writes(turn, row, parts=parts, metadata={"any": 1})
    expected = BOTH + Counter(["edited"])
    assert turn.said() == turn.stored() == expected
    turn.add(result("c3"), AIMessage("two"))
    expected += Counter(["result c3", "two"])
    assert turn.said() == turn.stored() == expected
    assert turn.row().content["metadata"]["any"] == 1
    turn.add(HumanMessage("next"))
    assert turn.said() == turn.stored() == expected + Counter(["next"])


def test_old_additions_are_pruned(turn: Turn) -> None:
    turn.add(result("c1"))
    turn.add(result("c2"), AIMessage("x" * 1_000, id="1"))
    assert len(turn.journal()) == 2
    turn.add(HumanMessage("next"), AIMessage("", tool_calls=[call("d1"), call("d2")]))
    turn.add(result("d1"))
    assert len(turn.journal()) == 3, "none is old"
    with patch.object(continuation, "KEPT", timedelta(seconds=-10)):
        turn.add(result("d2"))
    (left,) = turn.journal().values()
    assert "result d2" in left
    everything = BOTH + Counter(["next", "result d1", "result d2", "x" * 1_000])
    assert turn.said() == turn.stored() == everything


def test_old_additions_that_were_lost_are_mended_not_pruned(turn: Turn) -> None:
    lost = turn.row()
    turn.add(result("c1"))
    mastra_writes(turn, lost)
    turn.store.memory.save_messages([lost])
    turn.add(HumanMessage("next"), AIMessage("", tool_calls=[call("d1")]))
    blind = Conversation(turn.thread_id, calls={"d1": turn.rows()[-1].id})
    mastra_writes(turn, lost)
    with patch.object(continuation, "KEPT", timedelta(seconds=-10)):
        turn.writer(result("d1"), conversation=blind).finish()
    assert turn.stored() == Counter(["?", "result c1", "next", "result d1"])
    assert turn.said() == turn.stored()
    assert len(turn.journal()) == 2, "what the row lacked a moment ago is not deleted yet"


def test_somebody_who_overwrites_for_ever_is_named(turn: Turn) -> None:
    held = turn.row()
    writer = turn.writer(result("c1"))

    def overwrite_all() -> None:
        while not writer.is_done:
            if writer.step().label == ROW:
                mastra_writes(turn, held)

    with pytest.raises(OutcomeUnknownError, match="do not add it again"):
        overwrite_all()
    assert turn.said() == Counter(["?", "result c1"])


def test_parts_that_lost_an_outcome_are_mended_before_it_is_pruned(turn: Turn) -> None:
    held = turn.row()
    turn.add(result("c1"), result("c2"), AIMessage("x"))
    turn.add(HumanMessage("next"), AIMessage("", tool_calls=[call("d1")]))
    turn.store.memory.update_messages(
        [{"id": held.id, "content": {"parts": held.content["parts"]}}]
    )
    blind = Conversation(turn.thread_id, calls={"d1": turn.rows()[-1].id})
    with patch.object(continuation, "KEPT", timedelta(seconds=-10)):
        turn.writer(result("d1"), conversation=blind).finish()
    assert turn.stored() == turn.said() == BOTH + Counter(["next", "x", "result d1"])


def test_what_nobody_continued_needs_no_journal(deployment: Deployment, unique: Any) -> None:
    requests: list[str] = []
    backend = open_backend(
        deployment.url,
        deployment.admin_key,
        options=Options(on_event=lambda event: requests.append(event.operation)),
    )
    history = ConvexChatMessageHistory(
        unique("t"), backend=backend, storage_function=deployment.storage_function
    )
    history.add_messages([HumanMessage("?"), AIMessage("", tool_calls=[call("c1")]), result("c1")])
    history.add_messages([HumanMessage("!"), AIMessage("done")])
    assert not any("langchain/turns" in request for request in requests)
    requests.clear()
    assert len(history.messages) == 5
    assert len(requests) == 2, "the first turn still waits for its next step"
    history.add_ai_message("more")
    requests.clear()
    backend.close()


@with_older_lanes
def test_rows_added_between_the_pages_of_a_window_show_no_message_twice(turn: Turn) -> None:
    turn.thread_id += "-window"
    empty = {"format": 2, "parts": [{"type": "data-om-status", "data": {}}]}
    nothing = Message(
        thread_id=turn.thread_id, resource_id=turn.thread_id, role="assistant", content=empty
    )
    for message in ("old", "older than last"):
        turn.add(HumanMessage(message))
    turn.store.memory.save_messages([nothing])
    turn.add(HumanMessage("last"))
    run(read_messages(turn.target, Conversation(turn.thread_id), last=1), turn.backend)
    window: list[BaseMessage] = []

    def read() -> Any:
        window.extend((yield from read_messages(turn.target, Conversation(turn.thread_id), last=2)))

    reader = Writer(turn.backend, read())
    reader.step()
    turn.add(HumanMessage("new"), HumanMessage("newer"))
    reader.finish()
    assert [message.content for message in window] == ["older than last", "last"]
