"""Writers who continue one turn at the same time: in any order, and for real."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from convex_mastra import (
    ConvexStore,
    open_backend,
)
from integrations.langchain.tests.schedules import Writer
from integrations.langchain.tests.shared_turn import ROW, Turn, call, result
from langchain_convex_mastra import ConvexChatMessageHistory
from tests.lanes import FACES, Deployment

BURSTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(0, 9), st.sampled_from("...lkd")),
    max_size=16,
)
"""Which writer sends how many requests, which of those it stands before, and what happens to the
last: ``l`` its reply is lost, ``k`` it arrives once more when all is done, ``d`` its writer dies."""


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


@given(BURSTS)
@settings(max_examples=60, deadline=None)
def test_any_order(bursts: list[tuple[int, int, int, str]]) -> None:
    backend = open_backend(":memory:")
    turn = Turn(backend, "mastra/storage:handle", "t", ["c0", "c1", "c2"])
    writers = Writers(turn)
    for number, count, which, last in bursts:
        for kind in ["."] * (count - 1) + [last]:
            writers.step(number, which, kind)
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


async def test_one_history_shared_by_tasks(deployment: Deployment, unique: Any) -> None:
    calls = [f"c{number}" for number in range(WRITERS)]
    async with history_on(deployment, unique("t")) as history:
        step = AIMessage("", tool_calls=[call(one) for one in calls])
        await history.aadd_messages([HumanMessage("?"), step])
        await asyncio.gather(*(history.aadd_messages([result(one)]) for one in calls))
        await history.aadd_messages([AIMessage("done")])
        messages = await history.aget_messages()
    assert messages[:2] == [HumanMessage("?"), step]
    assert messages[-1] == AIMessage("done")
    assert {message.content for message in messages[2:-1]} == {f"result {one}" for one in calls}
    assert len(messages) == WRITERS + 3
