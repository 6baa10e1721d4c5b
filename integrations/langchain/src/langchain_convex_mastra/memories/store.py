"""``ConvexMemoryStore``, the class that users construct; what it does is in the rooms beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from langgraph.store.base import BaseStore, IndexConfig, Op, Result, TTLConfig, ensure_embeddings

from convex_mastra import Backend, InvalidArgumentError, Options
from convex_mastra.face import AsyncClient, SyncClient
from convex_mastra.flow import Transport, arun, run
from convex_mastra.limits import VECTOR_DIMENSION
from convex_mastra.ops.arguments import kind_of, required_object, required_text
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.embedding import EmbeddingBackend
from langchain_convex_mastra.memories.batches import WHOLE, check_ttl, checked_paths, run_batch
from langchain_convex_mastra.memories.deletes import sweep
from langchain_convex_mastra.memories.layout import Indexing, Place
from langchain_convex_mastra.memories.sweeping import TaskSweeper, ThreadSweeper

SWEEP_MINUTES: Final = 5
INDEX_KEYS: Final = {"dims", "embed", "fields"}
TTL_KEYS: Final = {"default_ttl", "refresh_on_read", "omit_expired", "sweep_interval_minutes"}


class ConvexMemoryStore(SyncClient, AsyncClient, BaseStore):
    """LangGraph's long-term memory among Mastra's documents on Convex.

    Pass it as ``store=`` to ``create_agent`` or ``graph.compile``; tools find it as
    ``runtime.store``. All of ``BaseStore``: ``put``, ``get``, ``delete``, ``search``,
    ``list_namespaces`` and their async twins, which never block the loop. Needs nothing but Mastra's
    stock functions; a search reads only the namespaces below its prefix.

    Values are JSON of any size and come back as they were, integers of any size included; tuples
    come back as lists, and what is not JSON is refused. A memory keeps the time of its creation
    when it is put again. ``search`` without a query returns what was put last first, then by
    namespace and key. Filters are as in ``InMemoryStore``, except that what cannot be compared does
    not match, and that texts that are no numbers are compared as texts.

    With ``index`` memories are also vectors in Mastra's index ``langgraph_<name>``, whose metadata
    has ``text``, ``namespace`` and ``key``: Mastra's RAG tools search them. ``search(query=...)``
    returns the nearest, exactly, then the memories that have no vector.

    Memories that expired are never returned nor listed, whatever ``omit_expired`` says; sweeping
    only deletes them. Constructing sends nothing. One object may be used from several threads and
    event loops, with or without ``with``; it is never pickled.

    Args:
        name: what separates the stores of a deployment.
        index: ``dims``, ``embed`` and ``fields`` of LangGraph's ``IndexConfig``.
        ttl: ``default_ttl``, ``refresh_on_read`` and ``sweep_interval_minutes`` of its
            ``TTLConfig``, in minutes.
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        InvalidArgumentError: a name, index or ttl that cannot be.
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """

    supports_ttl = True

    def __init__(
        self,
        name: str = "memories",
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        required_text(name, "name")
        indexing = None if index is None else _indexing(index)
        self.ttl_config = None if ttl is None else _ttl_config(ttl)
        embeddings = None if index is None else ensure_embeddings(index["embed"])
        super().__init__(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        self._place = Place(self._target, name, indexing)
        self._transport: Transport = self.backend
        if embeddings is not None:
            self._transport = EmbeddingBackend(self.backend, embeddings)
        self._thread_sweeper = ThreadSweeper(self.sweep_ttl)
        self._task_sweeper = TaskSweeper(self.asweep_ttl)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, backend={self.backend!r})"

    @property
    def name(self) -> str:
        """What separates this store from others."""
        return self._place.name

    @property
    def index_name(self) -> str:
        """Mastra's vector index in which the memories lie, if there is an ``index``."""
        return self._place.index_name

    def setup(self) -> None:
        """Do nothing: the tables are Mastra's, and the first put declares the vector index."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations; return their results in order, None for puts.

        Reads see what was there before the batch; of several puts under one key the last counts.

        Raises:
            InvalidNamespaceError: LangGraph's, for a label that no namespace may have.
            InvalidArgumentError: what is no operation, value, filter or key. Nothing was sent.
            ScanLimitError: a search of more than a stock deployment lists: about 8,000 memories
                of a namespace or 125,000 namespaces.
            ProtocolError: what is stored is not of this library's form.

        Cost: a get is one round trip for every 10 keys of a namespace; a search two round trips'
        wait, a put four or five, a deletion six. Reads go side by side, puts and deletions are one
        for each namespace. More in each case where there are vectors or memories that expire.
        """
        return run(run_batch(self._place, ops), self._transport)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what ``batch`` does, without blocking the running loop."""
        return await arun(run_batch(self._place, ops), self._transport)

    def sweep_ttl(self) -> int:
        """Delete the memories that expired; return how many. No value is read.

        A memory that is put in the very moment in which its predecessor is swept may be deleted
        with it: a stock deployment cannot delete on a condition.

        Cost: 16 round trips side by side, and one for each namespace in which something may
        expire; where something did, seven more.
        """
        return run(sweep(self._place), self._transport)

    async def asweep_ttl(self) -> int:
        """Do what ``sweep_ttl`` does, without blocking the running loop."""
        return await arun(sweep(self._place), self._transport)

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> Future[None]:
        """Sweep in a thread, every so many minutes, until ``stop_ttl_sweeper`` or ``close``.

        Args:
            sweep_interval_minutes: None: what ``ttl`` says, else 5.

        Returns:
            What is done when the sweeper is; cancelling it ends the sweeper. Done at once if the
            store has no ``ttl``.
        """
        if self.ttl_config is None:
            done: Future[None] = Future()
            done.set_result(None)
            return done
        return self._thread_sweeper.start(self._interval_s(sweep_interval_minutes))

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """End the sweeper's thread; return whether it ended within *timeout* seconds."""
        return self._thread_sweeper.stop(timeout)

    async def astart_ttl_sweeper(
        self, sweep_interval_minutes: float | None = None
    ) -> asyncio.Task[None]:
        """Sweep as ``start_ttl_sweeper`` does, as a task of the running loop.

        Returns:
            The task; cancelling it ends the sweeper.
        """
        if self.ttl_config is None:
            return asyncio.create_task(asyncio.sleep(0))
        return self._task_sweeper.start(self._interval_s(sweep_interval_minutes))

    async def astop_ttl_sweeper(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - LangGraph's name
    ) -> bool:
        """End the sweeper's task; return whether it ended within *timeout* seconds."""
        return await self._task_sweeper.stop(timeout)

    def close(self) -> None:
        """End the sweeper's thread and close the backend, unless it is shared."""
        self.stop_ttl_sweeper()
        super().close()

    async def aclose(self) -> None:
        """End the sweeper's task and close the backend, unless it is shared."""
        await self.astop_ttl_sweeper()
        await super().aclose()

    def _interval_s(self, minutes: float | None) -> float:
        if minutes is None:
            minutes = (self.ttl_config or {}).get("sweep_interval_minutes") or SWEEP_MINUTES
        check_ttl(minutes, "sweep_interval_minutes")
        return minutes * 60


