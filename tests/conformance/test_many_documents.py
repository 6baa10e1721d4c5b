"""``convex_mastra/documents:load``, ``:write`` and ``:remove``, and what is made of them, on every lane."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from convex_mastra import FunctionError, InvalidArgumentError, Options, limits, open_backend
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.ops import many_documents
from convex_mastra.ops.abilities import ask_own
from convex_mastra.ops.document_writes import put_each
from convex_mastra.ops.documents import delete_each, get_many, list_each
from convex_mastra.ops.storage import query_rows, upsert_rows
from convex_mastra.wire import (
    DOCUMENTS_LOAD_FUNCTION,
    DOCUMENTS_PAGE_FUNCTION,
    DOCUMENTS_RANGES_FUNCTION,
    DOCUMENTS_REMOVE_FUNCTION,
    DOCUMENTS_WRITE_FUNCTION,
    OWN_FUNCTIONS,
    FunctionCall,
)
from tests.lanes import FACES, Awaited, Deployment, with_older_lanes

pytestmark = with_older_lanes

LARGE = "€" * 400_000
"""1.2 MB."""


class Blocking(SyncClient):
    put_each = blocking(put_each)
    get_many = blocking(get_many)
    delete_each = blocking(delete_each)
    list_each = blocking(list_each)
    rows = blocking(query_rows)
    upsert = blocking(upsert_rows)
    write = blocking(many_documents.write_rows)
    load = blocking(many_documents.load_rows)
    ask = blocking(ask_own)


class Async(AsyncClient):
    put_each = nonblocking(put_each)
    get_many = nonblocking(get_many)
    delete_each = nonblocking(delete_each)
    list_each = nonblocking(list_each)
    rows = nonblocking(query_rows)
    upsert = nonblocking(upsert_rows)
    write = nonblocking(many_documents.write_rows)
    load = nonblocking(many_documents.load_rows)
    ask = nonblocking(ask_own)


class Places:
    """Partitions of a lane, and what was sent."""

    def __init__(self, deployment: Deployment, face: str, prefix: str) -> None:
        self.events: list[Any] = []
        self.backend = open_backend(
            deployment.url, deployment.admin_key, options=Options(on_event=self.events.append)
        )
        client = Blocking if face == "sync" else Async
        self.do = Awaited(
            client(backend=self.backend, storage_function=deployment.storage_function)
        )
        self.names = [f"{prefix}/{number}" for number in range(120)]
        self.has_ours = not deployment.is_older

    def requests(self) -> list[str]:
        """The operations sent since the last call that are not of a table beside a partition."""
        operations = [event.operation for event in self.events]
        self.events.clear()
        return [one for one in operations if "#" not in one]


@pytest_asyncio.fixture(params=FACES)
async def places(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Callable[[str], str]
) -> AsyncIterator[Places]:
    opened = Places(deployment, request.param, unique("many"))
    yield opened
    await opened.backend.aclose()


@pytest.mark.parametrize("has_ours", [True, False], ids=["ours", "mastras"])
async def test_texts_of_many_partitions(places: Places, has_ours: bool) -> None:
    if not has_ours:
        places.backend.abilities.update(dict.fromkeys(OWN_FUNCTIONS, False))
    texts = {name: {f"k{n}": f"{name} {n}" for n in range(3)} for name in places.names}
    texts[places.names[7]]["large"] = LARGE
    await places.do.put_each(texts)
    await places.do.put_each({name: {"k1": "new"} for name in places.names}, in_order=True)
    for name in places.names:
        texts[name]["k1"] = "new"
    places.requests()
    names = [*places.names, f"{places.names[0]}/empty"]
    listed = await places.do.list_each(names)
    assert dict(zip(names, listed, strict=True)) == {**texts, names[-1]: {}}
    assert [list(one) for one in listed] == [*map(list, texts.values()), []]
    sent = places.requests()
    if has_ours and places.has_ours:
        assert sent.count(DOCUMENTS_RANGES_FUNCTION) == len(sent) - sum(
            one.startswith("loadMany") for one in sent
        )
        assert sent.count(DOCUMENTS_RANGES_FUNCTION) <= 3
    else:
        assert sum(one.startswith("queryTable") for one in sent) == len(names)


async def test_partitions_share_requests(places: Places) -> None:
    texts = {name: {f"k{n}": "x" for n in range(20)} for name in places.names}
    await places.do.put_each(texts)
    sent = places.requests()
    if places.has_ours:
        assert sent == [DOCUMENTS_WRITE_FUNCTION] * 3  # 2,400 rows
        (keys,) = {tuple(some) for some in texts.values()}
        await places.do.get_many(places.names[0], keys)
        assert places.requests() == [DOCUMENTS_LOAD_FUNCTION]
    else:
        # Each of the batches may have found out that the function is missing.
        assert 1 <= sent.count(DOCUMENTS_WRITE_FUNCTION) <= 3
        assert len(sent) - sent.count(DOCUMENTS_WRITE_FUNCTION) == len(places.names)
        await places.do.put_each(texts)
        assert DOCUMENTS_WRITE_FUNCTION not in places.requests()


async def test_texts_of_many_partitions_are_deleted(places: Places) -> None:
    keys = [f"k{n}" for n in range(20)]
    await places.do.put_each({name: dict.fromkeys(keys, "x") for name in places.names})
    places.requests()
    gone = {name: [*keys[:10], "none", keys[0]] for name in places.names}
    for _ in range(2):
        await places.do.delete_each(gone)
        sent = places.requests()
        if places.has_ours:
            assert sent == [DOCUMENTS_REMOVE_FUNCTION] * 2  # 1,320 keys
        else:
            assert len([one for one in sent if one.startswith("deleteMany")]) == len(places.names)
    for listed in await places.do.list_each(places.names):
        assert list(listed) == keys[10:]
    await places.do.delete_each({})
    await places.do.delete_each({places.names[0]: [], places.names[1]: []})
    for wrong in ({places.names[0]: ["a"], places.names[1]: [""]}, {"a#b": ["a"], "c": ["a"]}):
        with pytest.raises(InvalidArgumentError):
            await places.do.delete_each(wrong)
    assert len(await places.do.rows(places.names[0], {})) == 10


async def test_nothing_is_sent_of_what_cannot_all_be_stored(places: Places) -> None:
    for wrong in ({"": "no key"}, {"lone": "\ud800"}, {"k": 7}):
        with pytest.raises(InvalidArgumentError):
            await places.do.put_each({places.names[0]: {"k": "v"}, places.names[1]: wrong})
    with pytest.raises(InvalidArgumentError, match="Mastra's"):
        await places.do.put_each({places.names[0]: {"k": "v"}, "mastra_threads": {"k": "v"}})
    with pytest.raises(InvalidArgumentError, match="divides"):
        await places.do.list_each([places.names[0], "a#b"])
    assert places.requests() == []


async def test_the_rows_are_those_of_mastras_own(places: Places) -> None:
    """Order of creation, replaced records, records of one id."""
    if not places.has_ours:
        assert await places.do.write([[("p", {"id": "a"})]], in_order=True) is False
        assert await places.do.load("p", ["a"]) is None
        return
    ours, theirs = places.names[:2]
    writes: list[list[dict[str, Any]]] = [
        [{"id": "b", "json": "1"}, {"id": "a", "n": 1.5}, {"id": "é", "json": "3"}],
        [{"id": "a", "json": "4"}, {"id": "c"}, {"id": "c", "json": "5"}, {"id": "b", "x": None}],
        [{"id": f"k{number}"} for number in range(60)],
    ]
    for rows in writes:
        await places.do.write([[(ours, row) for row in rows]], in_order=True)
        await places.do.upsert(theirs, [rows])
    assert await places.do.rows(ours, {}) == await places.do.rows(theirs, {})
    found = await places.do.load(ours, ["k7", "none", "c", "a"])
    assert [row["id"] for row in found] == ["k7", "c", "a"]
    # Mastra's handler finds them by key, and replaces them.
    await places.do.upsert(ours, [[{"id": "c", "json": "6"}]])
    assert (await places.do.load(ours, ["c"])) == [{"id": "c", "json": "6"}]


async def test_a_write_is_applied_whole_or_not_at_all(places: Places) -> None:
    if not places.has_ours:
        return
    wrong: list[Any] = [
        {"tables": [{"table": places.names[0], "records": [{"id": "a"}, {"id": ""}]}]},
        {"tables": [{"table": places.names[0], "records": [{"id": "a"}, {"id": 1.0}]}]},
        {
            "tables": [
                {"table": places.names[0], "records": [{"id": "a"}]},
                {"table": places.names[1], "records": [{"no": "id"}]},
            ]
        },
        {"tables": [{"table": 1.0, "records": []}]},
        {"tables": [{"table": places.names[0]}]},
        {"tables": "none"},
    ]
    for args in wrong:
        call = FunctionCall("mutation", DOCUMENTS_WRITE_FUNCTION, args, "write", True)
        with pytest.raises(FunctionError):
            places.backend.send(call)
    await places.do.upsert(places.names[2], [[{"id": "a"}]])
    kept = {"table": places.names[2], "keys": ["a"]}
    for args in (
        {"tables": [kept, {"table": places.names[0]}]},
        {"tables": [kept, {"table": 1.0, "keys": []}]},
        {"tables": [kept, {"table": places.names[0], "keys": [1.0]}]},
        {"tables": None},
    ):
        call = FunctionCall("mutation", DOCUMENTS_REMOVE_FUNCTION, args, "remove", True)
        with pytest.raises(FunctionError):
            places.backend.send(call)
    assert await places.do.rows(places.names[2], {}) == [{"id": "a"}]
    for args in ({"table": places.names[0]}, {"table": 1.0, "keys": []}, {"keys": ["a"]}):
        with pytest.raises(FunctionError):
            await places.do.ask(DOCUMENTS_LOAD_FUNCTION, args)
    assert await places.do.rows(places.names[0], {}) == []


class Hiding:
    """A deployment that hides error texts, and on which our functions do not fit into a call."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.hidden: list[str] = []
        inner.abilities.update(dict.fromkeys(OWN_FUNCTIONS, True))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _check(self, request: FunctionCall) -> None:
        too_large = request.path != DOCUMENTS_PAGE_FUNCTION or request.args["limit"] > 3
        if request.path in OWN_FUNCTIONS and too_large:
            self.hidden.append(request.path)
            raise FunctionError("Server Error", hidden=True, operation=request.label)

    def send(self, request: FunctionCall, /) -> Any:
        self._check(request)
        return self._inner.send(request)

    async def asend(self, request: FunctionCall, /) -> Any:
        self._check(request)
        return await self._inner.asend(request)


