"""``ConvexDBChatStore``: the chat store of LlamaIndex's ``Memory``, over Mastra's threads.

The class that users construct: its fields, its connection, and one line for each method. What the
methods do is in ``chat_queues``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.base_db import AsyncDBChatStore, MessageStatus

from convex_mastra.connected import Connected
from convex_mastra.face import AsyncClient, SyncClient, nonblocking
from llama_index_convex_mastra import chat_queues, chat_threads
from llama_index_convex_mastra.chat_place import ChatPlace


@dataclass(frozen=True, slots=True)
class _Seen:
    """A queue as a task last read it whole: the row of each message."""

    store: object
    key: str
    rows: Sequence[str]


_SEEN: Final[ContextVar[_Seen | None]] = ContextVar("llama_index_convex_mastra.seen", default=None)
"""``Memory`` reads its queue, decides how many messages are too many, and has that number archived.
Another task that did the same meanwhile must not make it archive messages that it never saw."""


class _Queues(SyncClient, AsyncClient):
    """The flows on one backend."""

    add = nonblocking(chat_threads.add)
    replace = nonblocking(chat_threads.replace)
    keys = nonblocking(chat_threads.keys)
    read = nonblocking(chat_queues.read)
    page = nonblocking(chat_queues.page)
    count = nonblocking(chat_queues.count)
    delete = nonblocking(chat_queues.delete)
    clear = nonblocking(chat_queues.clear)
    delete_oldest = nonblocking(chat_queues.delete_oldest)
    archive_oldest = nonblocking(chat_queues.archive_oldest)


class ConvexDBChatStore(ChatPlace, AsyncDBChatStore, Connected[_Queues]):
    """The messages of ``Memory`` in Mastra's threads on Convex; a session's id is that of a thread.

    Messages are stored, read and come back as with ``ConvexChatStore``. Each is active or archived;
    all that Mastra wrote are active. Archived ones stay in the thread, where Mastra shows them as
    ever: only the queue of ``Memory`` is without them. A turn of one of Mastra's agents, one row of
    several messages, is archived and deleted as a whole.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``. It is pickled without the admin key, which must then be in the environment.

    Examples:
        ``pip install llama-index-convex-mastra``

        .. code-block:: python

            store = ConvexDBChatStore(deployment_url="file:./mastra.db")
            memory = Memory.from_defaults(session_id="thread-1", chat_store=store)

    Args:
        resource_id, deployment_url, admin_auth_token, storage_function, backend, options: as of
            ``ConvexChatStore``.

    Raises:
        ConfigurationError, InvalidArgumentError: likewise.
    """

    _client_class = _Queues
    _connection: _Queues = PrivateAttr()
    _identity: object = PrivateAttr(default_factory=object)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex knows the class."""
        return "ConvexDBChatStore"

    async def get_messages(
        self,
        key: str,
        status: MessageStatus | None = MessageStatus.ACTIVE,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[ChatMessage]:
        """Return messages of a key, oldest first; none for a key that is not there.

        Args:
            key: the id of a thread.
            status: active or archived ones; None for both.
            limit: how many at most, 0 or more; None for all.
            offset: how many of the oldest to leave out, 0 or more.

        Raises:
            InvalidArgumentError: a blank key, another status, a negative number.
            ScanLimitError: the thread has more rows than the deployment reads in one call.

        Cost: one round trip, which reads the whole thread.
        """
        if limit is not None or offset is not None:
            return await self._connection.page(self.resource_id, key, status, limit, offset)
        pairs = await self._connection.read(self.resource_id, key, status)
        if status == MessageStatus.ACTIVE:
            _SEEN.set(_Seen(self._identity, key, [row.id for row, _ in pairs]))
        return [message for _, message in pairs]

    async def count_messages(
        self, key: str, status: MessageStatus | None = MessageStatus.ACTIVE
    ) -> int:
        """Return how many messages ``get_messages`` would. Cost and errors are the same."""
        return await self._connection.count(self.resource_id, key, status)

    async def add_message(
        self, key: str, message: ChatMessage, status: MessageStatus = MessageStatus.ACTIVE
    ) -> None:
        """Append a message, as a row of its own: writers side by side lose nothing.

        Raises:
            InvalidArgumentError: something that is no message, or is not JSON; or the thread is
                another resource's. Nothing was changed.
            LimitExceededError: a message larger than a Convex document (1 MiB). Likewise.

        Cost: two round trips' wait: one for the thread, one for the row and the thread's time.
        """
        await self.add_messages(key, [message], status)

    async def add_messages(
        self, key: str, messages: list[ChatMessage], status: MessageStatus = MessageStatus.ACTIVE
    ) -> None:
        """Append messages, in one request for every 1,000 or 4 MiB, which is applied whole.

        No messages are no request. Errors and cost: those of ``add_message``.
        """
        is_archived = chat_queues.is_archiving(status)
        await self._connection.add(self.resource_id, key, messages, is_archived=is_archived)

    async def set_messages(
        self, key: str, messages: list[ChatMessage], status: MessageStatus = MessageStatus.ACTIVE
    ) -> None:
        """Put *messages* in the place of all of a key, archived ones too.

        The new ones are saved before the old ones go: a reader in between sees both, and a call
        that was cut off is made again. What others add meanwhile stays.

        Raises:
            InvalidArgumentError, LimitExceededError: as ``add_message``.

        Cost: four round trips.
        """
        is_archived = chat_queues.is_archiving(status)
        self._forget_seen()
        await self._connection.replace(self.resource_id, key, messages, is_archived=is_archived)

    async def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Delete the row of the message at *idx* of ``get_messages(key)``, and return the message.

        None if there is none there; a negative *idx* names none. Two round trips.
        """
        self._forget_seen()
        return await self._connection.delete(self.resource_id, key, idx)

    async def delete_messages(self, key: str, status: MessageStatus | None = None) -> None:
        """Delete the messages of a status; of both if it is None.

        The thread stays, with its title and metadata, and is still among ``get_keys``.

        Cost: two round trips.
        """
        self._forget_seen()
        await self._connection.clear(self.resource_id, key, status)

    async def delete_oldest_messages(self, key: str, n: int) -> list[ChatMessage]:
        """Delete the oldest *n* active messages, and return them. Two round trips."""
        self._forget_seen()
        return await self._connection.delete_oldest(self.resource_id, key, n)

    async def archive_oldest_messages(self, key: str, n: int) -> list[ChatMessage]:
        """Archive the oldest *n* active messages, and return them.

        In a task that read the queue with ``get_messages(key)``, the oldest *n* of what it read:
        messages that another task archived since count among them, so that two which flush one
        queue at the same time archive what both saw, and no more. Repeated after a failure, it
        archives no further ones.

        Raises:
            InvalidArgumentError: an *n* that is no whole number of 0 or more.

        Cost: three round trips' wait; none if *n* is 0.
        """
        seen = _SEEN.get()
        if seen is not None and (seen.store, seen.key) != (self._identity, key):
            seen = None
        rows = seen.rows if seen else ()
        messages, left = await self._connection.archive_oldest(self.resource_id, key, n, rows)
        if seen:
            _SEEN.set(_Seen(self._identity, key, left))
        return messages

    async def get_keys(self) -> list[str]:
        """Return the ids of all threads, Mastra's too, oldest first. One round trip."""
        return await self._connection.keys(self.resource_id)

    def _forget_seen(self) -> None:
        _SEEN.set(None)
