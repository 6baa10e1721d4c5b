"""Agents and graphs with a store: their tools remember, under both faces, on every lane."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from integrations.langchain.tests.memory_stores import Stores, stores

__all__ = ["stores"]


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **_: Any) -> Scripted:
        return self


def call(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": name}])


@tool
def remember(fact: str, at: str, runtime: ToolRuntime) -> str:
    """Remember a fact."""
    assert runtime.store is not None
    runtime.store.put(("facts", "ann"), fact, {"fact": fact, "at": at})
    return "noted"


@tool
def recall(about: str, runtime: ToolRuntime) -> str:
    """Recall a fact."""
    assert runtime.store is not None
    (item,) = runtime.store.search(("facts",), query=about, limit=1)
    return str(item.value["fact"])


@tool("remember")
async def aremember(fact: str, at: str, runtime: ToolRuntime) -> str:
    """Remember a fact."""
    assert runtime.store is not None
    await runtime.store.aput(("facts", "ann"), fact, {"fact": fact, "at": at})
    return "noted"


@tool("recall")
async def arecall(about: str, runtime: ToolRuntime) -> str:
    """Recall a fact."""
    assert runtime.store is not None
    (item,) = await runtime.store.asearch(("facts",), query=about, limit=1)
    return str(item.value["fact"])


async def test_an_agents_tools_remember(stores: Stores) -> None:
    store = stores.indexed().store

    async def ask(*replies: AIMessage) -> list[str]:
        tools = [aremember, arecall] if stores.face == "async" else [remember, recall]
        agent: Any = create_agent(Scripted(messages=iter(replies)), tools, store=store)
        question = {"messages": [HumanMessage("?")]}
        state = await agent.ainvoke(question) if stores.face == "async" else agent.invoke(question)
        return [message.content for message in state["messages"] if message.type == "tool"]

    assert await ask(call("remember", fact="tea", at="1,0"), AIMessage("yes")) == ["noted"]
    assert await ask(call("remember", fact="cat", at="0,1"), AIMessage("yes")) == ["noted"]
    assert await ask(call("recall", about="0,1"), AIMessage("a cat")) == ["cat"]
    assert [item.key for item in store.search(("facts", "ann"))] == ["cat", "tea"]


class State(TypedDict):
    turn: int


async def test_a_graphs_nodes_share_the_store(stores: Stores) -> None:
    store = stores.open().store

    def count(state: State, runtime: Runtime[None]) -> State:
        assert runtime.store is not None
        item = runtime.store.get(("turns",), "n")
        turn = (item.value["turn"] if item else 0) + 1
        runtime.store.put(("turns",), "n", {"turn": turn})
        return {"turn": turn}

    async def acount(state: State, runtime: Runtime[None]) -> State:
        assert runtime.store is not None
        item = await runtime.store.aget(("turns",), "n")
        turn = (item.value["turn"] if item else 0) + 1
        await runtime.store.aput(("turns",), "n", {"turn": turn})
        return {"turn": turn}

    builder: Any = StateGraph(State)
    builder.add_node("count", acount if stores.face == "async" else count)
    builder.add_edge(START, "count")
    builder.add_edge("count", END)
    graph = builder.compile(store=store)
    for turn in (1, 2):
        asked: State = {"turn": 0}
        state = await graph.ainvoke(asked) if stores.face == "async" else graph.invoke(asked)
        assert state == {"turn": turn}
