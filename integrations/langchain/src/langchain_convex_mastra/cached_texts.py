"""Texts under keys that expire: with Mastra's cache function, or among its documents.

Where the function is deployed (``mastra/cache:handle``), a text is one of its values. It is a
document instead, with its time to expire before it, where the function is not deployed, or if the
text is large; a large one is named in the cache by its digest, so that what the cache says is always
what counts, and a document that someone replaced meanwhile is not taken for it. Bound for both faces
by ``CachedTexts``, which ``llm_cache`` calls; what a text says is its business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from convex_mastra import ProtocolError
from convex_mastra.cache import CacheClient
from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.flow import Flow, Gather
from convex_mastra.ops import cache, document_writes, documents
from convex_mastra.ops.abilities import if_deployed
from convex_mastra.ops.partitions import name_part
from convex_mastra.ops.target import Target
from convex_mastra.timestamps import to_milliseconds
from convex_mastra.wire import STORAGE_FUNCTION, encode

CACHED_BYTES: Final = 256 * 1024
"""Of a text as JSON in the cache. To clear it, the function reads 26 entries and 25 of them again,
which must not exceed 16 MiB."""
PARTITION: Final = "langchain/cache"
DIGEST: Final = "sha256"
NEVER: Final = 0
_MISSING: Final = object()


def get_text(target: Target, key: str) -> Flow[str | None]:
    """Return the text under *key*; None if there is none, it expired, or it cannot be read.

    What expired is deleted.

    Cost: one round trip; for a large text two, beyond 1 MiB more. One more the first time where the
    deployment has no cache function.
    """
    found = yield from _with_function(target, cache.get(target, key))
    if found is _MISSING:
        return (yield from _read_document(target, key))
    if isinstance(found, str):
        return found
    digest = found.get(DIGEST) if isinstance(found, Mapping) else None
    if isinstance(digest, str):
        return (yield from _read_document(target, key, digest))
    return None


def put_text(target: Target, key: str, text: str) -> Flow[None]:
    """Write a text, in place of whatever is under *key*. The last of several writers wins.

    Cost: one round trip; for a large text two, beyond 1 MiB more. One more the first time where the
    deployment has no cache function.
    """
    if len(encode(text)) <= CACHED_BYTES:
        done = yield from _with_function(target, cache.set(target, key, text))
        if done is _MISSING:
            yield from _write_document(target, key, _with_expiry(target, text))
        return
    document = _with_expiry(target, text)
    # It does not expire of itself: whoever finds the document expired deletes both.
    entry = {DIGEST: _digest(document)}
    done = yield from _with_function(target, cache.set(target, key, entry, ttl_s=NEVER))
    document_key = key if done is _MISSING else _large(key)
    yield from _write_document(target, document_key, document)


def clear_texts(target: Target) -> Flow[None]:
    """Delete all texts of this cache's key prefix, wherever they are.

    Raises:
        UnfinishedError: there were more than 25,000 in the cache; call it again.

    Cost: one round trip for every 25.
    """
    yield Gather(
        [
            _with_function(target, cache.clear(target)),
            documents.clear(target, _partition(target)),
        ]
    )


def _with_function(target: Target, calls: Flow[Any]) -> Flow[Any]:
    return if_deployed(target, target.cache.function, calls, _MISSING)


def _read_document(target: Target, key: str, digest: str | None = None) -> Flow[str | None]:
    """Return a document's text, if it is the one of that *digest*; delete it if it expired."""
    document_key = key if digest is None else _large(key)
    try:
        found = yield from documents.get_many(target, _partition(target), [document_key])
    except ProtocolError:
        return None  # parts of it are gone: it was written while another client cleared the cache
    document = found.get(document_key)
    if document is None or digest not in (None, _digest(document)):
        return None
    head, _, text = document.partition("\n")
    try:
        expiry = int(head)
    except ValueError:
        return None  # written by something else under our name
    if NEVER < expiry <= to_milliseconds(target.clock.now()):
        # What another client writes under the key just now may go with it: a miss, nothing worse.
        deletions = [documents.delete_many(target, _partition(target), [document_key])]
        if digest is not None:
            deletions.append(cache.delete(target, key))
        yield Gather(deletions)
        return None
    return text


def _write_document(target: Target, key: str, document: str) -> Flow[None]:
    return document_writes.put_many(target, _partition(target), {key: document})


def _with_expiry(target: Target, text: str) -> str:
    ttl_ms = int(target.cache.ttl_s * 1000)
    expiry = to_milliseconds(target.clock.now()) + ttl_ms if target.cache.ttl_s else NEVER
    return f"{expiry}\n{text}"


def _partition(target: Target) -> str:
    return f"{PARTITION}/{name_part(target.cache.key_prefix)}"


def _large(key: str) -> str:
    # Not under the key itself, where it could outlive a newer entry of the cache and be found by
    # a client that does without the function.
    return f"{key}/large"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class CachedTexts(CacheClient, SyncClient, AsyncClient):
    """The flows on one backend, each for both faces."""

    def __init__(
        self,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        *,
        storage_function: str = STORAGE_FUNCTION,
        **options: Any,
    ) -> None:
        super().__init__(deployment_url, admin_auth_token, **options)
        self._target = replace(self._target, storage_function=storage_function)

    get = blocking(get_text)
    put = blocking(put_text)
    clear = blocking(clear_texts)
    aget = nonblocking(get_text)
    aput = nonblocking(put_text)
    aclear = nonblocking(clear_texts)
