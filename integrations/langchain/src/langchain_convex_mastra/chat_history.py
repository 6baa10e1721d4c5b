"""``ConvexChatMessageHistory``: a LangChain conversation that is a Mastra thread.

The class that users construct; what it does is in ``conversation``, how messages become rows in
``messages``. LangChain calls message histories legacy; the README says when to prefer a LangGraph
checkpointer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from convex_mastra import Backend, InvalidArgumentError, Options
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.conversation import Conversation, Conversations


class ConvexChatMessageHistory(BaseChatMessageHistory):
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
        title, metadata: of the thread, if it is created here.
        history_size: read at most so many of the last messages. A window never begins with a tool
            message whose call was cut off. None: all.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: an empty *thread_id* or *resource_id*, or a *history_size* below 1.
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
        if not thread_id or resource_id == "":
            raise InvalidArgumentError("thread_id and resource_id must not be empty.")
        if history_size is not None and history_size < 1:
            raise InvalidArgumentError("history_size must be at least 1.", field="history_size")
        self.history_size = history_size
        self._conversation = Conversation(thread_id, resource_id, title, dict(metadata or {}))
        self._conversations = Conversations(
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
    def backend(self) -> Backend:
        """The backend, to be shared with other stores."""
        return self._conversations.backend

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """All messages, or the last ``history_size``, oldest first. One round trip.

        Raises:
            ScanLimitError: the thread has more rows than the deployment reads in one call.
        """
        return self._conversations.read(self._conversation, last=self.history_size)

    async def aget_messages(self) -> list[BaseMessage]:
        """Return what ``messages`` returns, without blocking the running loop."""
        return await self._conversations.aread(self._conversation, last=self.history_size)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages, all in one save.

        A tool message is folded into the stored row that holds its call. Writers never replace
        each other's rows; but the results of parallel calls of one turn belong in one
        ``add_messages``, or to one writer.

        Raises:
            InvalidArgumentError: something that is no message, or is not JSON; or the thread is
                another resource's. No message was saved.
            LimitExceededError: a message is larger than a Convex document (1 MiB). None was saved.

        Cost: one round trip for messages without ids once the thread is known, else two.
        """
        self._conversations.add(self._conversation, messages)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages as ``add_messages`` does, without blocking the running loop."""
        await self._conversations.aadd(self._conversation, messages)

    def clear(self) -> None:
        """Delete all messages of the thread; the thread, its title and metadata stay."""
        self._conversations.clear(self._conversation)

    async def aclear(self) -> None:
        """Delete all messages as ``clear`` does, without blocking the running loop."""
        await self._conversations.aclear(self._conversation)

    def close(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        self._conversations.close()

    async def aclose(self) -> None:
        """Close the backend, unless it is shared. Safe to call twice."""
        await self._conversations.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()
