"""The journal of a thread: what is added to stored rows, each addition a document of its own.

A row can be overwritten by another writer who read it before; an addition of the journal cannot.
It is written before the row is, and deleted when the row has held it for so long that nobody can
be about to overwrite the row from before. Called by ``conversation`` and ``continuation``; how
additions get into rows is in ``messages.additions``.

A partition of ``mastra_documents`` for each thread, listed in the order in which additions were
written; a document is ``{"row": id, "at": time, "messages": [LangChain's JSON]}`` under its id, and
has ``"resource": id`` where the writer knew whose the thread was: whoever deletes the thread in
Mastra leaves the journal, and the next to take its id may be somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from langchain_core.messages import message_to_dict, messages_from_dict

from convex_mastra.flow import Flow
from convex_mastra.jsontext import dumps, loads_or_none
from convex_mastra.ops import document_writes, documents
from convex_mastra.ops.partitions import name_part
from convex_mastra.ops.target import Target
from convex_mastra.timestamps import from_text, to_text
from langchain_convex_mastra.messages import Addition

KEPT: Final = timedelta(hours=1)
"""How long an addition stays after its row holds it. A writer that read the row before that may
still overwrite it, and none takes so long: a request is given up after minutes, retries included,
and clocks that disagree do so by less."""


def read_journal(target: Target, thread_id: str, resource_id: str | None) -> Flow[list[Addition]]:
    """Return the additions, in the order in which they were written.

    What this version cannot read is left where it is, and so is what was written to a thread of
    another resource; None reads that of all.

    Raises:
        ScanLimitError: it is larger than the deployment reads in one call.

    Cost: one round trip.
    """
    texts = yield from documents.list_documents(target, _partition(thread_id))
    found = (_read(addition_id, text, resource_id) for addition_id, text in texts.items())
    return [addition for addition in found if addition is not None]


def write_journal(
    target: Target, thread_id: str, resource_id: str | None, additions: Sequence[Addition]
) -> Flow[None]:
    """Write additions, in order. One round trip; more only beyond 4 MiB."""
    whose = {} if resource_id is None else {"resource": resource_id}
    texts = {
        addition.id: dumps(
            {
                "row": addition.row_id,
                "at": to_text(addition.at),
                "messages": [message_to_dict(message) for message in addition.messages],
                **whose,
            },
            "messages",
        )
        for addition in additions
    }
    if texts:
        yield from document_writes.put_many(target, _partition(thread_id), texts, in_order=True)


def prune_journal(target: Target, thread_id: str, additions: Sequence[Addition]) -> Flow[None]:
    """Delete additions. One round trip."""
    ids = [addition.id for addition in additions]
    # Unsplit: an addition is at most half of what a row holds.
    yield from documents.delete_many(target, _partition(thread_id), ids, unsplit=True)


def clear_journal(target: Target, thread_id: str) -> Flow[None]:
    """Delete all additions. Two round trips, and one for every 25 additions beyond the first."""
    yield from documents.clear(target, _partition(thread_id))


def _partition(thread_id: str) -> str:
    return f"langchain/turns/{name_part(thread_id)}"


def _read(addition_id: str, text: str, resource_id: str | None) -> Addition | None:
    stored: Any = loads_or_none(text)
    try:
        whose = stored.get("resource", resource_id)
        if resource_id not in (None, whose) or not isinstance(stored["row"], str):
            return None
        return Addition(
            addition_id,
            stored["row"],
            messages_from_dict(stored["messages"]),
            from_text(stored["at"], 0.0),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # written by a version to come, or by something else under our name
