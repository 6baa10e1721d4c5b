"""Messages, as MemoryConvex of @mastra/convex 1.5.2 has them and better, on every lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    DateRange,
    Include,
    InvalidArgumentError,
    LimitExceededError,
    Message,
    MessageUpdate,
    Resource,
    ScanLimitError,
    Thread,
)
from convex_mastra.records import text_content
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 0, UTC)
MILLISECOND = timedelta(milliseconds=1)
RICH = {
    "format": 2,
    "parts": [
        {"type": "step-start", "model": "mock/model"},
        {"type": "reasoning", "reasoning": "hm", "details": [{"type": "text", "text": "hm"}]},
        {
            "type": "tool-invocation",
            "toolInvocation": {
                "state": "result",
                "toolCallId": "c1",
                "toolName": "weather",
                "args": {"$ref": "Oslo", "größe": 2**60, "z": 1, "a": 1.0},
                "result": [None, True, "😀", "\ud800"],
            },
        },
        {"type": "data-of-a-newer-version", "data": {"x": [1, 2]}},
        {"type": "text", "text": "It is 1 °C."},
    ],
    "content": "It is 1 °C.",
    "metadata": {"modelId": "m", "unknownKey": {"deep": [1]}},
    "keyOfANewerVersion": 7,
}


async def save(clients: Clients, thread_id: str, count: int, resource_id: str = "r") -> list[Any]:
    messages = [
        Message.from_text(f"m{i}", thread_id=thread_id, resource_id=resource_id).replace(
            created_at=START + timedelta(seconds=i)
        )
        for i in range(count)
    ]
    saved: list[Any] = await clients.memory.save_messages(messages)
    return saved


def texts(page: Any) -> list[str]:
    return [message.text for message in page.messages]


async def test_a_message_comes_back_exactly(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    message = Message(
        id=unique("m"),
        thread_id=thread_id,
        resource_id="r",
        role="assistant",
        content=RICH,
        created_at=START,
    )
    assert await clients.memory.save_messages([message]) == [message]
    (found,) = (await clients.memory.list_messages(thread_id)).messages
    assert found == message
    assert list(found.content) == list(RICH), "the order of keys is kept"
    call = found.content["parts"][2]["toolInvocation"]
    assert [type(value) for value in call["args"].values()] == [str, int, int, float]


async def test_saving_touches_the_thread(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    before = Thread(id=thread_id, resource_id="r", created_at=START, updated_at=START)
    await clients.memory.save_thread(before)
    await save(clients, thread_id, 1)
    after = await clients.memory.get_thread_by_id(thread_id)
    assert after.updated_at > before.updated_at
    assert after.created_at == before.created_at
    assert await clients.memory.save_messages([]) == []


async def test_ties_are_spread_and_their_order_is_kept(clients: Clients, unique: Unique) -> None:
    thread_id, other = unique("t"), unique("t")
    messages = [
        Message.from_text(str(i), thread_id=t, resource_id="r").replace(created_at=START)
        for i, t in enumerate([thread_id, other, thread_id, thread_id])
    ]
    early = messages[0].replace(id=unique("m"), created_at=START - timedelta(hours=1))
    await clients.memory.save_messages([*messages, early])
    found = (await clients.memory.list_messages(thread_id)).messages
    assert [message.text for message in found] == ["0", "0", "2", "3"]
    assert [message.created_at for message in found] == [
        early.created_at,
        START,
        START + MILLISECOND,
        START + 2 * MILLISECOND,
    ]
    (alone,) = (await clients.memory.list_messages(other)).messages
    assert alone.created_at == START


async def test_one_save_follows_another(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    expected = []
    for i in range(12):
        many = [Message.from_text(f"{i}.{j}", thread_id=thread_id, resource_id="r") for j in (0, 1)]
        expected += [message.text for message in many]
        await clients.memory.save_messages(many)
    newest_first = await clients.memory.list_messages(thread_id, direction="DESC")
    assert texts(newest_first) == expected[::-1]
    moments = [message.created_at for message in newest_first.messages]
    assert len(set(moments)) == len(moments)


async def test_saves_side_by_side_do_not_tie(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    await asyncio.gather(
        *(
            clients.memory.save_messages(
                [Message.from_text(str(i), thread_id=thread_id, resource_id="r")]
            )
            for i in range(20)
        )
    )
    found = (await clients.memory.list_messages(thread_id)).messages
    assert len({message.created_at for message in found}) == len(found) == 20


async def test_pages(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    await save(clients, thread_id, 45)
    page = await clients.memory.list_messages(thread_id)
    assert (len(page.messages), page.total, page.per_page, page.has_more) == (40, 45, 40, True)
    page = await clients.memory.list_messages(thread_id, page=1)
    assert (texts(page)[0], len(page.messages), page.has_more) == ("m40", 5, False)
    page = await clients.memory.list_messages(thread_id, per_page=2, direction="DESC", page=1)
    assert texts(page) == ["m42", "m41"]
    page = await clients.memory.list_messages(thread_id, per_page=False, page=3)
    assert (len(page.messages), page.per_page, page.has_more) == (45, False, False)
    page = await clients.memory.list_messages(thread_id, per_page=0)
    assert (page.messages, page.total, page.has_more) == ([], 0, False)


async def test_filters(clients: Clients, unique: Unique) -> None:
    thread_id, other = unique("t"), unique("t")
    saved = await save(clients, thread_id, 4)
    await save(clients, other, 2, resource_id="s")
    await clients.memory.update_messages(
        [MessageUpdate(id=saved[2].id, content={"metadata": {"k": None, "n": 1}})]
    )

    async def found(*threads: str, **args: Any) -> list[str]:
        return texts(await clients.memory.list_messages(list(threads) or thread_id, **args))

    assert await found(thread_id, other) == ["m0", "m0", "m1", "m1", "m2", "m3"]
    assert await found(thread_id, other, resource_id="s") == ["m0", "m1"]
    second = START + timedelta(seconds=1)
    assert await found(date_range=DateRange(start=second)) == ["m1", "m2", "m3"]
    assert await found(date_range=DateRange(start=second, start_exclusive=True)) == ["m2", "m3"]
    assert await found(date_range=DateRange(end=second)) == ["m0", "m1"]
    assert await found(date_range=DateRange(end=second, end_exclusive=True)) == ["m0"]
    assert await found(metadata={"n": 1}) == ["m2"]
    assert await found(metadata={"k": None}) == ["m2"]
    assert await found(metadata={"absent": None}) == []
    assert await found(metadata={"n": True}) == []


async def test_a_resource_has_its_messages_over_all_threads(
    clients: Clients, unique: Unique
) -> None:
    resource_id = unique("r")
    for _ in range(2):
        await save(clients, unique("t"), 3, resource_id)
    await save(clients, unique("t"), 1, unique("r"))

    async def page_of(**args: Any) -> Any:
        return await clients.memory.list_messages_by_resource_id(resource_id, **args)

    page = await page_of(per_page=4)
    assert (texts(page), page.total, page.has_more) == (["m0", "m0", "m1", "m1"], 6, True)
    page = await page_of(per_page=2, direction="DESC")
    assert texts(page) == ["m2", "m2"]
    page = await page_of(per_page=3, direction="DESC")
    assert texts(page) == ["m1", "m2", "m2"], "the page is the newest, its messages oldest first"
    assert (await page_of(per_page=0)).has_more is True
    assert (await clients.memory.list_messages_by_resource_id("")).total == 0


async def test_included_messages_and_their_neighbours(clients: Clients, unique: Unique) -> None:
    thread_id, other, foreign = unique("t"), unique("t"), unique("t")
    await save(clients, thread_id, 3)
    others = await save(clients, other, 6)
    foreigners = await save(clients, foreign, 3, resource_id="someone else")
    include = [
        Include(id=others[3].id, with_previous_messages=2, with_next_messages=1),
        Include(id=foreigners[1].id, with_previous_messages=1),
        Include(id=unique("nobody")),
    ]
    page = await clients.memory.list_messages(
        thread_id, include=include, per_page=1, resource_id="r"
    )
    assert sorted(texts(page)) == ["m0", "m1", "m2", "m3", "m4"]
    assert {message.resource_id for message in page.messages} == {"r"}
    assert (page.total, page.has_more) == (3, True)
    page = await clients.memory.list_messages(thread_id, include=include, per_page=0)
    assert texts(page) == ["m0", "m1", "m1", "m2", "m3", "m4"]
    assert (page.total, page.has_more) == (0, False)
    for page_number, follows in ((0, True), (1, True), (2, False), (3, False)):
        page = await clients.memory.list_messages(
            thread_id, include=iter(include), per_page=1, page=page_number
        )
        assert page.has_more is follows, "whoever asks for the next page comes to an end"
    first = await clients.memory.list_messages(thread_id)
    rest = [Include(id=message.id) for message in first.messages[1:]]
    page = await clients.memory.list_messages(thread_id, include=rest, per_page=1)
    assert (len(page.messages), page.has_more) == (3, False), "nothing is left to ask for"
    alone = [Include(id=others[5].id)]
    page = await clients.memory.list_messages(thread_id, include=alone, per_page=False)
    assert texts(page) == ["m0", "m1", "m2", "m5"]


async def test_messages_by_id(clients: Clients, unique: Unique) -> None:
    saved = await save(clients, unique("t"), 25)
    ids = [message.id for message in reversed(saved)]
    clients.requests()
    assert await clients.memory.list_messages_by_id([*ids, ids[0], unique("x")]) == saved
    if clients.deployment.is_older:  # one by one, after it refused to load many
        assert clients.requests().count("load mastra_messages") == len(ids) + 1
    else:
        assert clients.requests() == ["loadMany mastra_messages"] * 3
    assert await clients.memory.list_messages_by_id([]) == []


async def test_updating_messages(clients: Clients, unique: Unique) -> None:
    thread_id, elsewhere = unique("t"), unique("t")
    message = Message(
        id=unique("m"), thread_id=thread_id, resource_id="r", role="assistant", content=RICH
    )
    (saved,) = await clients.memory.save_messages([message])
    updates = [
        {"id": message.id, "content": {"metadata": {"added": 1}}},
        {"id": unique("nobody"), "role": "user"},
        {"id": message.id, "thread_id": elsewhere, "resource_id": "s", "role": "user"},
    ]
    (updated,) = await clients.memory.update_messages(updates)
    assert updated.content == RICH | {"metadata": RICH["metadata"] | {"added": 1}}  # type: ignore[operator]
    assert (updated.thread_id, updated.resource_id, updated.role) == (elsewhere, "s", "user")
    assert updated.created_at == saved.created_at
    assert (await clients.memory.list_messages(elsewhere)).messages == [updated]
    assert (await clients.memory.list_messages(thread_id)).total == 0


@pytest.mark.parametrize("role", ["human", "tool"])
async def test_a_role_that_mastra_cannot_read_is_refused(
    clients: Clients, unique: Unique, role: str
) -> None:
    message = Message.from_text("x", thread_id=unique("t"), resource_id="r")
    await clients.memory.save_messages([message])
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.update_messages([{"id": message.id, "role": role}])
    assert caught.value.field == "updates[0].role"
    (found,) = await clients.memory.list_messages_by_id([message.id])
    assert found.role == "user"


async def test_updating_a_row_of_the_first_format(clients: Clients, unique: Unique) -> None:
    message = Message(
        id=unique("m"), thread_id=unique("t"), resource_id="r", role="user", content="hello"
    )
    await clients.memory.save_messages([message])
    (updated,) = await clients.memory.update_messages(
        [MessageUpdate(id=message.id, content={"metadata": {"a": 1}})]
    )
    assert updated.content == text_content("hello") | {"metadata": {"a": 1}}


async def test_deleting_messages(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    saved = await save(clients, thread_id, 4)
    await clients.memory.delete_messages([saved[0].id, saved[2].id, unique("nobody")])
    assert texts(await clients.memory.list_messages(thread_id)) == ["m1", "m3"]
    await clients.memory.delete_messages([])


async def test_large_saves_are_cut_into_batches(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    messages = [
        Message.from_text(f"{i}:" + "x" * 200_000, thread_id=thread_id, resource_id="r")
        for i in range(30)
    ]
    clients.requests()
    saved = await clients.memory.save_messages(messages)
    sent = clients.requests()
    assert sent.count("batchInsert mastra_messages") == 3, "12 MB in batches of at most 4 MiB"
    found = await clients.memory.list_messages(thread_id, per_page=False)
    assert [m.id for m in found.messages] == [m.id for m in saved] == [m.id for m in messages]


async def test_a_thread_too_large_to_be_read_is_not_cut_short(
    clients: Clients, unique: Unique
) -> None:
    thread_id = unique("t")
    messages = [
        Message.from_text("x" * 400_000, thread_id=thread_id, resource_id="r") for _ in range(25)
    ]
    await clients.memory.save_messages(messages)
    with pytest.raises(ScanLimitError):
        await clients.memory.list_messages(thread_id, per_page=1)
    await clients.memory.delete_thread(thread_id)
    assert (await clients.memory.list_messages(thread_id)).total == 0


async def test_a_message_beyond_a_document(clients: Clients, unique: Unique) -> None:
    thread_id = unique("t")
    small = Message.from_text("small", thread_id=thread_id, resource_id="r")
    large = Message.from_text("é" * 300_000, thread_id=thread_id, resource_id="r")
    clients.requests()
    with pytest.raises(LimitExceededError) as caught:
        await clients.memory.save_messages([small, large])
    assert (caught.value.field, caught.value.limit) == ("messages[1]", 1_048_576)
    assert caught.value.size > 1_200_000
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"thread_id": ""}, "messages[1].thread_id"),
        ({"resource_id": None}, "messages[1].resource_id"),
        ({"id": ""}, "messages[1].id"),
        ({"role": "human"}, "messages[1].role"),
        ({"role": "tool"}, "messages[1].role"),
        ({"content": None}, "messages[1].content"),
        ({"content": 42}, "messages[1].content"),
        ({"content": {"parts": []}}, "messages[1].content.format"),
        ({"content": {"format": "2", "parts": []}}, "messages[1].content.format"),
        ({"content": {"format": 2}}, "messages[1].content.parts"),
        ({"content": {"format": 2, "parts": [{"text": "x"}]}}, "messages[1].content.parts[0]"),
        ({"content": {"format": 2, "parts": [None]}}, "messages[1].content.parts[0]"),
        (
            {"content": {"format": 2, "parts": [{"type": "reasoning", "reasoning": "x"}]}},
            "messages[1].content.parts[0]",
        ),
        (
            {"content": {"format": 2, "parts": [{"type": "tool-invocation"}]}},
            "messages[1].content.parts[0]",
        ),
        ({"content": text_content("x") | {"n": float("inf")}}, "messages[1].content"),
        ({"created_at": datetime(2026, 1, 1)}, "messages[1].created_at"),  # noqa: DTZ001
        ({"created_at": "2026"}, "messages[1].created_at"),
    ],
)
async def test_refused_messages(clients: Clients, change: Any, field: str) -> None:
    good = Message.from_text("good", thread_id="t", resource_id="r")
    bad = Message.from_text("bad", thread_id="t", resource_id="r").replace(**change)
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.memory.save_messages([good, bad])
    assert caught.value.field == field
    assert clients.requests() == [], "nothing was sent"


@pytest.mark.parametrize("thread_id", ["", "  ", [], ["a", ""]])
async def test_refused_thread_ids(clients: Clients, thread_id: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="non-empty string or array") as caught:
        await clients.memory.list_messages(thread_id)
    assert caught.value.code == "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_INVALID_THREAD_ID"


async def test_ids_that_are_not_unicode(clients: Clients) -> None:
    memory, vector, bad = clients.memory, clients.vector, "id \ud800"
    for call in (
        memory.get_thread_by_id(bad),
        memory.list_threads(resource_id=bad),
        memory.list_messages([bad]),
        memory.list_messages_by_id([bad]),
        memory.delete_thread(bad),
        vector.create_index(bad, 3),
        vector.delete_vector("docs", bad),
    ):
        with pytest.raises(InvalidArgumentError, match="lone surrogate"):
            await call
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (
            lambda m: m.save_messages(Message.from_text("x", thread_id="t", resource_id="r")),
            "messages",
        ),
        (lambda m: m.save_messages(None), "messages"),
        (lambda m: m.update_messages({"id": "m"}), "updates"),
        (lambda m: m.update_messages(MessageUpdate(id="m")), "updates"),
        (lambda m: m.list_messages("t", include=Include(id="m")), "include"),
        (lambda m: m.delete_messages(None), "message_ids"),
        (lambda m: m.update_resource("r", working_memory={"a": 1}), "working_memory"),
        (lambda m: m.save_resource(Resource(id="r", working_memory=1)), "resource.working_memory"),
        (lambda m: m.update_thread("t", title=5), "title"),
    ],
)
async def test_one_where_many_are_wanted_and_other_wrong_types(
    clients: Clients, call: Callable[[Any], Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await call(clients.memory)
    assert caught.value.field == field
    assert clients.requests() == []


async def test_refused_pages_and_filters(clients: Clients) -> None:
    for args, text in [
        ({"page": -1}, "page must be >= 0"),
        ({"page": 1.5}, "page must be >= 0"),
        ({"per_page": -1}, "perPage must be >= 0"),
        ({"per_page": 1.5}, "perPage must be >= 0"),
        ({"metadata": []}, "Metadata filter must be an object."),
        ({"metadata": {"a b": 1}}, 'Invalid metadata filter key "a b".'),
        ({"metadata": {"a": [1]}}, 'Invalid metadata filter value for key "a".'),
        ({"metadata": {"a": float("nan")}}, 'Invalid metadata filter value for key "a".'),
        ({"include": [{"id": "m"}]}, "include[0] must be an Include, not dict."),
        ({"include": [Include(id="m", with_next_messages=-1)]}, "include[0] counts"),
        (
            {"date_range": {"start": START}},
            "date_range must be a convex_mastra.DateRange; it is of type dict.",
        ),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            await clients.memory.list_messages("t", **args)
        assert text in caught.value.message
    with pytest.raises(InvalidArgumentError, match="page must be >= 0") as caught:
        await clients.memory.list_messages_by_resource_id("r", page=-1)
    code = "MASTRA_STORAGE_CONVEX_LIST_MESSAGES_BY_RESOURCE_ID_INVALID_PAGE"
    assert caught.value.code == code
    assert clients.requests() == []
