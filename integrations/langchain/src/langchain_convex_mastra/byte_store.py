"""``ConvexByteStore``: LangChain's byte store, for caches of embeddings and parent documents.

The class that users construct, and how bytes are kept as texts; what it does is in
``key_value_store``.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, Final

from convex_mastra import Backend, InvalidArgumentError, Options, ProtocolError
from convex_mastra.ops.arguments import kind_of, required_text
from convex_mastra.wire import STORAGE_FUNCTION
from langchain_convex_mastra.key_value_store import KeyValues, KeyValueStore, Place

UTF8: Final = "utf8:"
BASE64: Final = "base64:"


class ByteCodec:
    """Bytes as texts: those that are UTF-8 as they are, so that they can be read, others as base64.

    What LangChain keeps in byte stores, documents and embeddings, is JSON.
    """

    def encode(self, value: Any, field: str) -> str:
        """Return the text of bytes."""
        if not isinstance(value, bytes):
            raise InvalidArgumentError(
                f"{field} must be bytes; it is {kind_of(value)}.", field=field
            )
        try:
            return UTF8 + value.decode()
        except UnicodeDecodeError:
            return BASE64 + b64encode(value).decode()

    def decode(self, text: str, field: str) -> bytes:
        """Return the bytes of a text."""
        if text.startswith(UTF8):
            return text.removeprefix(UTF8).encode()
        try:
            if text.startswith(BASE64):
                return b64decode(text.removeprefix(BASE64), validate=True)
        except ValueError:
            pass  # somebody else's text
        raise ProtocolError(f"{field} was not written by ConvexByteStore.")


class ConvexByteStore(KeyValueStore[bytes]):
    """Bytes under keys, in Mastra's generic documents table on Convex.

    For ``CacheBackedEmbeddings``, ``ParentDocumentRetriever`` and whatever else takes a
    ``ByteStore``. Values may be of any size, keys any text that is not empty. Writers side by side
    lose nothing, and whatever can be read is among the keys. Bytes that are UTF-8 are kept as text
    and can be read in Convex's dashboard; others take a third more room.

    Constructing sends nothing. One object may be used from several threads and event loops, with
    or without ``with``; it is never pickled.

    Args:
        namespace: what separates the byte stores of a deployment.
        deployment_url, admin_auth_token, storage_function: as of ``convex_mastra.ConvexStore``.
        backend: an open backend to share; closing this object leaves it open.
        options: time-outs, retries, requests in flight, event hook.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
        InvalidArgumentError: an empty *namespace*.
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
        place = Place(f"langchain.bytes.{required_text(namespace, 'namespace')}", ByteCodec())
        connection = KeyValues(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )
        super().__init__(namespace, place, connection)
