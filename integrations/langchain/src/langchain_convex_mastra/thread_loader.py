"""``ConvexThreadLoader``: the threads of a Mastra deployment as LangChain documents.

The class that users construct; what it reads is in ``thread_loading``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from convex_mastra import Backend, DateRange, InvalidArgumentError, Options
from convex_mastra.connected import Connected
from convex_mastra.ops.arguments import distinct_ids, one_of, optional_text
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.thread_documents import MODES, Mode
from langchain_convex_mastra.thread_loading import Selection, ThreadReader


class ConvexThreadLoader(Connected[ThreadReader], BaseLoader):
    """Conversations of Mastra agents, and of ``ConvexChatMessageHistory``, as documents.

    For searching, summarising or evaluating what was said. Read lazily, a thread at a time: what
    is not taken is not asked for. Messages of every format that Mastra ever wrote are read.

    A document's metadata has ``thread_id``, ``resource_id``, ``title`` and, as text,
    ``created_at``. Of a message (``mode="message"``) it has ``message_id`` and ``role`` besides, the
    document's id is the message's, and its text what was said, without the calls and results of
    tools. Of a thread (``mode="thread"``) it has ``updated_at``, the id is the thread's, and the text
    is the conversation as LangChain's ``get_buffer_string`` writes it. What has no text, an image for
    example, is left out.

    Threads come oldest first, or in the order of *thread_ids*; messages oldest first.

    Constructing sends nothing and needs no running event loop. One object may be used from several
    threads and event loops, with or without ``with``.

    Args:
        thread_ids: the threads to read; None for all, or all of a resource.
        resource_id: only this resource's threads and messages (a user's, a tenant's).
        metadata: only threads whose metadata holds these simple values; not with *thread_ids*.
        date_range: only messages created in it.
        mode: what is a document: each ``"message"``, or each ``"thread"``.
        include_tools: whether a thread's text has the calls and results of tools.
        deployment_url: ``https://….convex.cloud``, ``http://127.0.0.1:3210``, ``file:path.db`` or
            ``:memory:``. None: ``CONVEX_URL``, else ``CONVEX_SELF_HOSTED_URL``.
        admin_auth_token: the deployment's admin or deploy key. None: ``CONVEX_ADMIN_KEY``, else
            ``CONVEX_SELF_HOSTED_ADMIN_KEY``. The embedded backend needs none.
        storage_function: path of the deployed storage handler.
        backend: an open backend to share, from ``convex_mastra.open_backend()`` or another
            store's ``backend``. Closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: *thread_ids* are no list of ids, or given with *metadata*; an empty
            *resource_id*; an unknown *mode*.
    """

    def __init__(
        self,
        thread_ids: Sequence[str] | None = None,
        *,
        resource_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        date_range: DateRange | None = None,
        mode: Mode = "message",
        include_tools: bool = True,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        if thread_ids is not None and metadata is not None:
            raise InvalidArgumentError(
                "metadata chooses among all threads; it cannot be given with thread_ids.",
                field="metadata",
            )
        one_of(mode, MODES, "mode")
        self._selection = Selection(
            thread_ids=None if thread_ids is None else distinct_ids(thread_ids, "thread_ids"),
            resource_id=optional_text(resource_id, "resource_id"),
            metadata=metadata,
            date_range=date_range,
            mode=mode,
            include_tools=include_tools,
        )
        self._connection = ThreadReader(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mode={self._selection.mode!r}, backend={self.backend!r})"

    def lazy_load(self) -> Iterator[Document]:
        """Yield the documents, reading a thread when its first one is taken.

        Raises:
            InvalidArgumentError: a thread id, range or metadata key that Mastra refuses.
            NotFoundError: one of *thread_ids* does not exist, or is another resource's.
            ScanLimitError: there are more threads, or messages of one, than the deployment reads
                in one call.

        Cost: one round trip for every thread, and one to list them unless *thread_ids* are given:
        a stock deployment gives the threads of a resource, or all there are, at once.
        """
        threads = self._selection.thread_ids
        for thread in self._connection.choose(self._selection) if threads is None else threads:
            yield from self._connection.read(self._selection, thread)

    async def alazy_load(self) -> AsyncIterator[Document]:
        """Do what ``lazy_load`` does, without blocking the running loop."""
        threads = self._selection.thread_ids
        for thread in (
            await self._connection.achoose(self._selection) if threads is None else threads
        ):
            for document in await self._connection.aread(self._selection, thread):
                yield document
