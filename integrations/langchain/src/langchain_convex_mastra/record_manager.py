"""``ConvexRecordManager``: what LangChain's ``index`` knows of the documents it has stored.

The class that users construct; what it does is in ``record_operations``, how it is stored in
``record_layout``.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.indexing import RecordManager

from convex_mastra import Backend, Options
from convex_mastra.connected import Connected
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra import record_operations
from langchain_convex_mastra.record_knowledge import Namespace
from langchain_convex_mastra.record_layout import checked_text


class ConvexRecordManager(Connected["_Records"], RecordManager):
    """Which documents ``langchain_core.indexing.index`` has stored, when, and of which source.

    For ``index`` and ``aindex`` with every clean-up mode. Times are the deployment's own, so that
    a client whose clock is wrong neither deletes fresh documents nor keeps stale ones; Mastra's
    stock functions suffice. Records lie in Mastra's generic documents table, where no Mastra
    looks.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``; several may share a namespace, in one process or many.

    Args:
        namespace: whose records these are, such as the vector store's index; any text. Two
            namespaces never see each other.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexStore``.
        backend: an open backend to share, such as that of a ``ConvexVectorStore``; closing this
            object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: a *namespace* that is no text, or longer than 64 KiB.
    """

    def __init__(
        self,
        namespace: str,
        *,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        super().__init__(checked_text(namespace, "namespace"))
        self._namespace = Namespace(namespace)
        self._connection = _Records(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.namespace!r:.80}, backend={self.backend!r})"

    def create_schema(self) -> None:
        """Do nothing: the tables are Mastra's, and there already."""

    async def acreate_schema(self) -> None:
        """Do nothing: the tables are Mastra's, and there already."""

    def get_time(self) -> float:
        """Return the deployment's time in seconds since 1970, later than any returned before.

        Cost: three round trips, in which a row is written, read and deleted again.
        """
        return self._connection.get_time(self._namespace)

    async def aget_time(self) -> float:
        """Do what ``get_time`` does, without blocking the running loop."""
        return await self._connection.aget_time(self._namespace)

    def update(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Record that the keys are up to date now, each in its group.

        Args:
            group_ids: one for each key. None: the keys have no group any more.
            time_at_least: what ``get_time`` returned before, to be sure of the deployment's clock.

        Raises:
            InvalidArgumentError: (a ``ValueError``) lengths that differ, something that is no
                text, or a *time_at_least* that the deployment's clock has not reached. Nothing was
                written.
            LimitExceededError: a key or group id is longer than 64 KiB.

        Cost: four round trips' wait. Three requests for the time; for every 1,000 keys one, and
        one for each list concerned (16 at most), of keys that exist two. Before, one for every 10
        keys that this object has not just seen.
        """
        self._connection.update(
            self._namespace, keys, group_ids=group_ids, time_at_least=time_at_least
        )

    async def aupdate(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Do what ``update`` does, without blocking the running loop."""
        await self._connection.aupdate(
            self._namespace, keys, group_ids=group_ids, time_at_least=time_at_least
        )

    def exists(self, keys: Sequence[str]) -> list[bool]:
        """Return for each key whether it is recorded.

        Cost: one round trip for every 10 keys, side by side.
        """
        return self._connection.exists(self._namespace, keys)

    async def aexists(self, keys: Sequence[str]) -> list[bool]:
        """Do what ``exists`` does, without blocking the running loop."""
        return await self._connection.aexists(self._namespace, keys)

    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str | None] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return keys, those first that were recorded first.

        As LangChain's own managers have it, a time of 0, no groups and a limit of 0 are as None.

        Args:
            before, after: only those updated before, or after, that time; not those of that time.
            group_ids: only those of these groups. None among them: those without a group.
            limit: how many at most.

        Raises:
            ScanLimitError: a list holds more than the deployment reads in one call: 10,000 keys,
                or 16 MiB. There are 16 lists; keys of one group are in one.

        Cost: one round trip for the list of each group, 16 at most, side by side; then one for
        every 10 keys that are returned, side by side.
        """
        return self._connection.list_keys(
            self._namespace, before=before, after=after, group_ids=group_ids, limit=limit
        )

    async def alist_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str | None] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Do what ``list_keys`` does, without blocking the running loop."""
        return await self._connection.alist_keys(
            self._namespace, before=before, after=after, group_ids=group_ids, limit=limit
        )

    def delete_keys(self, keys: Sequence[str]) -> None:
        """Delete records; keys that do not exist are skipped.

        Cost: two round trips' wait: for every 1,000 keys one request, then one for each list
        concerned. Before, one for every 10 keys that this object has not just seen.
        """
        self._connection.delete_keys(self._namespace, keys)

    async def adelete_keys(self, keys: Sequence[str]) -> None:
        """Do what ``delete_keys`` does, without blocking the running loop."""
        await self._connection.adelete_keys(self._namespace, keys)


class _Records(SyncClient, AsyncClient):
    """The operations on one backend, each for both faces."""

    get_time = blocking(record_operations.get_time)
    update = blocking(record_operations.update)
    exists = blocking(record_operations.exists)
    list_keys = blocking(record_operations.list_keys)
    delete_keys = blocking(record_operations.delete_keys)
    aget_time = nonblocking(record_operations.get_time)
    aupdate = nonblocking(record_operations.update)
    aexists = nonblocking(record_operations.exists)
    alist_keys = nonblocking(record_operations.list_keys)
    adelete_keys = nonblocking(record_operations.delete_keys)
