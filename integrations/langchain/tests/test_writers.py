"""Writers who continue one turn at the same time: nothing is lost, whatever the order."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from convex_mastra import (
    Backend,
    ConvexDocuments,
    ConvexStore,
    Message,
    Options,
    OutcomeUnknownError,
    open_backend,
)
from convex_mastra.flow import run
from convex_mastra.ops.target import Target
from integrations.langchain.tests.schedules import Writer
from langchain_convex_mastra import ConvexChatMessageHistory, continuation
from langchain_convex_mastra.adding import add_messages
from langchain_convex_mastra.conversation import Conversation, read_messages
from tests.lanes import FACES, Deployment, with_older_lanes

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
        """What a reader sees."""
        return Counter(str(message.content) for message in self.read() if message.content)

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


# --- any order -----------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from("......lkd")), max_size=60
)


def adds_of(number: int) -> list[list[BaseMessage]]:
    """What a writer adds, one after the other."""
    own = f"w{number}"
    return [
        [result(f"c{number}")],
        [AIMessage(f"step {own}", tool_calls=[call(own)]), result(own)],
    ]


class Writers:
    """Three processes that add to one turn, each its own messages, one after the other."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.acknowledged = Counter(["?"])
        self.queues = [adds_of(number) for number in range(3)]
        self.writers: list[Writer | None] = [None] * 3
        self.kept: list[Any] = []
        self.dead = 0

    def step(self, number: int, which: int, kind: str) -> None:
        writer = self.writers[number]
        if writer is None:
            if not self.queues[number]:
                return
            known = self.turn.conversation()
            known.turn = self.turn.row().id  # as somebody who saw the results come in
            writer = self.turn.writer(*self.queues[number][0], conversation=known)
            self.writers[number] = writer
        else:
            which %= len(writer.waiting)
            sent = writer.step(which, lose_reply=kind == "l")
            if kind == "k" and sent.label == ROW:
                self.kept.append(sent)
        if kind == "d":
            writer.die()
        if writer.is_done:
            messages = self.queues[number].pop(0)
            if writer.is_dead:
                self.queues[number].clear()
                self.dead += 1
            else:
                self.acknowledged.update(str(one.content) for one in messages)
            self.writers[number] = None

    def finish(self) -> None:
        for number in range(3):
            while self.writers[number] or self.queues[number]:
                self.step(number, 0, ".")


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_any_order(steps: list[tuple[int, int, str]]) -> None:
    backend = open_backend(":memory:")
    turn = Turn(backend, "mastra/storage:handle", "t", ["c0", "c1", "c2"])
    writers = Writers(turn)
    for step in steps:
        writers.step(*step)
        said = turn.said()
        assert said >= writers.acknowledged, "what was acknowledged is seen"
        assert max(said.values()) == 1, "and once"
    for request in writers.kept:
        backend.send(request)
        assert turn.said() >= writers.acknowledged
    writers.finish()
    if not writers.kept and not writers.dead:
        assert turn.said() == turn.stored() == writers.acknowledged
    turn.add(HumanMessage("end"))
    assert turn.said() == turn.stored()
    assert turn.said() >= writers.acknowledged
    assert max(turn.said().values()) == 1
    backend.close()


# --- for real ------------------------------------------------------------------------------------

WRITERS = 8


def history_on(deployment: Deployment, thread_id: str) -> ConvexChatMessageHistory:
    return ConvexChatMessageHistory(
        thread_id,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
    )


@pytest.mark.parametrize("face", FACES)
async def test_eight_writers_at_once(deployment: Deployment, unique: Any, face: str) -> None:
    thread_id = unique("t")
    calls = [f"c{number}" for number in range(WRITERS)]
    with history_on(deployment, thread_id) as history:
        history.add_messages(
            [HumanMessage("?"), AIMessage("", tool_calls=[call(one) for one in calls])]
        )
    added = [
        [result(one, artifact={"by": one}), AIMessage(f"step {one}", tool_calls=[call(f"d{one}")])]
        for one in calls
    ]
    later = [result(f"d{one}") for one in calls]
    if face == "sync":
        failures: list[BaseException] = []
        barrier = threading.Barrier(WRITERS)

        def write(number: int) -> None:
            try:
                with history_on(deployment, thread_id) as history:
                    assert len(history.messages) == 2
                    barrier.wait()
                    history.add_messages(added[number])
                    history.add_messages([later[number]])
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=[number]) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        await asyncio.to_thread(lambda: [thread.join() for thread in threads])
        assert failures == []
    else:
        histories = [history_on(deployment, thread_id) for _ in range(WRITERS)]
        await asyncio.gather(*(history.aget_messages() for history in histories))

        async def awrite(number: int) -> None:
            await histories[number].aadd_messages(added[number])
            await histories[number].aadd_messages([later[number]])

        await asyncio.gather(*(awrite(number) for number in range(WRITERS)))
        for history in histories:
            await history.aclose()

    backend = open_backend(deployment.url, deployment.admin_key)
    function = deployment.storage_function
    history = ConvexChatMessageHistory(thread_id, backend=backend, storage_function=function)
    messages = history.messages
    assert [message for message in messages if message in later] != []
    for one in [*(message for pair in added for message in pair), *later]:
        assert messages.count(one) == 1
    rows = ConvexStore(backend=backend, storage_function=function).memory.list_messages(
        thread_id, per_page=False
    )
    question, row = rows.messages
    states = [
        part["toolInvocation"]["state"]
        for part in row.content["parts"]
        if part["type"] == "tool-invocation"
    ]
    assert states == ["result"] * 2 * WRITERS
    assert question.role == "user"
    backend.close()
