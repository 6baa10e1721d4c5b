"""Texts under keys, on every lane, of both faces."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from convex_mastra import (
    AsyncConvexDocuments,
    ConvexDocuments,
    InvalidArgumentError,
    LimitExceededError,
    Options,
    ProtocolError,
    ScanLimitError,
    open_backend,
)
from convex_mastra.face import SyncClient, blocking
from convex_mastra.limits import SCAN_ROWS
from convex_mastra.ops.document_parts import PART_BYTES
from convex_mastra.ops.document_writes import put_many
from convex_mastra.ops.documents import clear
from convex_mastra.ops.storage import delete_rows, query_rows
from convex_mastra.ops.target import Target
from convex_mastra.wire import DOCUMENTS_LOAD_FUNCTION
from tests.lanes import FACES, Awaited, Deployment, with_older_lanes
from tests.stepping import orders, run_both, stepped

pytestmark = with_older_lanes

LARGE = "a\N{EURO SIGN}" * 500_000
"""2 MB, in which no part may end within a character."""


class Raw(SyncClient):
    """Rows as they are stored."""

    rows = blocking(query_rows)
    delete = blocking(delete_rows)


@dataclass
class Documents:
    face: Any
    raw: Raw
    partition: str
    events: list[Any]
    is_older: bool
    abilities: dict[str, bool]

    def requests(self) -> list[str]:
        operations = [event.operation for event in self.events]
        self.events.clear()
        return [operation.replace(self.partition, "P") for operation in operations]

    def rows_left(self) -> list[str]:
        """Ids of all rows of the partition, and of what belongs to it."""
        tables = [self.partition, f"{self.partition}#parts", f"{self.partition}#versions"]
        return [row["id"] for table in tables for row in self.raw.rows(table, {})]


@pytest_asyncio.fixture(params=FACES)
async def documents(
    request: pytest.FixtureRequest, deployment: Deployment, unique: Callable[[str], str]
) -> AsyncIterator[Documents]:
    events: list[Any] = []
    backend = open_backend(
        deployment.url, deployment.admin_key, options=Options(on_event=events.append)
    )
    function = deployment.storage_function
    face = ConvexDocuments if request.param == "sync" else AsyncConvexDocuments
    yield Documents(
        Awaited(face(backend=backend, storage_function=function)),
        Raw(backend=backend, storage_function=function),
        unique("texts/of a test"),
        events,
        deployment.is_older,
        backend.abilities,
    )
    await backend.aclose()


async def test_texts_come_back_in_the_order_asked_and_are_listed_as_first_written(
    documents: Documents,
) -> None:
    partition, face = documents.partition, documents.face
    texts = {"b": "1", "a": '{"$x": 1, "é": "\N{EURO SIGN}"}', "key with / and \N{EURO SIGN}": ""}
    await face.put_many(partition, texts)
    await face.put_many(partition, {"b": "2", "c": "3"})
    assert list((await face.get_many(partition, ["c", "none", "b"])).items()) == [
        ("c", "3"),
        ("b", "2"),
    ]
    assert list((await face.list_documents(partition)).items()) == [
        *(texts | {"b": "2"}).items(),
        ("c", "3"),
    ]
    await face.delete_many(partition, ["b", "none", "b"])
    assert set(await face.list_documents(partition)) == {*texts, "c"} - {"b"}
    await face.clear(partition)
    assert await face.list_documents(partition) == {}


async def test_partitions_do_not_see_each_other(documents: Documents) -> None:
    face, one, other = documents.face, documents.partition, documents.partition + "/other"
    await face.put_many(one, {"a": "1"})
    await face.put_many(other, {"a": "2"})
    assert await face.list_documents(one) == {"a": "1"}
    await face.clear(one)
    assert await face.get_many(other, ["a"]) == {"a": "2"}


async def test_many_texts_keep_their_order(documents: Documents) -> None:
    texts = {f"k{number}": "x" * 100 for number in range(2500)}
    await documents.face.put_many(documents.partition, texts, in_order=True)
    assert documents.requests() == ["batchInsert P"] * 3
    assert list(await documents.face.list_documents(documents.partition)) == list(texts)
    found = await documents.face.get_many(documents.partition, list(texts)[:95])
    assert len(found) == 95
    if documents.is_older:  # one by one, after it refused to load many
        assert documents.requests().count("load P") == 95
    else:
        assert documents.requests() == ["queryTable P", DOCUMENTS_LOAD_FUNCTION]
        documents.abilities[DOCUMENTS_LOAD_FUNCTION] = False
        assert await documents.face.get_many(documents.partition, list(texts)[:95]) == found
        assert documents.requests() == ["loadMany P"] * 10
    await documents.face.delete_many(documents.partition, list(texts))
    assert documents.requests() == ["queryTable P#versions", *["deleteMany P"] * 3]
    assert documents.rows_left() == []


async def test_a_text_larger_than_a_document(documents: Documents) -> None:
    face, partition = documents.face, documents.partition
    await face.put_many(partition, {"small": "1", "large": LARGE, "edge": "x" * (2**20 - 2000)})
    assert documents.requests()[-2:] == ["batchInsert P", "batchInsert P#versions"]
    found = await face.get_many(partition, ["large", "small", "edge"])
    assert (found["large"], found["small"]) == (LARGE, "1")
    assert (await face.list_documents(partition))["large"] == LARGE
    await face.put_many(partition, {"large": "y" * (2 * PART_BYTES)})
    assert (await face.get_many(partition, ["large"]))["large"] == "y" * (2 * PART_BYTES)
    assert len(documents.rows_left()) == 3 + 2 + 1
    await face.put_many(partition, {"large": "small now"})
    assert await face.get_many(partition, ["large"]) == {"large": "small now"}
    await face.delete_many(partition, ["large", "small", "edge"])
    assert documents.rows_left() == []


async def test_clearing_removes_parts_too(documents: Documents) -> None:
    await documents.face.put_many(documents.partition, {"large": LARGE})
    await documents.face.clear(documents.partition)
    assert documents.rows_left() == []


async def test_a_text_written_while_its_partition_is_cleared_is_whole_or_gone(
    deployment: Deployment, unique: Any
) -> None:
    """In every order of their requests on the embedded backend, in some of them elsewhere."""
    partition, text = unique("texts"), "x" * 1_100_000
    outcomes: Counter[int] = Counter()
    with closing(open_backend(deployment.url, deployment.admin_key)) as backend:
        function = deployment.storage_function
        target = Target(policy=backend.options.retry_policy(), storage_function=function)
        face = ConvexDocuments(backend=backend, storage_function=function)
        raw = Raw(backend=backend, storage_function=function)
        for order in orders(4, 5, every=1 if deployment.lane == "embedded" else 9):
            face.put_many(partition, {"old": text, "small": "1"})
            run_both(
                stepped(put_many(target, partition, {"new": text}), backend),
                stepped(clear(target, partition), backend),
                order,
            )
            left = face.list_documents(partition)
            assert left in ({}, {"new": text})
            outcomes[len(left)] += 1
            face.clear(partition)
            assert raw.rows(partition, {}) == []
            assert raw.rows(f"{partition}#versions", {}) == []
            assert raw.rows(f"{partition}#parts", {}) == []
    assert outcomes[0], "some were cleared"
    assert outcomes[1], "some came last"


async def test_writers_side_by_side_leave_one_whole_text(
    deployment: Deployment, unique: Any
) -> None:
    partition = unique("texts")
    async with AsyncConvexDocuments(deployment.url, deployment.admin_key) as face:
        versions = [str(number) * 1_200_000 for number in range(4)]
        await face.put_many(partition, {"k": versions[0]})

        async def read() -> None:
            for _ in range(6):
                assert (await face.get_many(partition, ["k"]))["k"] in versions

        writes = [face.put_many(partition, {"k": version}) for version in versions]
        await asyncio.gather(*writes, read(), read())
        assert (await face.get_many(partition, ["k"]))["k"] in versions


async def test_missing_parts_are_an_error_and_never_a_shorter_text(documents: Documents) -> None:
    await documents.face.put_many(documents.partition, {"k": LARGE})
    parts = f"{documents.partition}#parts"
    documents.raw.delete(parts, [documents.raw.rows(parts, {})[0]["id"]])
    with pytest.raises(ProtocolError, match="'k'"):
        await documents.face.get_many(documents.partition, ["k"])


async def test_a_partition_that_one_call_cannot_list_is_an_error(documents: Documents) -> None:
    texts = {f"k{number}": "" for number in range(SCAN_ROWS)}
    await documents.face.put_many(documents.partition, texts)
    with pytest.raises(ScanLimitError):
        await documents.face.list_documents(documents.partition)
    assert await documents.face.get_many(documents.partition, ["k9999"]) == {"k9999": ""}


@pytest.mark.parametrize(
    "partition", ["", "mastra_threads", "mastra_vector_x", "a#parts", "p" * 5000]
)
async def test_names_that_a_partition_cannot_have(documents: Documents, partition: str) -> None:
    with pytest.raises(InvalidArgumentError):
        await documents.face.put_many(partition, {"a": "1"})
    assert documents.requests() == []


async def test_what_cannot_be_stored_is_refused_before_anything_is_sent(
    documents: Documents,
) -> None:
    for texts in ({"ok": "1", "": "2"}, {"ok": "1", "lone": "\ud800"}):
        with pytest.raises(InvalidArgumentError):
            await documents.face.put_many(documents.partition, texts)
    with pytest.raises(LimitExceededError):
        await documents.face.put_many(documents.partition, {"k" * 2**20: "1"})
    assert documents.requests() == []
