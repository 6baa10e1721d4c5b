"""Headers with the values of their channels.

Called by the rooms that read whole checkpoints: ``reading`` and ``history``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from convex_mastra.flow import Flow
from convex_mastra.limits import LOAD_MANY_IDS
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.blobs import Blob, join, part_keys
from langchain_convex_mastra.checkpoints.headers import Header, load_headers, read_header
from langchain_convex_mastra.checkpoints.layout import Place, header_key
from langchain_convex_mastra.checkpoints.strict import damaged

Loaded = tuple[Header, dict[str, Blob]]
"""A header and the values of its channels, by channel."""
_NONE: Final[Mapping[str, Blob | None]] = MappingProxyType({})


def load_values(
    target: Target,
    place: Place,
    headers: Sequence[Header],
    *,
    are_fresh: bool,
    known: Mapping[str, Blob | None] = _NONE,
) -> Flow[list[Loaded]]:
    """Return headers with the values of their channels; those that were deleted meanwhile go.

    Args:
        are_fresh: they were just read from their own rows. Otherwise they are read here.
        known: values by key that need not be read; None where there is none.

    Cost: one round trip for every 10 values, side by side; each value is read once.
    """
    wanted = dict.fromkeys(key for header in headers for key in header.channel_keys().values())
    keys = [key for key in wanted if key not in known]
    own = [] if are_fresh else [header_key(header.id) for header in headers]
    rows: dict[str, Row] = {}
    if own or keys:
        rows = {row["id"]: row for row in (yield from load_many(target, place.state, own + keys))}
    if not are_fresh:
        headers = [read_header(rows.pop(key)) for key in own if key in rows]
    blobs = yield from join(target, place.state, rows.values())
    blobs.update((key, blob) for key, blob in known.items() if blob is not None)
    loaded = [
        (header, {name: blobs[key] for name, key in header.channel_keys().items() if key in blobs})
        for header in headers
    ]
    # One request sees one state. Of several, what was read first may have been deleted since.
    is_one = not are_fresh and len(own) + len(keys) <= LOAD_MANY_IDS
    is_one = is_one and not any(map(part_keys, rows.values()))
    doubtful = [header.id for header in headers if _lacks_any(header, blobs, known)]
    if doubtful and not is_one:
        there = yield from load_headers(target, place, doubtful)
        loaded = [one for one in loaded if one[0].id in there or one[0].id not in doubtful]
        short = rows.keys() - blobs.keys()  # cut, and not all parts are there
        for header, _ in loaded:
            if lost := short.intersection(header.channel_keys().values()):
                raise damaged(min(lost))
    return loaded


def _lacks_any(header: Header, *found: Mapping[str, Any]) -> bool:
    return any(not any(key in one for one in found) for key in header.channel_keys().values())