def _indexing(index: Mapping[str, Any]) -> Indexing:
    _check_keys(index, INDEX_KEYS, "index")
    dims = index.get("dims")
    if type(dims) is not int or not 1 <= dims <= VECTOR_DIMENSION:
        raise InvalidArgumentError(
            f"index.dims must be an integer from 1 to {VECTOR_DIMENSION:,}, not {dims!r:.40}.",
            field="index.dims",
        )
    embed = index.get("embed")
    if not (embed and (isinstance(embed, str) or callable(embed) or hasattr(embed, "embed_query"))):
        raise InvalidArgumentError(
            "index.embed must be LangChain Embeddings, a function, or the name of a model; it is "
            f"{kind_of(embed)}.",
            field="index.embed",
        )
    fields = index.get("fields")
    return Indexing(dims, checked_paths([WHOLE] if fields is None else fields, "index.fields"))


def _ttl_config(ttl: TTLConfig) -> TTLConfig:
    _check_keys(ttl, TTL_KEYS, "ttl")
    check_ttl(ttl.get("default_ttl"), "ttl.default_ttl")
    check_ttl(ttl.get("sweep_interval_minutes"), "ttl.sweep_interval_minutes")
    return ttl


def _check_keys(config: Any, known: set[str], field: str) -> None:
    unknown = required_object(config, field).keys() - known
    if unknown:
        raise InvalidArgumentError(
            f"{field} has {', '.join(sorted(map(repr, unknown)))}; it may have "
            f"{', '.join(sorted(known))}.",
            field=field,
        )
