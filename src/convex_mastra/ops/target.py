"""Where an operation goes: what every operation takes as its first argument.

Built once by each face from its backend, and passed through unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from convex_mastra.records import NativeIndex
from convex_mastra.retries import RetryPolicy, only_once
from convex_mastra.timestamps import Clock
from convex_mastra.wire import (
    CACHE_FUNCTION,
    NATIVE_READ_FUNCTION,
    NATIVE_SEARCH_FUNCTION,
    NATIVE_WRITE_FUNCTION,
    STORAGE_FUNCTION,
)

CACHE_KEY_PREFIX: Final = "mastra:cache:"
CACHE_TTL_S: Final = 300.0
"""Both as in ConvexServerCache of @mastra/convex 1.5.2."""


@dataclass(frozen=True, slots=True)
class CacheScope:
    """Which part of the server cache the operations see, and how long entries live.

    Attributes:
        function: path of Mastra's cache handler.
        key_prefix: what every key begins with.
        ttl_s: seconds until an entry expires; 0 for never.
    """

    function: str = CACHE_FUNCTION
    key_prefix: str = CACHE_KEY_PREFIX
    ttl_s: float = CACHE_TTL_S


@dataclass(frozen=True, slots=True)
class NativeVectors:
    """What ``ConvexNativeVector`` knows of a deployment.

    Attributes:
        indexes: the indexes that its schema declares, by the names operations use.
        search_function: path of Mastra's action.
        read_function: path of Mastra's query.
        write_function: path of Mastra's mutation.
    """

    indexes: Mapping[str, NativeIndex] = field(default_factory=dict)
    search_function: str = NATIVE_SEARCH_FUNCTION
    read_function: str = NATIVE_READ_FUNCTION
    write_function: str = NATIVE_WRITE_FUNCTION


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment as the operations see it.

    Attributes:
        policy: how transient failures are retried.
        storage_function: path of Mastra's storage handler.
        abilities: what the deployment can do of what not every one can, as far as known, by the
            name of a function, operation or ``Ability``; shared by all targets of one backend, and
            filled in as operations find out.
        clock: gives new messages their times, and entries of the cache theirs to expire.
        cache: the part of the server cache.
        native: schema-declared vector indexes; none but for ``ConvexNativeVector``.
    """

    policy: RetryPolicy
    storage_function: str = STORAGE_FUNCTION
    abilities: dict[str, bool] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    cache: CacheScope = field(default_factory=CacheScope)
    native: NativeVectors = field(default_factory=NativeVectors)

    def without_retries(self) -> Target:
        """The same deployment, for requests that their sender tries again."""
        once = only_once(self.policy)
        return Target(
            once, self.storage_function, self.abilities, self.clock, self.cache, self.native
        )
