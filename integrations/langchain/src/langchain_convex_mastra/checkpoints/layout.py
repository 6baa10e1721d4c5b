"""Where checkpoints lie: partitions of ``mastra_documents``, and the keys in them.

Pure; called by every other room. What is read by key only (headers, channel values, lanes) is in one
partition per namespace of a thread and never scanned, so it may be of any size. What must be found
without knowing its key is a tiny row of a partition of its own. docs/adr/0016 says why.

Names are percent-encoded, long ones replaced by their digest, so that no two texts share a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Final

from langchain_core.runnables import RunnableConfig

from convex_mastra.ops.partitions import name_part

ROOT: Final = "langgraph"
HEADERS_FROM: Final = "c/"
HEADERS_BELOW: Final = "c0"
"""The keys of headers, and of nothing else, are from the one and below the other."""
STEPS_PER_BUCKET: Final = 4
"""The pending writes of so many steps share a partition: few reads for a walk, little read for one."""

_UUID6: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-6[0-9a-f]{3}-([89ab][0-9a-f]{3})-[0-9a-f]{12}")
_STEP_MASK: Final = 0x3FFF


def digest(*texts: str | bytes) -> str:
    """A short digest of texts, as a key."""
    state = sha256()
    for text in texts:
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()[:32]


@dataclass(frozen=True)
class Place:
    """A namespace of a thread, and the partitions that are its own."""

    thread: str
    namespace: str

    @cached_property
    def key(self) -> str:
        """What its partitions have in common, and no other place has."""
        return f"{name_part(self.thread)}/{name_part(self.namespace)}"

    @cached_property
    def state(self) -> str:
        """Headers, channel values and lanes, by key; never scanned."""
        return f"{ROOT}/state/{self.key}"

    @cached_property
    def lanes(self) -> str:
        """The lanes that readers of the newest checkpoint look at."""
        return f"{ROOT}/lanes/{self.key}"

    @cached_property
    def closed(self) -> str:
        """Lists of the lanes that are written no more."""
        return f"{ROOT}/closed/{self.key}"

    @cached_property
    def stray(self) -> str:
        """Buckets that no header leads to."""
        return f"{ROOT}/buckets/{self.key}"

    def writes(self, bucket: str, volume: str | None = None) -> str:
        """The pending writes of a bucket, or of a volume that its bucket names."""
        partition = f"{ROOT}/writes/{self.key}/{bucket}"
        return partition if volume is None else f"{partition}/{volume}"

    def config(self, checkpoint_id: str) -> RunnableConfig:
        """The config that names a checkpoint."""
        return {
            "configurable": {
                "thread_id": self.thread,
                "checkpoint_ns": self.namespace,
                "checkpoint_id": checkpoint_id,
            }
        }


def threads(shard: str) -> str:
    """The partition that lists a sixteenth of the threads."""
    return f"{ROOT}/threads/{shard}"


def namespaces(thread: str, shard: str) -> str:
    """The partition that lists a sixteenth of a thread's subgraph namespaces."""
    return f"{ROOT}/namespaces/{name_part(thread)}/{shard}"


def runs(run_id: str) -> str:
    """The partition that lists the places of a run's checkpoints."""
    return f"{ROOT}/runs/{name_part(run_id)}"


def shard(text: str) -> str:
    """In which sixteenth a name is listed."""
    return digest(text)[0]


def header_key(checkpoint_id: str) -> str:
    """The key of a checkpoint's header.

    LangGraph's ids are their own names, and so sort as their keys do. Any other comes after all of
    those, so that whoever looks at the highest key sees that there are such.
    """
    name = name_part(checkpoint_id)
    return f"{HEADERS_FROM}{name}" if is_own_name(checkpoint_id) else f"{HEADERS_FROM}~{name}"


def is_own_name(checkpoint_id: str) -> bool:
    """Whether a checkpoint's id stands in keys as it is, and so sorts as they do."""
    return name_part(checkpoint_id) == checkpoint_id


def body_key(checkpoint_id: str, part: str) -> str:
    """The key of a part of a header that is too large for it."""
    return f"h/{name_part(checkpoint_id)}/{part}"


def value_key(channel: str, version: str | int | float) -> str:
    """The key of a channel's value."""
    if isinstance(version, float) and version.is_integer():
        version = int(version)
    kind = "s" if isinstance(version, str) else "n"
    return f"v/{name_part(channel)}/{kind}{name_part(str(version))}"


def tail_key(lane: str) -> str:
    """The key of the end of a lane."""
    return f"l/{lane}"


def page_key(lane: str, number: int) -> str:
    """The key of a full page of a lane."""
    return f"l/{lane}/{number}"


def write_prefix(checkpoint_id: str) -> str:
    """What the keys of a checkpoint's pending writes begin with."""
    return f"{name_part(checkpoint_id)}/"


@lru_cache(maxsize=4096)
def bucket_of(checkpoint_id: str) -> str:
    """In which bucket the pending writes of a checkpoint are.

    LangGraph writes the step into the id; ids of others are spread by their digest.
    """
    step = _step_of(checkpoint_id)
    return f"x{digest(checkpoint_id)[:2]}" if step is None else _bucket_of_step(step)


@lru_cache(maxsize=4096)
def buckets_of(checkpoint_id: str) -> tuple[str, ...]:
    """In which buckets the pending writes of a checkpoint are, and of its nearest descendants.

    Of these, a crash may leave writes without a checkpoint.
    """
    step = _step_of(checkpoint_id)
    if step is None:
        return (bucket_of(checkpoint_id),)
    return _bucket_of_step(step), _bucket_of_step(step + STEPS_PER_BUCKET)


def _bucket_of_step(step: int) -> str:
    return f"{(step & _STEP_MASK) // STEPS_PER_BUCKET:x}"


def _step_of(checkpoint_id: str) -> int | None:
    found = _UUID6.fullmatch(checkpoint_id)
    return int(found[1], 16) & _STEP_MASK if found else None
