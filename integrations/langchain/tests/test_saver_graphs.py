"""LangGraph's graphs with ``ConvexSaver``: what users do, on every lane and face."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from convex_mastra import UnavailableError
from integrations.langchain.tests.savers import Savers, config_for, rows_left
from langchain_convex_mastra import ConvexSaver
from tests.lanes import Deployment

Unique = Callable[[str], str]
DURABILITIES = ["sync", "async", "exit"]


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    count: int
    answer: str


class Runner:
    """A compiled graph whose methods are awaited, on either face."""

    def __init__(self, savers: Savers, graph: Any, saver: Any = None) -> None:
        self.saver = saver or savers.plain()
        self.graph = graph.compile(checkpointer=self.saver)
        self.is_async = savers.face == "async"

    async def invoke(self, value: Any, config: Any, **options: Any) -> Any:
        if self.is_async:
            return await self.graph.ainvoke(value, config, **options)
        return self.graph.invoke(value, config, **options)

    async def state(self, config: Any, **options: Any) -> Any:
        if self.is_async:
            return await self.graph.aget_state(config, **options)
        return self.graph.get_state(config, **options)

    async def history(self, config: Any, **options: Any) -> list[Any]:
        if self.is_async:
            return [one async for one in self.graph.aget_state_history(config, **options)]
        return list(self.graph.get_state_history(config, **options))

    async def update(self, config: Any, values: Any, **options: Any) -> Any:
        if self.is_async:
            return await self.graph.aupdate_state(config, values, **options)
        return self.graph.update_state(config, values, **options)


def counting(steps: int) -> Any:
    graph = StateGraph(State)
    graph.add_node("step", lambda state: {"log": [f"s{state.get('count', 0)}"],
                                          "count": state.get("count", 0) + 1})  # fmt: skip
    graph.add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda state: "step" if state["count"] < steps else END, ["step", END]
    )
    return graph


def asking() -> Any:
    graph = StateGraph(State)
    graph.add_node("before", lambda state: {"log": ["before"]})
    graph.add_node("ask", lambda state: {"answer": interrupt("well?"), "log": ["asked"]})
    graph.add_edge(START, "before")
    graph.add_edge("before", "ask")
    return graph


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_an_interrupt_is_resumed_by_another_process(
    savers: Savers, unique: Unique, durability: str
) -> None:
    config = config_for(unique("t"))
    stopped = await Runner(savers, asking()).invoke({"log": []}, config, durability=durability)
    assert [one.value for one in stopped["__interrupt__"]] == ["well?"]
    other = Runner(savers, asking())
    state = await other.state(config)
    assert (state.next, [one.value for one in state.interrupts]) == (("ask",), ["well?"])
    done = await other.invoke(Command(resume="yes"), config, durability=durability)
    assert done == {"log": ["before", "asked"], "answer": "yes"}
    assert (await Runner(savers, asking()).state(config)).values == done


@pytest.mark.parametrize("durability", ["sync", "async"])
async def test_a_step_is_two_requests(savers: Savers, unique: Unique, durability: Any) -> None:
    runner = Runner(savers, counting(12))
    config = config_for(unique("t"))
    await runner.invoke({"log": []}, config, durability=durability)
    savers.sent()
    await runner.invoke({"log": [], "count": 0}, config, durability=durability)
    sent = savers.sent()
    puts = [one for one in sent if one.startswith("batchInsert")]
    assert puts.count("batchInsert state") == 14  # the input, what it made, and twelve steps
    assert puts.count("batchInsert writes") <= 14
    # Steps that are faster than their checkpoints list the bucket of four steps beforehand.
    more = len(puts) - puts.count("batchInsert state") - puts.count("batchInsert writes")
    assert more <= (0 if durability == "sync" else 8), sent
    assert len(sent) - len(puts) <= 5, sent  # the state it began with


async def test_time_travel(savers: Savers, unique: Unique) -> None:
    runner = Runner(savers, counting(4))
    config = config_for(unique("t"))
    await runner.invoke({"log": []}, config)
    history = await runner.history(config)
    assert [one.metadata["step"] for one in history] == [4, 3, 2, 1, 0, -1]
    early = next(one for one in history if one.metadata["step"] == 2)
    assert [one.metadata["step"] for one in await runner.history(config, limit=2)] == [4, 3]
    older = await runner.history(config, before=early.config)
    assert [one.metadata["step"] for one in older] == [1, 0, -1]
    matching = await runner.history(config, filter={"step": 3})
    assert [one.metadata["step"] for one in matching] == [3]

    forked = await runner.update(early.config, {"log": ["forked"]})
    done = await runner.invoke(None, forked)
    assert done["log"] == ["s0", "s1", "forked", "s2", "s3"]
    newest = await Runner(savers, counting(4)).state(config)
    assert newest.values == done
    again = await runner.invoke(None, early.config)
    assert again["log"] == ["s0", "s1", "s2", "s3"]
    assert len(await runner.history(config)) == 6 + 3 + 2 + 1


async def test_subgraphs_keep_state_of_their_own(savers: Savers, unique: Unique) -> None:
    inner = asking().compile(checkpointer=True)
    graph = StateGraph(State)
    graph.add_node("inner", inner)
    graph.add_edge(START, "inner")
    runner = Runner(savers, graph)
    config = config_for(unique("t"))
    await runner.invoke({"log": []}, config)
    state = await Runner(savers, graph).state(config, subgraphs=True)
    assert state.tasks[0].state.values["log"] == ["before"]
    done = await Runner(savers, graph).invoke(Command(resume="ok"), config)
    assert done["answer"] == "ok"
    spaces = {one.config["configurable"]["checkpoint_ns"] for one in runner.saver.list(
        {"configurable": {"thread_id": config["configurable"]["thread_id"]}})}  # fmt: skip
    assert len(spaces) == 2


async def test_pruned_threads_go_on(savers: Savers, unique: Unique) -> None:
    inner = asking().compile()
    graph = StateGraph(State)
    graph.add_node("first", counting(2).compile())
    graph.add_node("inner", inner)
    graph.add_edge(START, "first")
    graph.add_edge("first", "inner")
    runner = Runner(savers, graph)
    thread = unique("t")
    config = config_for(thread)
    await runner.invoke({"log": []}, config)
    every = {"configurable": {"thread_id": thread}}
    before = list(runner.saver.list(every))
    runner.saver.prune([thread])
    after = list(runner.saver.list(every))
    # The newest of the root, and of the call of a subgraph that is waiting; not of the one that ended.
    assert len(after) == 2 < len(before)
    assert len({one.config["configurable"]["checkpoint_ns"] for one in after}) == 2
    done = await Runner(savers, graph).invoke(Command(resume="ok"), config)
    assert (done["answer"], done["log"][-1]) == ("ok", "asked")


async def test_a_fan_out(savers: Savers, unique: Unique) -> None:
    graph = StateGraph(State)
    graph.add_node("work", lambda state: {"log": [f"w{state['count']:03}"]})
    graph.add_conditional_edges(
        START, lambda _: [Send("work", {"count": number}) for number in range(80)], ["work"]
    )
    runner = Runner(savers, graph)
    config = config_for(unique("t"))
    done = await runner.invoke({"log": []}, config)
    assert done["log"] == [f"w{number:03}" for number in range(80)]
    state = await Runner(savers, graph).state(config)
    assert state.values["log"] == done["log"]
    first = (await runner.history(config))[1]
    assert len(first.tasks) == 80
    assert [task.result for task in first.tasks][-1] == {"log": ["w079"]}


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_delta_channels(savers: Savers, unique: Unique, durability: str) -> None:
    class Deltas(TypedDict):
        items: Annotated[list[str], DeltaChannel(lambda old, new: [*old, *(x for w in new for x in w)],
                                                 snapshot_frequency=5)]  # fmt: skip
        count: int

    graph = StateGraph(Deltas)
    graph.add_node("step", lambda state: {"items": [f"i{state['count']}"],
                                          "count": state["count"] + 1})  # fmt: skip
    graph.add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda state: "step" if state["count"] < 12 else END, ["step", END]
    )
    thread = unique("t")
    config = config_for(thread)
    options = {"durability": durability}
    value = {"items": ["start"], "count": 0}
    runner = Runner(savers, graph)
    done = await runner.invoke(value, config, **options)
    model = graph.compile(checkpointer=InMemorySaver())
    assert done == model.invoke(value, config, **options)
    fresh = Runner(savers, graph)
    assert (await fresh.state(config)).values == done
    theirs = [one.values for one in model.get_state_history(config)]
    assert [one.values for one in await fresh.history(config)] == theirs
    fresh.saver.prune([thread])
    left = list(fresh.saver.list(config))
    assert len(left) < 7
    assert (await Runner(savers, graph).state(config)).values == done
    more = await Runner(savers, graph).invoke({"items": ["more"], "count": 11}, config, **options)
    assert more["items"] == [*done["items"], "more", "i11"]


async def test_a_run_goes_on_after_a_crash_between_writes_and_checkpoint(
    savers: Savers, unique: Unique
) -> None:
    ran: list[str] = []

    def work(name: str) -> Callable[[Any], Any]:
        def node(_state: Any) -> Any:
            ran.append(name)
            return {"log": [name]}

        return node

    graph = StateGraph(State)
    for name in ("a", "b"):
        graph.add_node(name, work(name))
        graph.add_edge(START, name)
    graph.add_node("end", work("end"))
    graph.add_edge(["a", "b"], "end")

    class Crashing(ConvexSaver):
        left = 2

        def put(self, *args: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("crash")
            return super().put(*args)

        async def aput(self, *args: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("crash")
            return await super().aput(*args)

    function = savers.deployment.storage_function
    crashing = Crashing(backend=savers.backend, storage_function=function)
    config = config_for(unique("t"))
    with pytest.raises(RuntimeError, match="crash"):
        await Runner(savers, graph, crashing).invoke({"log": []}, config, durability="sync")
    assert sorted(ran) == ["a", "b"]
    done = await Runner(savers, graph).invoke(None, config)
    assert done["log"] == ["a", "b", "end"]
    assert ran[2:] == ["end"]  # what had written before the crash did not run again


KILLED = """
import asyncio, operator, os, sys
from typing import Annotated, TypedDict
from langgraph.graph import START, END, StateGraph
from langchain_convex_mastra import ConvexSaver

