"""What filters cannot say: callers that judge each vector themselves, on every lane and face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra import InvalidArgumentError, VectorRecord
from tests.lanes import Clients, with_older_lanes

pytestmark = with_older_lanes

COUNT = 600


@pytest.fixture
def name(unique: Callable[[str], str]) -> str:
    return unique("index")


async def fill(clients: Clients, name: str) -> None:
    """Vectors ever farther from [1, 0], the first half of them marked."""
    await clients.vector.create_index(name, 2)
    await clients.vector.upsert(
        name,
        [[1.0, number / 100] for number in range(COUNT)],
        ids=[f"v{number:03}" for number in range(COUNT)],
        metadata=[
            {"n": number} if number % 2 else {"n": number, "first": number < 300}
            for number in range(COUNT)
        ],
    )
    clients.requests()


async def test_a_query_returns_top_k_of_what_was_accepted(clients: Clients, name: str) -> None:
    await fill(clients, name)
    seen: list[Any] = []

    def accept(vector_id: str, metadata: Any) -> bool:
        seen.append((vector_id, metadata))
        return int(vector_id[1:]) % 100 == 99

    matches = await clients.vector.query(name, [1, 0], top_k=3, accept=accept)
    assert [match.id for match in matches] == ["v099", "v199", "v299"]
    assert {"v000", "v299"} <= {vector_id for vector_id, _ in seen}
    assert dict(seen)["v001"] == {"n": 1}

    scored = await clients.vector.query(name, [1, 0], top_k=9, accept=accept, min_score=0.5)
    assert [match.id for match in scored] == ["v099"]
    filtered = await clients.vector.query(
        name, [1, 0], top_k=9, filter={"n": {"$lt": 250}}, accept=accept, include_vector=True
    )
    assert [(match.id, match.vector.tolist()) for match in filtered] == [
        ("v099", [1, 0.99]),
        ("v199", [1, 1.99]),
    ]
    assert await clients.vector.query(name, [1, 0], accept=lambda *_: False) == []


async def test_acceptance_that_rejects_nothing_costs_nothing(clients: Clients, name: str) -> None:
    await fill(clients, name)
    await clients.vector.query(name, [1, 0])
    clients.requests()
    await clients.vector.query(name, [1, 0])
    plain = sorted(clients.requests())
    await clients.vector.query(name, [1, 0], accept=lambda *_: True)
    assert sorted(clients.requests()) == plain


async def test_vectors_are_listed_as_first_written(clients: Clients, name: str) -> None:
    await fill(clients, name)
    records = await clients.vector.list_vectors(name)
    assert [record.id for record in records] == [f"v{number:03}" for number in range(COUNT)]
    assert isinstance(records[0], VectorRecord)
    assert records[7].vector.tolist() == [1, 0.07]
    assert records[7].metadata == {"n": 7}
    marked = await clients.vector.list_vectors(
        name, filter={"first": True}, accept=lambda vector_id, _: vector_id < "v006"
    )
    assert [record.id for record in marked] == ["v000", "v002", "v004"]
    assert await clients.vector.list_vectors("no such index") == []
    with pytest.raises(InvalidArgumentError, match=r"\$near"):
        await clients.vector.list_vectors(name, filter={"n": {"$near": 1}})
