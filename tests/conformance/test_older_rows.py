"""Rows as older versions wrote them: read, changed without a loss, and never doubled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import InvalidArgumentError, MessageUpdate
from convex_mastra.face import SyncClient, blocking
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.storage import query_rows
from convex_mastra.records import text_content
from convex_mastra.wire import MESSAGES, RESOURCES, THREADS
from tests.lanes import Clients, with_older_lanes

Unique = Callable[[str], str]
pytestmark = with_older_lanes
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
TEXT = "2026-01-02T03:04:05.678Z"
CALL = {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "args": {"city": "Oslo"}}
RESULT = {"type": "tool-result", "toolCallId": "c1", "toolName": "weather", "result": {"t": 1}}


class Raw(SyncClient):
    """Rows as they are stored."""

    call = blocking(call_storage)
    rows = blocking(query_rows)


def raw_of(clients: Clients) -> Raw:
    return Raw(backend=clients.store.backend, storage_function=clients.deployment.storage_function)


def seed(clients: Clients, thread_id: str, *rows: dict[str, Any]) -> list[str]:
    """Insert messages as an older version's client did, and return their ids."""
    whole = [
        {"id": f"{thread_id}/{number}", "thread_id": thread_id, "createdAt": TEXT, **row}
        for number, row in enumerate(rows)
    ]
    for row in whole:
        raw_of(clients).call("insert", MESSAGES, record=row)
    return [row["id"] for row in whole]


