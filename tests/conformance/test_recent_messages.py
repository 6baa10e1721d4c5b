"""The newest messages of a thread, by our function and by Mastra's handler, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import InvalidArgumentError, Message
from convex_mastra.wire import RECENT_MESSAGES_FUNCTION
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 0, UTC)
COUNT = 30
TIED = 4
"""Messages that share a millisecond with the one before: other writers may leave such."""


@pytest.fixture(params=["by our function", "by the handler"])
def route(request: pytest.FixtureRequest, clients: Clients) -> str:
    """How the rows are reached; the older lanes have only the handler."""
    if request.param == "by the handler":
        clients.store.backend.abilities[RECENT_MESSAGES_FUNCTION] = False
    return str(request.param)


async def fill(clients: Clients, unique: Unique) -> tuple[str, list[Any]]:
    thread_id = unique("t")
    messages = [
        Message.from_text(
            f"m{number}", thread_id=thread_id, resource_id="odd" if number % 2 else "even"
        ).replace(created_at=START + timedelta(seconds=number - number % 5 // TIED))
        for number in range(COUNT)
    ]
    other = Message.from_text("other", thread_id=unique("t"), resource_id="even")
    for saved in (messages[:20], messages[20:], [other]):
        await clients.memory.save_messages(saved)
    whole = await clients.memory.list_messages(thread_id, per_page=False)
    clients.requests()
    return thread_id, list(whole.messages)


@pytest.mark.usefixtures("route")
async def test_the_newest_come_oldest_first(clients: Clients, unique: Unique) -> None:
    thread_id, whole = await fill(clients, unique)
    recent = clients.memory.list_recent_messages
    assert await recent(thread_id, limit=10) == whole[-10:]
    assert await recent(thread_id, limit=1) == whole[-1:]
    assert await recent(thread_id) == whole
    assert await recent(thread_id, limit=4, offset=3) == whole[-7:-3]
    assert await recent(thread_id, limit=10, offset=COUNT - 2) == whole[:2]
    assert await recent(thread_id, limit=1, offset=COUNT) == []
    assert await recent(unique("nothing")) == []


@pytest.mark.usefixtures("route")
async def test_a_resource_sees_its_own(clients: Clients, unique: Unique) -> None:
    thread_id, whole = await fill(clients, unique)
    odd = [message for message in whole if message.resource_id == "odd"]
    recent = clients.memory.list_recent_messages
    assert await recent(thread_id, resource_id="odd", limit=3) == odd[-3:]
    assert await recent(thread_id, resource_id="odd", limit=3, offset=2) == odd[-5:-2]
    assert await recent(thread_id, resource_id="nobody") == []


async def test_what_it_costs(clients: Clients, unique: Unique, route: str) -> None:
    thread_id, _ = await fill(clients, unique)
    for _ in range(2):
        await clients.memory.list_recent_messages(thread_id, limit=2)
    sent = clients.requests()
    if route == "by the handler":
        assert sent == ["queryTable mastra_messages"] * 2
    elif clients.deployment.lane == "reference-1.0.6":
        assert sent == [RECENT_MESSAGES_FUNCTION, *["queryTable mastra_messages"] * 2]
    else:
        assert sent == [RECENT_MESSAGES_FUNCTION] * 2


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"thread_id": ""}, "thread_id"),
        ({"thread_id": 1}, "thread_id"),
        ({"resource_id": ""}, "resource_id"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 2.0}, "limit"),
        ({"offset": -1}, "offset"),
    ],
)
async def test_what_is_refused(clients: Clients, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.list_recent_messages(**{"thread_id": "t", **arguments})
    assert caught.value.field == field
    assert clients.requests() == []
