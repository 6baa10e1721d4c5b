"""Which threads there are, which namespaces they have, and which places a run has written.

Tiny rows, written before the first checkpoint they lead to and deleted after the last, so that what is
stored can always be found. They never hold state. A thread's row says by its key whether the thread
has subgraph namespaces, so that the namespaces of most threads cost nothing to list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.long_partitions import list_rows
from convex_mastra.ops.partitions import SHARDS, name_part
from convex_mastra.ops.storage import delete_rows, load_many, upsert_rows
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints import layout
from langchain_convex_mastra.checkpoints.blobs import text_of
from langchain_convex_mastra.checkpoints.layout import Place
from langchain_convex_mastra.checkpoints.strict import read_json, text

ROOT: Final = ""
"""The namespace that every thread has."""


def list_place(target: Target, place: Place) -> list[Flow[Any]]:
    """The flows that list a place: they may run side by side."""
    thread = name_part(place.thread)
    rows: list[Row] = [{"id": f"t/{thread}", "json": text_of(place.thread)}]
    flows = []
    if place.namespace != ROOT:
        rows.append({"id": f"s/{thread}", "json": text_of(place.thread)})
        row: Row = {"id": name_part(place.namespace), "json": text_of(place.namespace)}
        partition = layout.namespaces(place.thread, layout.shard(place.namespace))
        flows.append(upsert_rows(target, partition, [[row]]))
    flows.append(upsert_rows(target, layout.threads(layout.shard(place.thread)), [rows]))
    return flows


def list_run(target: Target, run_id: str, place: Place) -> Flow[None]:
    """List a place for a run. One round trip."""
    row: Row = {"id": place.key, "json": text_of([place.thread, place.namespace])}
    yield from upsert_rows(target, layout.runs(run_id), [[row]])


def all_threads(target: Target) -> Flow[list[tuple[str, bool]]]:
    """Return every thread, and whether it has subgraph namespaces.

    Raises:
        ScanLimitError: a stock deployment, and a sixteenth of them has 10,000 rows or more.

    Cost: sixteen round trips, side by side.
    """
    found: list[list[Row]] = yield Gather(
        [list_rows(target, layout.threads(shard)) for shard in SHARDS]
    )
    rows = [row for part in found for row in part]
    nested = {row["id"][2:] for row in rows if row["id"].startswith("s/")}
    return [
        (read_json(row, text), row["id"][2:] in nested)
        for row in rows
        if row["id"].startswith("t/")
    ]


def places_of(target: Target, thread: str, *, nested: bool | None = None) -> Flow[list[Place]]:
    """Return the places of a thread, the root first, whether or not there is anything in them.

    Args:
        nested: whether it has subgraph namespaces, where that is known.

    Cost: one round trip; of a thread with subgraph namespaces sixteen more, side by side.
    """
    if nested is None:
        row_id = f"s/{name_part(thread)}"
        partition = layout.threads(layout.shard(thread))
        nested = bool((yield from load_many(target, partition, [row_id])))
    places = [Place(thread, ROOT)]
    if nested:
        found: list[list[Row]] = yield Gather(
            [list_rows(target, layout.namespaces(thread, shard)) for shard in SHARDS]
        )
        places += [Place(thread, read_json(row, text)) for part in found for row in part]
    return places


def places_of_run(target: Target, run_id: str) -> Flow[list[Place]]:
    """Return the places that a run has written. One round trip."""
    rows = yield from list_rows(target, layout.runs(run_id))
    return [read_json(row, _place) for row in rows]


def unlist_namespaces(target: Target, places: Iterable[Place]) -> Flow[None]:
    """Take subgraph namespaces of one thread off its list."""
    by_partition: dict[str, list[str]] = {}
    for place in places:
        if place.namespace != ROOT:
            partition = layout.namespaces(place.thread, layout.shard(place.namespace))
            by_partition.setdefault(partition, []).append(name_part(place.namespace))
    yield Gather([delete_rows(target, table, ids) for table, ids in by_partition.items()])


def unlist_thread(target: Target, thread: str) -> Flow[None]:
    """Take a thread off the list. One round trip."""
    ids = [f"t/{name_part(thread)}", f"s/{name_part(thread)}"]
    yield from delete_rows(target, layout.threads(layout.shard(thread)), ids)


def unlist_runs(target: Target, run_ids: Iterable[str], place: Place) -> Flow[None]:
    """Take a place off the lists of runs. A round trip for each, side by side."""
    yield Gather([delete_rows(target, layout.runs(run_id), [place.key]) for run_id in run_ids])


def forget_run(target: Target, run_id: str) -> Flow[None]:
    """Delete the list of a run."""
    yield from clear_table(target, layout.runs(run_id))


def _place(names: Any) -> Place:
    thread, namespace = map(text, names)
    return Place(thread, namespace)
