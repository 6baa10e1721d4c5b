"""The interop scripts themselves: npm reads back what npm wrote, and no failure goes unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.node import NodeError, run_node
from tests.reference import ReferenceServer, start_reference_server

TIME = "2026-01-01T00:00:0{}.000Z"


@pytest.fixture(scope="module")
def server() -> Iterator[ReferenceServer]:
    with start_reference_server() as running:
        yield running


def message(number: int, role: str, text: str) -> dict[str, Any]:
    content = {"format": 2, "parts": [{"type": "text", "text": text}], "content": text}
    return {
        "id": f"m{number}",
        "threadId": "T",
        "resourceId": "R",
        "role": role,
        "type": "v2",
        "createdAt": TIME.format(number),
        "content": content,
    }


def test_npm_reads_what_npm_wrote(server: ReferenceServer) -> None:
    place = {"url": server.url, "key": server.admin_key}
    times = {"createdAt": TIME.format(0), "updatedAt": TIME.format(0)}
    messages = [message(1, "user", "hé 😀"), message(2, "assistant", "yes")]
    thread = {"id": "T", "resourceId": "R", "title": "t", "metadata": {"a": 1}, **times}
    resource = {"id": "R", "workingMemory": "# notes", "metadata": {}, **times}
    vectors = [
        {"id": "1", "vector": [1, 0, 0], "metadata": {"n": 1}},
        {"id": "2", "vector": [0, 1, 0.5]},
    ]
    written = run_node(
        "store.ts",
        {
            **place,
            "command": "write",
            "threads": [thread],
            "messages": messages,
            "resources": [resource],
            "indexes": [{"indexName": "docs", "dimension": 3, "vectors": vectors}],
        },
    )
    assert written == {"threads": 1, "messages": 2, "resources": 1, "vectors": 2}
    read = run_node(
        "store.ts",
        {
            **place,
            "command": "read",
            "threadIds": ["T", "missing"],
            "resourceIds": ["R", "missing"],
            "messageIds": ["m2", "missing"],
            "queries": [{"indexName": "docs", "queryVector": [1, 0, 0], "includeVector": True}],
        },
    )
    assert read["threads"]["T"]["metadata"] == {"a": 1}
    assert read["threads"]["missing"] is None
    assert read["messages"] == {"T": messages, "missing": []}
    assert read["recalled"] == {"T": messages}
    assert read["messagesById"] == messages[1:]
    assert [found["id"] for found in read["threadsByResource"]["R"]] == ["T"]
    assert read["messagesByResource"] == {"R": messages, "missing": []}
    assert read["resources"]["R"]["workingMemory"] == "# notes"
    assert read["resources"]["missing"] is None
    assert read["indexes"] == {"docs": {"dimension": 3, "count": 2, "metric": "cosine"}}
    assert read["queries"] == [
        [
            {"id": "1", "score": 1, "metadata": {"n": 1}, "vector": [1, 0, 0]},
            {"id": "2", "score": 0, "vector": [0, 1, 0.5]},
        ]
    ]


def test_every_form_of_a_plain_conversation() -> None:
    messages = [message(1, "user", "question"), message(2, "assistant", "answer")]
    forms = run_node("messagelist.ts", {"messages": messages})["forms"]
    assert {"db", "v1", "aiV4.core", "aiV5.model", "aiV6.ui", "aiV7.llmPrompt"} <= forms.keys()
    for name, form in forms.items():
        assert [item["role"] for item in form] == ["user", "assistant"], name
        assert "question" in str(form[0]), name
        assert "answer" in str(form[1]), name


def test_a_form_that_throws_is_reported_in_its_place() -> None:
    forms = run_node("messagelist.ts", {"messages": [message(1, "tool", "?")]})["forms"]
    assert forms["db"][0]["id"] == "m1"
    assert "Unsupported role" in forms["aiV5.model"]["error"]


def test_a_script_that_fails_raises(server: ReferenceServer) -> None:
    payload = {"url": server.url, "key": "wrong", "command": "read"}
    with pytest.raises(NodeError, match=r"(?s)store\.ts exited with 1:.*BadAdminKey"):
        run_node("store.ts", payload)
