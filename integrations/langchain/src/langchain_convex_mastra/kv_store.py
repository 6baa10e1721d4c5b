"""``ConvexKVStore``: LangChain's key-value store for JSON values, documents and messages.

The class that users construct; what it does is in ``key_value_store``, how values become texts in
``json_values``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from langchain_core.load import Serializable

from convex_mastra import Backend, Options
from convex_mastra.ops.arguments import required_text
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.json_values import DOCUMENTS_AND_MESSAGES, JsonCodec
from langchain_convex_mastra.key_value_store import KeyValues, KeyValueStore, Place

V = TypeVar("V")


class ConvexKVStore(KeyValueStore[V]):
    """JSON values, documents and messages under keys, in Mastra's generic documents table.

    For the ``docstore`` of a ``MultiVectorRetriever`` and whatever else takes a ``BaseStore``.
    Values come back as they were, integers of any size included; as JSON has no tuples, they come
    back as lists. A value of None reads as one that is missing, but its key is listed. Values may
    be of any size, keys any text that is not empty. Writers side by side lose nothing, and
    whatever can be read is among the keys.

    Values are kept as JSON, in the form of ``langchain_core.load``, never pickled. Only objects of
    the classes in *allowed_objects* are written, and made when values are read.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``; it is never pickled.

    Args:
        namespace: what separates the key-value stores of a deployment.
        allowed_objects: classes whose objects values may be or hold, in place of ``Document`` and
            the messages. Each must be importable by its name. Reading calls their constructors
            with what is stored: allow only classes that do no harm with any arguments.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexStore``.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: an empty *namespace*, or a class that LangChain cannot serialise.
    """

    def __init__(
        self,
        namespace: str,
        *,
        allowed_objects: Iterable[type[Serializable]] = DOCUMENTS_AND_MESSAGES,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
    ) -> None:
        place: Place[V] = Place(
            f"langchain.values.{required_text(namespace, 'namespace')}", JsonCodec(allowed_objects)
        )
        connection = KeyValues(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        super().__init__(namespace, place, connection)
