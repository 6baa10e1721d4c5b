"""How large the work is and how often it is repeated: the stated sizes, and small ones.

Read by every comparison. The targets hold for ``FULL``; ``QUICK`` only shows that all of it runs,
and is judged by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How often a comparison is repeated: *pairs* that count, after *warm_up* that do not."""

    pairs: int
    warm_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes and repetitions of all comparisons.

    Attributes:
        judged: whether a missed target is a failure at these sizes.
        messages: messages of one thread.
        vectors, dimension: of the index on a server.
        peer_rows_per_request: vectors the npm client is given at once. Its user has to cut, since
            it sends everything in one request; 1,500 rows of 384 dimensions are near the 16 MiB
            that Convex accepts.
        embedded_vectors, embedded_dimension: of the index on the embedded backend.
        calls_per_pair, rows_per_pair, calls_of_domains: single calls, or rows, that one timing
            covers.
        calls, saves, reads, upserts, queries: repetitions on the dev server.
        domains: repetitions on the dev server; reference_domains on the reference server.
        reference_memory, reference_vectors: repetitions on the reference server, which is slow.
        history_messages: messages of a LangChain conversation.
        ingested_documents: documents that are written at once, of *dimension*.
        checkpoint_steps: steps of a LangGraph run; checkpoint_reads: of its newest checkpoint;
            checkpoint_stored_steps: of the runs whose bytes and requests are counted.
        rows, searches, openings, processes: repetitions on the embedded backend.
        histories, in_memory_searches, ingests, checkpoint_runs, checkpoint_counts: repetitions of
            LangChain's and LangGraph's comparisons; in_memory_searches of LlamaIndex's too, and
            in_memory_mmr, whose peer takes minutes.
        docstore_nodes, docstore_documents: nodes of a LlamaIndex document store, and of how many
            documents; docstores, docstore_counts: repetitions of its times and requests.
    """

    judged: bool = True
    messages: int = 1_000
    vectors: int = 10_000
    dimension: int = 384
    peer_rows_per_request: int = 1_500
    embedded_vectors: int = 10_000
    embedded_dimension: int = 1_536
    history_messages: int = 2_000
    ingested_documents: int = 5_000
    checkpoint_steps: int = 1_000
    checkpoint_reads: int = 1_000
    checkpoint_stored_steps: int = 500
    docstore_nodes: int = 1_000
    docstore_documents: int = 50
    calls_per_pair: int = 10
    rows_per_pair: int = 20
    calls_of_domains: int = 10
    calls: Rounds = Rounds(pairs=100, warm_up=20)
    saves: Rounds = Rounds(pairs=15, warm_up=3)
    reads: Rounds = Rounds(pairs=31, warm_up=5)
    upserts: Rounds = Rounds(pairs=5, warm_up=1)
    queries: Rounds = Rounds(pairs=9, warm_up=2)
    reference_memory: Rounds = Rounds(pairs=9, warm_up=2)
    reference_vectors: Rounds = Rounds(pairs=5, warm_up=1)
    domains: Rounds = Rounds(pairs=21, warm_up=3)
    reference_domains: Rounds = Rounds(pairs=9, warm_up=2)
    rows: Rounds = Rounds(pairs=31, warm_up=3)
    searches: Rounds = Rounds(pairs=101, warm_up=10)
    openings: Rounds = Rounds(pairs=5, warm_up=1)
    processes: Rounds = Rounds(pairs=3, warm_up=0)
    histories: Rounds = Rounds(pairs=61, warm_up=5)
    in_memory_searches: Rounds = Rounds(pairs=5, warm_up=1)
    in_memory_mmr: Rounds = Rounds(pairs=3, warm_up=0)
    ingests: Rounds = Rounds(pairs=5, warm_up=1)
    checkpoint_runs: Rounds = Rounds(pairs=7, warm_up=1)
    checkpoint_counts: Rounds = Rounds(pairs=1, warm_up=0)
    docstores: Rounds = Rounds(pairs=11, warm_up=2)
    docstore_counts: Rounds = Rounds(pairs=1, warm_up=0)


FULL: Final = Scale()
_ONCE: Final = Rounds(pairs=1, warm_up=0)
QUICK: Final = replace(
    FULL,
    judged=False,
    messages=20,
    vectors=60,
    dimension=16,
    peer_rows_per_request=40,
    embedded_vectors=300,
    embedded_dimension=32,
    history_messages=20,
    ingested_documents=30,
    checkpoint_steps=5,
    checkpoint_reads=3,
    checkpoint_stored_steps=5,
    docstore_nodes=20,
    docstore_documents=4,
    calls_per_pair=2,
    rows_per_pair=2,
    calls_of_domains=2,
    **{item.name: _ONCE for item in fields(Scale) if item.type == "Rounds"},
)