async def test_mastras_handler_is_asked_where_ours_fails_for_a_hidden_reason(
    places: Places, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not places.has_ours:
        return
    hiding: Any = Hiding(places.backend)
    face = Awaited(
        type(places.do.face)(backend=hiding, storage_function=deployment.storage_function)
    )
    names, keys = places.names[:3], [f"k{number}" for number in range(12)]
    texts = {name: {key: f"{name} {key}" for key in keys} for name in names}
    await face.put_each(texts)
    assert await face.list_each(names) == list(texts.values())
    assert await face.get_many(names[0], keys) == texts[names[0]]
    await face.delete_each(dict.fromkeys(names, keys[:5]))
    assert [list(one) for one in await face.list_each(names)] == [keys[5:]] * 3
    assert set(hiding.hidden) == {
        DOCUMENTS_WRITE_FUNCTION,
        DOCUMENTS_RANGES_FUNCTION,
        DOCUMENTS_LOAD_FUNCTION,
        DOCUMENTS_REMOVE_FUNCTION,
    }
    hiding.hidden.clear()
    monkeypatch.setattr(limits, "SCAN_ROWS", 5)
    monkeypatch.setattr(limits, "DOCUMENT_PAGE_ROWS", 8)
    assert [list(one) for one in await face.list_each(names[:1])] == [keys[5:]]
    assert hiding.hidden == [DOCUMENTS_PAGE_FUNCTION] * 2
