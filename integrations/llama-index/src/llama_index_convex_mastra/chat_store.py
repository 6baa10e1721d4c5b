"""``ConvexChatStore``: LlamaIndex's chat store, whose keys are Mastra's threads.

The class that users construct: its fields, its connection, and one line for each method, blocking
and async. What the methods do is in ``chat_operations``.
"""

from __future__ import annotations

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.base import BaseChatStore

from convex_mastra.connected import Connected
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from llama_index_convex_mastra import chat_operations as operations
from llama_index_convex_mastra import chat_threads
from llama_index_convex_mastra.chat_place import ChatPlace


class _Chats(SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    get = blocking(operations.get)
    add = blocking(chat_threads.add)
    replace = blocking(chat_threads.replace)
    clear = blocking(operations.clear)
    delete = blocking(operations.delete)
    delete_last = blocking(operations.delete_last)
    keys = blocking(chat_threads.keys)
    aget = nonblocking(operations.get)
    aadd = nonblocking(chat_threads.add)
    areplace = nonblocking(chat_threads.replace)
    aclear = nonblocking(operations.clear)
    adelete = nonblocking(operations.delete)
    adelete_last = nonblocking(operations.delete_last)
    akeys = nonblocking(chat_threads.keys)


class ConvexChatStore(ChatPlace, BaseChatStore, Connected[_Chats]):
    """Chat messages in Mastra's threads on Convex; a key is the id of a thread.

    Messages come back as they were added: role, blocks, ``additional_kwargs``; values follow JSON.
    Mastra's agents read their text, and a tool's result (a message of role ``tool`` with a
    ``tool_call_id``) as one. Rows that Mastra wrote are read too: their texts, reasoning and files,
    and tool calls that have a result, each as ``ToolCallBlock`` and message of role ``tool``. A
    whole turn of an agent is one row of several messages, and is deleted as one.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``. It is pickled without the admin key, which must then be in the environment.

    Examples:
        ``pip install llama-index-convex-mastra``

        .. code-block:: python

            store = ConvexChatStore(deployment_url="file:./mastra.db")
            memory = ChatMemoryBuffer.from_defaults(chat_store=store, chat_store_key="thread-1")

    Args:
        resource_id: whose the threads must be (a user, a tenant); others' are not read. None:
            anybody's, and a new thread is its key's.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexStore``.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook; not pickled.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: an empty *resource_id*.
    """

    _client_class = _Chats
    _connection: _Chats = PrivateAttr()

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serialises the class."""
        return "ConvexChatStore"

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Put *messages* in the place of those of a key.

        The new ones are saved before the old ones go: a reader in between sees both, and a call
        that was cut off is made again. What others add meanwhile stays.

        Raises:
            InvalidArgumentError: something that is no message, or is not JSON; or the thread is
                another resource's. Nothing was changed.
            LimitExceededError: a message larger than a Convex document (1 MiB). Likewise.

        Cost: four round trips.
        """
        self._connection.replace(self.resource_id, key, messages)

    async def aset_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Do what ``set_messages`` does, without blocking the running loop."""
        await self._connection.areplace(self.resource_id, key, messages)

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the messages of a key, oldest first; none for a key that is not there.

        Those that ``Memory`` archived with ``ConvexDBChatStore`` are among them.

        Raises:
            ScanLimitError: the thread has more rows than the deployment reads in one call.

        Cost: one round trip.
        """
        return self._connection.get(self.resource_id, key)

    async def aget_messages(self, key: str) -> list[ChatMessage]:
        """Do what ``get_messages`` does, without blocking the running loop."""
        return await self._connection.aget(self.resource_id, key)

    def add_message(self, key: str, message: ChatMessage) -> None:
        """Append a message, as a row of its own: writers side by side lose nothing.

        Raises:
            InvalidArgumentError, LimitExceededError: as ``set_messages``.

        Cost: two round trips.
        """
        self._connection.add(self.resource_id, key, [message])

    async def async_add_message(self, key: str, message: ChatMessage) -> None:
        """Do what ``add_message`` does, without blocking the running loop."""
        await self._connection.aadd(self.resource_id, key, [message])

    def delete_messages(self, key: str) -> list[ChatMessage] | None:
        """Delete the messages of a key, and return them; None if there were none.

        The thread stays, with its title and metadata, and is still among ``get_keys``.
        """
        return self._connection.clear(self.resource_id, key)

    async def adelete_messages(self, key: str) -> list[ChatMessage] | None:
        """Do what ``delete_messages`` does, without blocking the running loop."""
        return await self._connection.aclear(self.resource_id, key)

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Delete the row of the message at *idx* of ``get_messages``, and return the message.

        None if there is none there; a negative *idx* names none. Two round trips.
        """
        return self._connection.delete(self.resource_id, key, idx)

    async def adelete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Do what ``delete_message`` does, without blocking the running loop."""
        return await self._connection.adelete(self.resource_id, key, idx)

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Delete the last message's row, and return it; None if there is none. Two round trips."""
        return self._connection.delete_last(self.resource_id, key)

    async def adelete_last_message(self, key: str) -> ChatMessage | None:
        """Do what ``delete_last_message`` does, without blocking the running loop."""
        return await self._connection.adelete_last(self.resource_id, key)

    def get_keys(self) -> list[str]:
        """Return the ids of all threads, Mastra's too, oldest first. One round trip."""
        return self._connection.keys(self.resource_id)

    async def aget_keys(self) -> list[str]:
        """Do what ``get_keys`` does, without blocking the running loop."""
        return await self._connection.akeys(self.resource_id)
