"""Reading vectors by id, which Mastra's own client cannot, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convex_mastra import InvalidArgumentError
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

Unique = Callable[[str], str]


async def test_reading_by_id(clients: Clients, unique: Unique) -> None:
    name, other = unique("docs"), unique("docs")
    await clients.vector.create_index(name, 2)
    await clients.vector.create_index(other, 2)
    ids = [str(number) for number in range(25)]
    vectors = [[1.0, number] for number in range(25)]
    metadata = [{"n": number, "half": number / 2} for number in range(24)] + [None]
    await clients.vector.upsert(name, vectors, ids=ids, metadata=metadata)
    await clients.vector.upsert(other, [[9, 9]], ids=["elsewhere"])

    wanted = ["24", "missing", "3", "3", "elsewhere", *ids]
    found = await clients.vector.get_vectors(name, wanted)
    assert [record.id for record in found] == ["24", "3", *ids[:3], *ids[4:24]]
    assert (found[0].metadata, found[1].metadata) == (None, {"n": 3, "half": 1.5})
    assert found == await clients.vector.get_vectors(name, wanted)
    assert found[0] != found[1]
    assert type(found[1].metadata["n"]) is int
    assert found[1].vector.dtype == np.float64
    assert found[1].vector.tolist() == [1.0, 3.0]
    assert await clients.vector.get_vectors(name, []) == []
    assert await clients.vector.get_vectors(unique("undeclared"), ["1"]) == []


@pytest.mark.parametrize(
    ("name", "ids"), [("docs", "text"), ("docs", [""]), ("docs", [1]), ("", ["1"])]
)
async def test_refused_reads(clients: Clients, name: str, ids: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        await clients.vector.get_vectors(name, ids)
    assert clients.requests() == []