async def test_messages_of_the_first_format_are_read(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    seed(
        clients,
        thread_id,
        {"role": "user", "type": "text", "content": "42"},
        {"role": "assistant", "type": "tool-call", "content": json.dumps([CALL])},
        {"role": "tool", "type": "tool-result", "content": json.dumps([RESULT])},
        {"role": "assistant", "type": "text", "content": json.dumps("It is 1 °C.")},
    )
    found = (await clients.memory.list_messages(thread_id)).messages
    assert [message.content for message in found] == ["42", [CALL], [RESULT], "It is 1 °C."]
    assert [message.type for message in found] == ["text", "tool-call", "tool-result", "text"]
    assert [message.role for message in found] == ["user", "assistant", "tool", "assistant"]
    assert {message.created_at for message in found} == {START}
    assert {message.resource_id for message in found} == {None}


async def test_changing_them_brings_them_to_the_second(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    ids = seed(
        clients,
        thread_id,
        {"role": "user", "type": "text", "content": "hello"},
        {"role": "assistant", "type": "tool-call", "content": json.dumps([CALL])},
        {"role": "tool", "type": "tool-result", "content": json.dumps([RESULT])},
        {"role": "signal", "type": "user", "content": "psst"},
    )
    about: dict[str, Any] = {"metadata": {"seen": True}}
    await clients.memory.update_messages([MessageUpdate(id=one, content=about) for one in ids])
    found = (await clients.memory.list_messages(thread_id)).messages
    assert [message.id for message in found] == ids, "changed, not doubled"
    assert [(message.role, message.type) for message in found] == [
        ("user", "v2"),
        ("assistant", "v2"),
        ("assistant", "v2"),
        ("signal", "user"),
    ]
    call = {"state": "call", "toolCallId": "c1", "toolName": "weather", "args": {"city": "Oslo"}}
    result = call | {"state": "result", "args": {}, "result": {"t": 1}}
    assert [message.content for message in found] == [
        text_content("hello") | about,
        {"format": 2, "parts": [{"type": "tool-invocation", "toolInvocation": call}]} | about,
        {"format": 2, "parts": [{"type": "tool-invocation", "toolInvocation": result}]} | about,
        text_content("psst") | about,
    ]
    assert {message.created_at for message in found} == {START}


async def test_moving_them_leaves_their_content(clients: Clients, unique: Unique) -> None:
    thread_id, elsewhere = unique("t"), unique("t")
    content = json.dumps([RESULT, {"type": "image_url", "image_url": {"url": "https://x.y"}}])
    (one,) = seed(clients, thread_id, {"role": "tool", "type": "tool-result", "content": content})
    await clients.memory.update_messages([{"id": one, "thread_id": elsewhere, "resource_id": "r"}])
    (row,) = raw_of(clients).rows(MESSAGES, {"thread_id": elsewhere})
    assert (row["content"], row["role"], row["type"]) == (content, "tool", "tool-result")
    assert (row["createdAt"], row["resourceId"]) == (TEXT, "r")
    assert (await clients.memory.list_messages(thread_id)).total == 0


async def test_a_change_that_would_lose_a_part_is_refused(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    content = json.dumps([{"text": "no type"}])
    (one,) = seed(clients, thread_id, {"role": "user", "type": "text", "content": content})
    with pytest.raises(InvalidArgumentError, match=r"parts\[0\] needs a type"):
        await clients.memory.update_messages([{"id": one, "content": {"metadata": {}}}])
    (row,) = raw_of(clients).rows(MESSAGES, {"thread_id": thread_id})
    assert row["content"] == content


async def test_metadata_is_changed_whatever_the_parts_are(clients: Clients, unique: Unique) -> None:
    parts = [{"text": "no type"}, {"type": "reasoning"}]
    content = {"format": 2, "parts": parts, "metadata": {"a": 1}}
    row = {"role": "assistant", "type": "v2", "content": json.dumps(content)}
    (message_id,) = seed(clients, unique("t"), row)
    (changed,) = await clients.memory.update_messages(
        [{"id": message_id, "content": {"metadata": {"b": 2}}}]
    )
    assert changed.content == {**content, "metadata": {"a": 1, "b": 2}}
    with pytest.raises(InvalidArgumentError, match="needs a type"):
        await clients.memory.update_messages([{"id": message_id, "content": {"parts": parts}}])


async def test_times_of_other_forms(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    milliseconds = int(START.timestamp() * 1000)
    forms = {
        str(milliseconds + 1000): START + timedelta(seconds=1),
        "2026-01-02T05:04:07.678001+02:00": START + timedelta(seconds=2, microseconds=1),
        "2026-01-02 03:04:08.678": START + timedelta(seconds=3),
        "1712010112345": datetime(2024, 4, 1, 22, 21, 52, 345_000, UTC),  # not the year 1712
    }
    base = {"role": "user", "type": "v2", "content": json.dumps(text_content("x"))}
    ids = seed(
        clients,
        thread_id,
        *({**base, "createdAt": form} for form in forms),
        {**base, "createdAt": "yesterday"},
    )
    page = await clients.memory.list_messages(thread_id, per_page=False)
    moments = {message.id: message.created_at for message in page.messages}
    assert [moments[one] for one in ids[:-1]] == list(forms.values())
    assert abs(moments[ids[-1]] - datetime.now(UTC)) < timedelta(hours=1), "when it was written"
    assert [message.created_at for message in page.messages] == sorted(moments.values())
    await clients.memory.update_messages([{"id": one, "role": "assistant"} for one in ids])
    rows = raw_of(clients).rows(MESSAGES, {"thread_id": thread_id})
    assert {row["createdAt"] for row in rows} == {*forms, "yesterday"}
    assert {row["role"] for row in rows} == {"assistant"}


async def test_metadata_as_text(clients: Clients, unique: Unique) -> None:
    thread_id, broken = unique("t"), unique("t")
    row = {"resourceId": unique("r"), "title": "x", "createdAt": TEXT, "updatedAt": TEXT}
    raw = raw_of(clients)
    raw.call("insert", THREADS, record={"id": thread_id, **row, "metadata": '{"a": {"b": 1}}'})
    raw.call("insert", THREADS, record={"id": broken, **row, "metadata": "{"})
    page = await clients.memory.list_threads(resource_id=row["resourceId"], direction="ASC")
    found = {thread.id: thread.metadata for thread in page.threads}
    assert found == {thread_id: {"a": {"b": 1}}, broken: {}}
    updated = await clients.memory.update_thread(thread_id, metadata={"c": 2})
    assert updated.metadata == {"a": {"b": 1}, "c": 2}
    assert await clients.memory.get_thread_by_id(thread_id) == updated
    assert (await clients.memory.list_threads(resource_id=row["resourceId"])).total == 2


async def test_metadata_of_a_resource_as_text(clients: Clients, unique: Unique) -> None:
    resource_id = unique("r")
    row = {"id": resource_id, "metadata": '{"a": 1}', "createdAt": TEXT, "updatedAt": TEXT}
    raw_of(clients).call("insert", RESOURCES, record=row)
    assert (await clients.memory.get_resource_by_id(resource_id)).metadata == {"a": 1}
    updated = await clients.memory.update_resource(resource_id, metadata={"b": 2})
    assert (updated.metadata, updated.created_at) == ({"a": 1, "b": 2}, START)
    assert await clients.memory.get_resource_by_id(resource_id) == updated
