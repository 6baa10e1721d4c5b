"""``store.inspect()`` on every lane: what is truly there is found, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convex_mastra import ConvexStore, Inspection, Message, Thread
from convex_mastra.ops.abilities import ABILITIES
from convex_mastra.wire import CACHE_FUNCTION, NATIVE_VECTOR_FUNCTIONS
from tests.lanes import Awaited, Clients, Deployment, older_lanes_only
from tests.reference import start_reference_server

Unique = Callable[[str], str]


async def inspect(clients: Clients) -> Inspection:
    found = await Awaited(clients.store).inspect()
    assert isinstance(found, Inspection)
    if clients.deployment.admin_key:
        assert clients.deployment.admin_key.partition("|")[2] not in f"{found} {found!r}"
    return found


async def test_what_is_there_is_found(clients: Clients) -> None:
    await clients.memory.list_threads(per_page=1)  # an embedded file exists from then on
    found = await inspect(clients)
    assert found.problems == ()
    assert (found.reachable, found.is_convex, found.ok) == (True, True, True)
    assert found.server_version
    assert found.storage_version == "1.4.0"
    assert found.abilities == {ability.name: True for ability in ABILITIES}
    assert found.functions[clients.deployment.storage_function] is True
    assert (found.function_listing, found.table_listing) == (True, True)
    has_key = clients.deployment.lane != "embedded"
    assert found.key_accepted is (True if has_key else None)
    if clients.deployment.lane != "live":
        assert all(found.functions[path] for path in (CACHE_FUNCTION, *NATIVE_VECTOR_FUNCTIONS))
        assert all(found.tables.values())
        assert found.streaming_export is False


@older_lanes_only
async def test_an_older_deployment(clients: Clients) -> None:
    found = await inspect(clients)
    assert [problem.code for problem in found.problems] == ["storage_outdated"]
    assert (found.reachable, found.key_accepted, found.storage_version) == (True, True, "1.0")
    assert found.abilities == {ability.name: False for ability in ABILITIES}
    assert found.functions[CACHE_FUNCTION] is False
    assert not found.tables["mastra_schedules"]
    assert found.tables["mastra_threads"]
    assert "1.4.0 or later" in str(found)


async def test_it_reads_a_dozen_things_and_writes_nothing(clients: Clients, unique: Unique) -> None:
    thread_id = unique("thread")
    await clients.memory.save_thread(Thread(id=thread_id, resource_id="r", title="Oslo"))
    await clients.memory.save_messages(
        [Message.from_text("Is it cold?", thread_id=thread_id, resource_id="r")]
    )
    clients.requests()
    await inspect(clients)
    requests = clients.requests()
    assert len(requests) == 11
    reads = {"GET", "load", "loadMany", "listDueSchedules", "omGetLatest", "patch"}
    assert {request.split()[0] for request in requests} <= {
        *reads,
        "_system/cli/tables:default",
        "_system/cli/modules:apiSpec",
    }
    page = await clients.memory.list_messages(thread_id)
    assert [message.text for message in page.messages] == ["Is it cold?"]


def test_no_row_is_changed() -> None:
    with start_reference_server() as server, ConvexStore(server.url, server.admin_key) as store:
        store.memory.save_thread(Thread(id="t", resource_id="r", title="Oslo"))
        before = server.rows()
        assert store.inspect().ok
        assert server.rows() == before
        assert sum(map(len, before.values())) == 1


def test_a_wrong_key(deployment: Deployment) -> None:
    if deployment.admin_key is None:
        return  # embedded: there are no keys
    name = deployment.admin_key.partition("|")[0]
    with ConvexStore(deployment.url, f"{name}|ffffffff") as store:
        found = store.inspect()
    codes: list[Any] = [problem.code for problem in found.problems]
    assert (codes, found.key_accepted) == (["key_refused"], False)
    assert "ffffffff" not in f"{found} {found!r}"
