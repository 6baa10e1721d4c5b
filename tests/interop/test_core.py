"""One memory, two languages: npm's clients read what Python wrote, and Python what they wrote.

On the dev server and on the reference deployment; the JavaScript is the packages' own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import ConvexStore, ConvexVector, Message, Resource, Thread
from convex_mastra.records import text_content
from convex_mastra.timestamps import to_text
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
ANSWER = {
    "format": 2,
    "parts": [
        {"type": "text", "text": "let me check"},
        {
            "type": "tool-invocation",
            "toolInvocation": {
                "state": "result",
                "toolCallId": "c1",
                "toolName": "weather",
                "args": {"city": "Oslo", "$schema": "x"},
                "result": {"température": 1},
            },
        },
        {"type": "step-start"},
        {"type": "reasoning", "reasoning": "hm", "details": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "It is 1 °C"},
    ],
    "content": "It is 1 °C",
    "metadata": {"modelId": "mock", "unknown": {"deep": [1]}},
}


def on(deployment: Deployment, **request: Any) -> Any:
    return run_node("store.ts", {"url": deployment.url, "key": deployment.admin_key, **request})


def without_time(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "createdAt"}


def test_mastra_reads_what_python_wrote(deployment: Deployment, unique: Unique) -> None:
    thread_id, resource_id, index_name = unique("t"), unique("r"), unique("docs")
    thread = Thread(
        id=thread_id,
        resource_id=resource_id,
        title="Größe",
        metadata={"n": 1, "deep": {"list": [1.5, None]}},
        created_at=START,
        updated_at=START,
    )
    messages = [
        Message(
            id=unique("m"), thread_id=thread_id, resource_id=resource_id, role=role, content=content
        )
        for role, content in [
            ("user", text_content("What is the weather?")),
            ("assistant", ANSWER),
            ("user", "a text of the first format"),
        ]
    ]
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        store.memory.save_thread(thread)
        saved = store.memory.save_messages(messages)
        store.memory.save_resource(
            Resource(id=resource_id, working_memory="# Bob", metadata={"k": 1})
        )
        vector = ConvexVector(backend=store.backend)
        vector.create_index(index_name, 3)
        vector.upsert(
            index_name, [[1, 0, 0], [0, 1, 0]], ids=["a", "b"], metadata=[{"text": "é"}, None]
        )

    read = on(
        deployment,
        command="read",
        threadIds=[thread_id],
        resourceIds=[resource_id],
        messageIds=[message.id for message in messages],
        queries=[{"indexName": index_name, "queryVector": [1, 0, 0], "includeVector": True}],
    )

    assert read["threads"][thread_id]["title"] == "Größe"
    assert read["threads"][thread_id]["metadata"] == {"n": 1, "deep": {"list": [1.5, None]}}
    assert read["threads"][thread_id]["createdAt"] == to_text(START)
    assert [row["id"] for row in read["threadsByResource"][resource_id]] == [thread_id]
    for listing in (
        read["messages"][thread_id],
        read["messagesById"],
        read["messagesByResource"][resource_id],
        read["recalled"][thread_id],
    ):
        assert [row["id"] for row in listing] == [message.id for message in saved]
        assert [row["createdAt"] for row in listing] == [
            to_text(message.created_at or START) for message in saved
        ]
    contents = [row["content"] for row in read["messages"][thread_id]]
    assert contents == [message.content for message in messages]
    assert read["resources"][resource_id]["workingMemory"] == "# Bob"
    assert read["resources"][resource_id]["metadata"] == {"k": 1}
    assert read["indexes"][index_name] == {"dimension": 3, "count": 2, "metric": "cosine"}
    (hits,) = read["queries"]
    assert [(hit["id"], hit["score"], hit["vector"]) for hit in hits] == [
        ("a", 1, [1, 0, 0]),
        ("b", 0, [0, 1, 0]),
    ]
    assert hits[0]["metadata"] == {"text": "é"}

    forms = run_node("messagelist.ts", {"messages": read["messages"][thread_id]})["forms"]
    thrown = {name: form for name, form in forms.items() if isinstance(form, dict)}
    assert thrown == {}, "no form of the conversation throws"
    assert all(forms.values()), "and none is empty"
    assert "It is 1 °C" in str(forms["aiV5.prompt"])
    assert "température" in str(forms["aiV5.prompt"])


def test_python_reads_what_mastra_wrote(deployment: Deployment, unique: Unique) -> None:
    thread_id, resource_id, index_name = unique("t"), unique("r"), unique("docs")
    ids = [unique("m") for _ in range(3)]
    on(
        deployment,
        command="write",
        threads=[
            {
                "id": thread_id,
                "resourceId": resource_id,
                "title": "",
                "metadata": {"n": 1},
                "createdAt": to_text(START),
                "updatedAt": to_text(START),
            }
        ],
        messages=[
            {
                "id": message_id,
                "threadId": thread_id,
                "resourceId": resource_id,
                "role": role,
                "type": "v2",
                "content": content,
                "createdAt": to_text(START + timedelta(seconds=position)),
            }
            for position, (message_id, role, content) in enumerate(
                zip(
                    ids,
                    ["user", "assistant", "user"],
                    [text_content("hi"), ANSWER, text_content("bye \ud800")],
                    strict=True,
                )
            )
        ],
        resources=[
            {
                "id": resource_id,
                "workingMemory": "wm",
                "createdAt": to_text(START),
                "updatedAt": to_text(START),
            }
        ],
        indexes=[
            {
                "indexName": index_name,
                "dimension": 2,
                "vectors": [
                    {"id": "a", "vector": [1, 0], "metadata": {"n": 1, "tag": "x"}},
                    {"id": "b", "vector": [0.6, 0.8]},
                ],
            }
        ],
    )

    with ConvexStore(deployment.url, deployment.admin_key) as store:
        thread = store.memory.get_thread_by_id(thread_id)
        page = store.memory.list_messages(thread_id)
        resource = store.memory.get_resource_by_id(resource_id)
        vector = ConvexVector(backend=store.backend)
        stats = vector.describe_index(index_name)
        found = vector.query(index_name, [1, 0], include_vector=True)
    assert thread is not None
    assert (thread.metadata, thread.created_at) == ({"n": 1}, START)
    assert [message.id for message in page.messages] == ids
    assert page.messages[1].content == ANSWER
    assert page.messages[2].text == "bye \ud800"
    assert page.messages[1].created_at == START + timedelta(seconds=1)
    assert resource is not None
    assert (resource.working_memory, resource.metadata) == ("wm", {})
    assert (stats.dimension, stats.count) == (2, 2)
    assert [(hit.id, hit.score) for hit in found] == [("a", 1.0), ("b", pytest.approx(0.6))]
    assert found[0].metadata == {"n": 1, "tag": "x"}


def test_each_updates_what_the_other_wrote(deployment: Deployment, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    with ConvexStore(deployment.url, deployment.admin_key) as store:
        (saved,) = store.memory.save_messages(
            [
                Message(
                    thread_id=thread_id,
                    resource_id=resource_id,
                    role="assistant",
                    content=ANSWER | {"keyOfANewerVersion": 1},
                )
            ]
        )
        store.memory.update_messages([{"id": saved.id, "content": {"metadata": {"mine": True}}}])
    read = on(deployment, command="read", threadIds=[thread_id], messageIds=[saved.id])
    (row,) = read["messages"][thread_id]
    assert row["content"]["metadata"] == {"modelId": "mock", "unknown": {"deep": [1]}, "mine": True}
    assert row["content"]["parts"] == ANSWER["parts"]
    assert row["content"]["keyOfANewerVersion"] == 1


FILTERS: list[dict[str, Any]] = [
    {},
    {"n": 1},
    {"n": 1.0},
    {"n": None},
    {"n": True},
    {"n": "1"},
    {"tag": "x"},
    {"missing": None},
    {"n": {"$in": [1, "1", None]}},
    {"n": {"$in": []}},
    {"n": {"$nin": [1, 2]}},
    {"n": {"$gt": 1}},
    {"n": {"$gte": 2}},
    {"n": {"$lt": 2}},
    {"n": {"$lte": "1"}},
    {"n": {"$gte": None}},
    {"n": {"$lt": True}},
    {"tag": {"$gt": "Z"}},
    {"tag": {"$lt": "\U0001f600"}},
    {"n": {"$ne": 1}},
    {"missing": {"$ne": 1}},
    {"n": {"$ne": None}},
    {"$and": []},
    {"$or": []},
    {"$and": [{"n": {"$gt": 0}}, {"tag": "x"}]},
    {"$or": [{"n": 2}, {"tag": "\uffff"}]},
    {"tag": "x", "$or": [{"n": 1}, {"n": 2}]},
    {"metadata": {"n": 1}},
    {"a.b": 1},
]


def test_filters_select_the_same(deployment: Deployment, unique: Unique) -> None:
    index_name = unique("docs")
    metadata: list[dict[str, Any] | None] = [
        {"n": 1, "tag": "x"},
        {"n": 2, "tag": "y"},
        {"n": "1", "tag": "\uffff"},
        {"n": None, "tag": "\U0001f600"},
        {"n": True, "a.b": 1},
        {"n": False},
        {"n": "", "tag": "Z"},
        {"n": "two"},
        {},
        None,
    ]
    ids = [f"v{i}" for i in range(len(metadata))]
    with ConvexVector(deployment.url, deployment.admin_key) as vector:
        vector.create_index(index_name, 2)
        vector.upsert(index_name, [[1, 0]] * len(ids), ids=ids, metadata=metadata)
        ours = [
            sorted(match.id for match in vector.query(index_name, [1, 0], top_k=99, filter=where))
            for where in FILTERS
        ]
    queries = [
        {"indexName": index_name, "queryVector": [1, 0], "topK": 99, "filter": where}
        for where in FILTERS
    ]
    theirs = [
        sorted(hit["id"] for hit in hits)
        for hits in on(deployment, command="read", queries=queries)["queries"]
    ]
    for where, our, their in zip(FILTERS, ours, theirs, strict=True):
        assert our == their, where
