"""Continuing stored rows, so that writers side by side lose nothing of each other.

The stock handler has no compare-and-set: a row that is read, extended and written back may
overwrite what another writer did in between. So every addition is first put into the journal; then
the row is written with all of the journal in it, and read again together with the journal, until
it holds everything (ADR 15). Called by ``adding``.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from convex_mastra import Message, OutcomeUnknownError
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops.message_writes import save_messages
from convex_mastra.ops.messages import list_messages_by_id
from convex_mastra.ops.target import Target
from langchain_convex_mastra.journal import KEPT, prune_journal, read_journal, write_journal
from langchain_convex_mastra.messages import Addition, Settled, own_row, settle

ATTEMPTS: Final = 20
"""How often a row is written because others overwrote it. Each of them does so once for every
message of its own, so this is beyond what writers of one turn do."""
WAIT_INITIAL_S: Final = 0.02
WAIT_MAX_S: Final = 1.0


@dataclass
class Continuation:
    """Rows that are being continued, and the journal, as they were last read.

    Attributes:
        resource_id: whose rows that have no owner become.
        reader: whose additions are read and written; None: everybody's.
        own: the additions of this writer.
        row_ids: the rows that must hold their part of the journal.
        rows: those of them that exist, by id.
        journal: the additions of all writers, to any row of the thread, as they were written.
        obsolete: those that may be deleted.
    """

    thread_id: str
    resource_id: str
    reader: str | None
    own: Sequence[Addition]
    row_ids: set[str]
    rows: dict[str, Message] = field(default_factory=dict)
    journal: list[Addition] = field(default_factory=list)
    obsolete: list[Addition] = field(default_factory=list)

    def lacking(self) -> Settled:
        """What is to be written so that the rows hold the journal."""
        own = {addition.id: addition for addition in self.own}
        journal = {addition.id: addition for addition in self.journal} | own
        return settle(self.rows, journal.values(), resource_id=self.resource_id, own=own)


def begin(target: Target, continuation: Continuation) -> Flow[None]:
    """Write the journal, and read it and the rows. One round trip."""
    writing = write_journal(target, continuation.thread_id, continuation.reader, continuation.own)
    yield from _read(target, continuation, writing)


def due(target: Target, continuation: Continuation) -> Flow[list[Message]]:
    """Return the rows to be saved so that they hold the journal; none if they do.

    Additions that have no place in their row are saved here, before their row notes them.

    Cost: nothing; two round trips in the rare case that a row has no place.
    """
    while True:
        settled = continuation.lacking()
        unseen = {addition.id for addition in settled.apart} - continuation.row_ids
        if not unseen:
            break
        continuation.row_ids |= unseen  # perhaps another writer saved them, and they went on
        yield from _read(target, continuation)
    apart = [
        own_row(
            addition,
            thread_id=continuation.thread_id,
            resource_id=continuation.resource_id,
        )
        for addition in settled.apart
    ]
    saved = yield from save_messages(target, apart)
    continuation.rows |= {row.id: row for row in saved}
    return settled.rows


def look_back(target: Target, continuation: Continuation) -> Flow[None]:
    """Learn which old additions are obsolete, and which rows lack one.

    Cost: one round trip if there are old additions to other rows, else nothing.
    """
    before = target.clock.now() - KEPT
    old = [addition for addition in continuation.journal if addition.at < before]
    others = {addition.row_id for addition in old} - continuation.row_ids
    rows = continuation.rows | (yield from _rows(target, continuation.thread_id, others))
    # Lacking: their writer died, or somebody who keeps no journal overwrote them.
    settled = settle(rows, old, resource_id=continuation.resource_id)
    lacking = {row.id for row in settled.rows} | {addition.row_id for addition in settled.apart}
    continuation.row_ids |= lacking
    continuation.obsolete += [addition for addition in old if addition.row_id not in lacking]


def finish(target: Target, continuation: Continuation) -> Flow[None]:
    """Write the rows until they hold the journal.

    Raises:
        OutcomeUnknownError: somebody keeps overwriting them.

    Cost: one round trip, and two for each time that another writer came in between.
    """
    if not continuation.row_ids:
        return
    pruning = [prune_journal(target, continuation.thread_id, continuation.obsolete)]
    yield from _read(target, continuation, *pruning)
    for attempt in range(ATTEMPTS):
        rows = yield from due(target, continuation)
        if not rows:
            return
        yield from save_messages(target, rows)
        # A random time, so that writers side by side do not meet again and again.
        longest_s = min(WAIT_MAX_S, WAIT_INITIAL_S * 2**attempt)
        yield Sleep(random.uniform(0, longest_s))  # noqa: S311 - no secret
        yield from _read(target, continuation)
    raise OutcomeUnknownError(
        f"Another writer keeps overwriting messages of thread {continuation.thread_id}. What was "
        "added is kept beside them and will be read: do not add it again."
    )


def _read(target: Target, continuation: Continuation, *others: Flow[Any]) -> Flow[None]:
    rows, journal, *_ = yield Gather(
        [
            _rows(target, continuation.thread_id, continuation.row_ids),
            read_journal(target, continuation.thread_id, continuation.reader),
            *others,
        ]
    )
    continuation.rows, continuation.journal = rows, journal


def _rows(target: Target, thread_id: str, row_ids: Collection[str]) -> Flow[dict[str, Message]]:
    rows = yield from list_messages_by_id(target, sorted(row_ids))
    return {row.id: row for row in rows if row.thread_id == thread_id}
