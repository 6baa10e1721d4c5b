"""``ConvexChatMessageHistory``: a LangChain conversation that is a Mastra thread.

The class that users construct; what it does is in ``conversation`` and ``adding``, how messages
become rows in ``messages``. LangChain calls message histories legacy; the README says when to
prefer a LangGraph checkpointer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from convex_mastra import Backend, InvalidArgumentError, Options, Thread
from convex_mastra.connected import Connected
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.limits import EXACT_INTEGER
from convex_mastra.ops.arguments import (
    any_text,
    kind_of,
    optional_text,
    plain_object,
    required_text,
)
from convex_mastra.values import measure
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.adding import add_messages
from langchain_convex_mastra.conversation import (
    Conversation,
    clear_messages,
    get_thread,
    read_messages,
    update_thread,
)


class Conversations(SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    read = blocking(read_messages)
    add = blocking(add_messages)
    clear = blocking(clear_messages)
    thread = blocking(get_thread)
    update = blocking(update_thread)
    aread = nonblocking(read_messages)
    aadd = nonblocking(add_messages)
    aclear = nonblocking(clear_messages)
    athread = nonblocking(get_thread)
    aupdate = nonblocking(update_thread)


class ConvexChatMessageHistory(Connected[Conversations], BaseChatMessageHistory):
    """The messages of one Mastra thread, read and written as LangChain messages.

    Every message comes back as it was added, its id included (None stays None); values follow
    JSON: a tuple comes back as a list. Mastra agents read the thread as their own: system messages
    are kept, but Mastra passes over them, as it keeps none of its own. Rows that Mastra wrote are
    read as AI and tool messages in LangChain's pairing.

    Constructing sends nothing and needs no running event loop. One object may be used from
    several threads and event loops, with or without ``with``; make one for each conversation, and
    pass them one ``backend`` to share its connections.

    Args:
        thread_id: Mastra's thread, created with the first message if there is none.
        resource_id: whose thread it must be (a user, a tenant); messages of others are not read.
            None: whose it is, and for a new thread *thread_id*, as from Mastra's agents.
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: an open backend to share, from ``convex_mastra.open_backend()`` or another
            store's ``backend``. Closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.
        title, metadata: of the thread, if it is created here; ``update_thread`` changes them later.
        history_size: read at most so many of the last messages. A window never begins with a tool
            message whose call was cut off. None: all.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: a blank *thread_id*, an empty *resource_id*, a *title* that is no text,
            *metadata* that Convex cannot hold, or a *history_size* that is no whole number from 1.
    """

    def __init__(
        self,
        thread_id: str,
        *,
        resource_id: str | None = None,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
        title: str = "",
        metadata: Mapping[str, Any] | None = None,
        history_size: int | None = None,
    ) -> None:
        super().__init__()
        if isinstance(thread_id, str) and not thread_id.strip():
            raise InvalidArgumentError("thread_id must not be blank.", field="thread_id")
        thread_metadata = plain_object(metadata, "metadata")
        measure(thread_metadata, "metadata", depth=1)
        self.history_size = _checked_size(history_size)
        self._conversation = Conversation(
            required_text(thread_id, "thread_id"),
            optional_text(resource_id, "resource_id"),
            any_text(title, "title"),
            thread_metadata,
        )
        self._connection = Conversations(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.thread_id!r}, backend={self.backend!r})"

    @property
    def thread_id(self) -> str:
        """The thread."""
        return self._conversation.thread_id

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """All messages, or the last ``history_size``, oldest first.

        Raises:
            ScanLimitError: the thread has more rows than the deployment reads in one call.

        Cost: one round trip; one more if a turn was continued after it was stored, or still waits
        to be. A window that cuts rows without messages takes one for each page of its size.
        """
        return self._connection.read(self._conversation, last=self.history_size)

    async def aget_messages(self) -> list[BaseMessage]:
        """Return what ``messages`` returns, without blocking the running loop."""
        return await self._connection.aread(self._conversation, last=self.history_size)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages, all new ones in one save.

        A tool message is folded into the stored row that holds its call, and an AI message that
        goes on from there into the same row. Any number of writers may do so at the same time:
        nothing is lost. Where two answer one call, the outcome that is stored first counts, and
        the other one is left out.

        Raises:
            InvalidArgumentError: something that is no message, or is not JSON; or the thread is
                another resource's. No message was saved.
            LimitExceededError: a message is larger than a Convex document (1 MiB). None was saved.
            OutcomeUnknownError: somebody keeps overwriting the row. The messages are kept and will
                be read; do not add them again.

        Cost: one round trip for messages without ids once the thread is known, else two. Going on
        with a stored row takes three, and two more for each time that another writer came in
        between; results whose call this object has not seen take one more.
        """
        self._connection.add(self._conversation, messages)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages as ``add_messages`` does, without blocking the running loop."""
        await self._connection.aadd(self._conversation, messages)

    def get_thread(self) -> Thread | None:
        """Return the thread: its title, metadata and times.

        None if there is none yet, or it belongs to another resource. One round trip.
        """
        return self._connection.thread(self._conversation)

    async def aget_thread(self) -> Thread | None:
        """Return what ``get_thread`` returns, without blocking the running loop."""
        return await self._connection.athread(self._conversation)

    def update_thread(
        self, *, title: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Thread:
        """Set the thread's title, merge *metadata* into what it has, and return it.

        The merge is one level deep, as Mastra's, and happens inside the deployment: two writers of
        different keys both win (on a handler before 1.2.1 they may not).

        Args:
            title: the new title; None leaves it.
            metadata: JSON with printable-ASCII keys that do not begin with ``$``.

        Raises:
            NotFoundError: there is no thread yet; the first message creates it.
            InvalidArgumentError: the thread is another resource's, or a value that Convex cannot
                hold. Nothing was changed.

        Cost: one round trip, two without *title*; one more the first time if the history has a
        *resource_id*.
        """
        return self._connection.update(self._conversation, title=title, metadata=metadata)

    async def aupdate_thread(
        self, *, title: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Thread:
        """Change the thread as ``update_thread`` does, without blocking the running loop."""
        return await self._connection.aupdate(self._conversation, title=title, metadata=metadata)

    def clear(self) -> None:
        """Delete all messages of the thread; the thread, its title and metadata stay."""
        self._connection.clear(self._conversation)

    async def aclear(self) -> None:
        """Delete all messages as ``clear`` does, without blocking the running loop."""
        await self._connection.aclear(self._conversation)


def _checked_size(value: int | None) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value <= EXACT_INTEGER):
        found = str(value) if type(value) is int else kind_of(value)
        raise InvalidArgumentError(
            f"history_size must be a whole number from 1 to 2**53, or None; it is {found:.40}.",
            field="history_size",
        )
    return value