class State(TypedDict):
    log: Annotated[list, operator.add]
    count: int

def step(state):
    if state["count"] == 5 and sys.argv[2] == "kill":
        os.kill(os.getpid(), 9)
    return {"log": [f"s{state['count']}"], "count": state["count"] + 1}

graph = StateGraph(State)
graph.add_node("step", step)
graph.add_edge(START, "step")
graph.add_conditional_edges("step", lambda s: "step" if s["count"] < 9 else END, ["step", END])
config = {"configurable": {"thread_id": sys.argv[1]}}
value = {"log": [], "count": 0} if sys.argv[2] == "kill" else None

async def work():
    async with ConvexSaver() as saver:
        app = graph.compile(checkpointer=saver)
        return await app.ainvoke(value, config, durability="sync")

if sys.argv[3] == "async":
    print(asyncio.run(work())["log"])
else:
    with ConvexSaver() as saver:
        app = graph.compile(checkpointer=saver)
        print(app.invoke(value, config, durability="sync")["log"])
"""


def test_another_process_goes_on_where_one_was_killed(
    deployment: Deployment, face: str, unique: Unique
) -> None:
    thread = unique("t")

    def run(how: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", KILLED, thread, how, face],
            env=os.environ | deployment.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert run("kill").returncode == -9
    done = run("go on")
    assert (done.returncode, done.stdout.strip()) == (0, str([f"s{n}" for n in range(9)])), done


async def test_deleting_leaves_nothing(savers: Savers, unique: Unique) -> None:
    inner = counting(2).compile()
    graph = StateGraph(State)
    graph.add_node("inner", inner)
    graph.add_edge(START, "inner")
    runner = Runner(savers, graph)
    thread = unique("t")
    config = config_for(thread)
    await runner.invoke({"log": ["x" * 2_000_000]}, config | {"metadata": {"run_id": thread}})
    runner.saver.put_writes(config_for(thread, "never put"), [("log", ["y" * 99_999])], "task")
    assert list(runner.saver.list(config))
    runner.saver.delete_thread(thread)
    assert list(runner.saver.list({"configurable": {"thread_id": thread}})) == []
    if savers.deployment.database:
        left = [row for row in rows_left(savers.deployment.database) if thread in row]
        assert left == []


async def test_a_put_that_fails_leaves_what_was_there(savers: Savers, unique: Unique) -> None:
    if savers.deployment.lane != "embedded":
        pytest.skip("fails inside this process")
    runner = Runner(savers, counting(3))
    config = config_for(unique("t"))
    done = await runner.invoke({"log": []}, config)
    send = savers.backend._database.write

    def fail(_work: Any) -> Any:
        raise UnavailableError("gone", applied=None)

    savers.backend._database.write = fail
    with pytest.raises(UnavailableError):
        await runner.update(config, {"log": ["lost"]})
    savers.backend._database.write = send
    assert (await runner.state(config)).values == done
    await runner.update(config, {"log": ["kept"]})
    assert (await Runner(savers, counting(3)).state(config)).values["log"][-1] == "kept"
