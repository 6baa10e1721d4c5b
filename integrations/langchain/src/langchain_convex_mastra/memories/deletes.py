"""Deleting memories, those that are named and those that expired.

Values go before the rows that list them and once more after these, for a writer in between: what
can be read stays listed (ADR 14). Called by ``batches`` and, for what expired, by the faces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import documents
from convex_mastra.ops.storage import delete_rows, load_many
from langchain_convex_mastra.memories.layout import (
    Address,
    KeyRow,
    Namespace,
    Place,
    first_expiry_ms,
    key_row_of,
    key_rows,
    memory_of,
    put_key_rows,
)
from langchain_convex_mastra.memories.namespaces import (
    ALL,
    EXPIRING,
    list_flows,
    listed_under,
    take_off,
)
from langchain_convex_mastra.memories.reads import is_occupied
from langchain_convex_mastra.memories.stored import Stored, read_stored
from langchain_convex_mastra.memories.vectors import drop_versions, versions_of


def delete_memories(place: Place, addresses: Iterable[Address]) -> Flow[None]:
    """Delete memories and their vectors; those that do not exist are skipped.

    Cost: two requests a namespace to read what there is, three with an index; if there is
    something, five more, one after the other, and two if it has vectors.
    """
    found: defaultdict[Namespace, dict[str, Stored]] = defaultdict(dict)
    for (namespace, key), stored in (yield from read_stored(place, addresses)).items():
        if not stored.is_nothing:
            found[namespace][key] = stored
    yield Gather([_delete(place, namespace, some) for namespace, some in found.items()])


def _delete(place: Place, namespace: Namespace, some: dict[str, Stored]) -> Flow[None]:
    items = place.items(namespace)
    yield from documents.delete_many(place.target, items, some)
    yield from delete_rows(place.target, place.keys(namespace), list(some))
    yield from documents.delete_many(place.target, items, some)
    versions = [version for stored in some.values() for version in stored.versions]
    yield from drop_versions(place, namespace, versions)


def sweep(place: Place) -> Flow[int]:
    """Delete the memories that expired; return how many.

    Which these are stands in the rows beside them: no value is read. Only those namespaces are
    looked into in which something may expire.

    Cost: 16 round trips side by side, and one for each such namespace; where something expired,
    seven more.
    """
    lists = yield Gather(list_flows(place, (), EXPIRING))
    listed = listed_under((), lists)
    swept: list[tuple[int, bool]] = yield Gather([_sweep(place, one) for one in listed])
    calm = {
        one: when
        for (one, when), (_, goes_on) in zip(listed.items(), swept, strict=True)
        if not goes_on
    }
    yield from take_off(place, EXPIRING, calm, lambda one: _may_expire(place, one))
    occupied: list[bool] = yield Gather([is_occupied(place, one) for one in calm])
    empty = {one: calm[one] for one, is_kept in zip(calm, occupied, strict=True) if not is_kept}
    yield from take_off(place, ALL, empty, lambda one: is_occupied(place, one))
    return sum(count for count, _ in swept)


def _sweep(place: Place, namespace: Namespace) -> Flow[tuple[int, bool]]:
    """Sweep a namespace; return how many were deleted, and whether others may expire."""
    rows = yield from key_rows(place, namespace)
    expired = [row.key for row in rows.values() if row.is_expired(place.now_ms())]
    others = any(row.expires_ms is not None for key, row in rows.items() if key not in expired)
    if not expired:
        return 0, others
    # A stock deployment cannot delete on a condition: a memory is looked at again right before,
    # and one that is written meanwhile gets the row beside it back.
    versions, again = yield Gather(
        [
            versions_of(place, namespace),
            load_many(place.target, place.keys(namespace), expired),
        ]
    )
    keys = [row.key for row in map(key_row_of, again) if row.is_expired(place.now_ms())]
    items = place.items(namespace)
    yield from documents.delete_many(place.target, items, keys)
    yield from delete_rows(place.target, place.keys(namespace), keys)
    yield from drop_versions(
        place, namespace, [version for key in keys for version in versions.get(key, ())]
    )
    written = yield from documents.get_many(place.target, items, keys)
    if written:
        memories = [memory_of(text, key) for key, text in written.items()]
        kept = [KeyRow(memory.key, first_expiry_ms(memory)) for memory in memories]
        yield from put_key_rows(place, namespace, kept)
    return len(keys) - len(written), others or bool(written) or len(keys) < len(expired)


def _may_expire(place: Place, namespace: Namespace) -> Flow[bool]:
    rows = yield from key_rows(place, namespace)
    return any(row.expires_ms is not None for row in rows.values())
