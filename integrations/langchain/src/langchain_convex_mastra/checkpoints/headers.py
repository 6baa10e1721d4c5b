"""A checkpoint's header: everything but its larger channel values, as one row.

The checkpoint without values, and its metadata, are the serialiser's bytes; what deleting and copying
need (parent, versions, run) stands beside them, so that neither needs the serialiser. Small values are
in the header itself, as they change with nearly every step. Called by the rooms that read and write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from langgraph.checkpoint.base import ChannelVersions
from langgraph.checkpoint.serde.base import SerializerProtocol

from convex_mastra.errors import ProtocolError
from convex_mastra.flow import Flow
from convex_mastra.jsontext import loads
from convex_mastra.ops.storage import load_many
from convex_mastra.ops.target import Target
from convex_mastra.records import Row
from langchain_convex_mastra.checkpoints.blobs import (
    Blob,
    Cut,
    SizedRow,
    blob_rows,
    cut_keys,
    load_blobs,
    packed,
    sized,
    text_of,
    unpacked,
)
from langchain_convex_mastra.checkpoints.layout import Place, body_key, header_key, value_key
from langchain_convex_mastra.checkpoints.strict import (
    PARTS_MAX,
    UNREADABLE,
    read_value,
    text,
    text_or_none,
)

INLINE_LENGTH: Final = 256
"""Characters of a text that is still kept in the header."""
BODY_BYTES: Final = 128 * 1024
"""A larger checkpoint or metadata is kept beside the header."""
_SCALARS: Final = (bool, int, float, type(None))
_BODIES: Final = ("checkpoint", "metadata")


@dataclass(slots=True)
class Header:
    """What the header of a checkpoint says.

    Attributes:
        versions: of its channels; ``channel_versions``.
        inline: the values of channels that are kept here.
        empty: channels that got this version, and no value.
        bodies: the checkpoint without versions and values, and the metadata; those that are kept
            beside the header come when asked for.
        cut: how values and bodies that this header brought were cut into parts, by key.
        run: the run that wrote it.
        lane, position: the lane that lists it, and where.
    """

    id: str
    parent: str | None
    versions: ChannelVersions
    inline: dict[str, Blob] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    bodies: dict[str, Blob] = field(default_factory=dict)
    cut: dict[str, Cut] = field(default_factory=dict)
    run: str | None = None
    lane: str = ""
    position: int = 0
    _keys: dict[str, str] | None = None

    def channel_keys(self) -> dict[str, str]:
        """Under which key the value of each channel would be, of those that are not kept here."""
        if self._keys is None:
            here = {*self.inline, *self.empty}
            self._keys = {
                channel: value_key(channel, version)
                for channel, version in self.versions.items()
                if channel not in here
            }
        return self._keys

    def body_keys(self) -> list[str]:
        """The keys of what is kept beside the header."""
        return [body_key(self.id, part) for part in _BODIES if part not in self.bodies]

    def own_keys(self) -> list[str]:
        """The keys of all that it may have in its partition, itself excepted."""
        keys = [*self.channel_keys().values(), *self.body_keys()]
        return keys + [key for at, cut in self.cut.items() for key in cut_keys(at, *cut)]

    def beside(self, place: Place) -> list[SizedRow]:
        """The rows of what is too large for the header."""
        return [
            row
            for part, blob in self.bodies.items()
            if len(blob[1]) > BODY_BYTES
            for row in blob_rows(place.state, body_key(self.id, part), blob)
        ]

    def text(self) -> str:
        """The header as JSON, without the lane."""
        fields: dict[str, Any] = {"id": self.id, "parent": self.parent, "versions": self.versions}
        if self.inline:
            fields["inline"] = {channel: packed(blob) for channel, blob in self.inline.items()}
        if self.empty:
            fields["empty"] = self.empty
        for part, blob in self.bodies.items():
            if len(blob[1]) <= BODY_BYTES:
                fields[part] = packed(blob)
        if self.cut:
            fields["cut"] = self.cut
        if self.run is not None:
            fields["run"] = self.run
        return text_of(fields)


def header_row(place: Place, header_id: str, text: str, lane: str, position: int) -> SizedRow:
    """The row of a header whose text is *text*."""
    row = {"id": header_key(header_id), "json": text, "lane": lane, "position": position}
    return sized(row, place.state)


def make_header(
    serde: SerializerProtocol,
    checkpoint: Mapping[str, Any],
    metadata: Mapping[str, Any],
    parent: str | None,
    new_versions: ChannelVersions,
) -> tuple[Header, dict[str, Blob]]:
    """Return a checkpoint's header, and the values that do not belong in it, by key."""
    values: Mapping[str, Any] = checkpoint["channel_values"]
    versions: ChannelVersions = checkpoint["channel_versions"]
    rest = {
        name: value
        for name, value in checkpoint.items()
        if name not in ("channel_values", "channel_versions")
    }
    run = metadata.get("run_id")
    header = Header(
        id=checkpoint["id"],
        parent=parent,
        versions=versions,
        inline={
            channel: serde.dumps_typed(value)
            for channel, value in values.items()
            if channel in versions and _is_small(value)
        },
        empty=[channel for channel in new_versions if channel not in values],
        bodies={
            "checkpoint": serde.dumps_typed(rest),
            "metadata": serde.dumps_typed(dict(metadata)),
        },
        run=run if isinstance(run, str) else None,
    )
    blobs = {
        value_key(channel, version): serde.dumps_typed(values[channel])
        for channel, version in new_versions.items()
        if channel in values and not (channel in header.inline and versions[channel] == version)
    }
    return header, blobs


def read_header(row: Row) -> Header:
    """Read a header's row.

    Raises:
        ProtocolError: it is none.
    """
    try:
        header = parse_header(row["json"])
        header.lane, header.position = text(row["lane"]), int(row["position"])
        return header
    except UNREADABLE:
        raise ProtocolError(f"The row {row['id']!r} is no checkpoint's header.") from None


def read_body(serde: SerializerProtocol, header: Header, part: str) -> Any:
    """Return the checkpoint without versions and values, or the metadata, of a whole header.

    Raises:
        ProtocolError: the serialiser cannot read it, or it is no object.
    """
    body = read_value(serde, header.bodies[part], f"the {part} of {header.id}")
    if not isinstance(body, dict):
        raise ProtocolError(f"The {part} of {header.id} is no object.")
    return body


def parse_header(header: str) -> Header:
    """Read a header's text; it does not say which lane lists it. Raises one of UNREADABLE."""
    fields = loads(header)
    versions = fields["versions"]
    if not all(isinstance(one, str | int | float) for one in versions.values()):
        raise TypeError
    return Header(
        id=text(fields["id"]),
        parent=text_or_none(fields["parent"]),
        versions=versions,
        inline={channel: unpacked(pair) for channel, pair in fields.get("inline", {}).items()},
        empty=list(map(text, fields.get("empty", []))),
        bodies={part: unpacked(fields[part]) for part in _BODIES if part in fields},
        cut={key: _cut(*cut) for key, cut in fields.get("cut", {}).items()},
        run=text_or_none(fields.get("run")),
    )


def load_headers(target: Target, place: Place, ids: Iterable[str]) -> Flow[dict[str, Header]]:
    """Return the headers that exist, by checkpoint id.

    Cost: one round trip for every 10, side by side.
    """
    rows = yield from load_many(target, place.state, [header_key(one) for one in ids])
    headers = [read_header(row) for row in rows]
    return {header.id: header for header in headers}


def load_bodies(target: Target, place: Place, headers: Iterable[Header]) -> Flow[list[Header]]:
    """Return *headers* with what is kept beside them; those that were deleted meanwhile go.

    Cost: none, unless a checkpoint without its values, or its metadata, is beyond 128 KiB.
    """
    headers = list(headers)
    missing = [key for header in headers for key in header.body_keys()]
    if not missing:
        return headers
    blobs = yield from load_blobs(target, place.state, missing)
    for header in headers:
        for part in _BODIES:
            if (key := body_key(header.id, part)) in blobs:
                header.bodies[part] = blobs[key]
    return [header for header in headers if not header.body_keys()]


def _cut(version: Any, parts: Any) -> Cut:
    return text(version), range(PARTS_MAX + 1).index(int(parts))


def _is_small(value: Any) -> bool:
    kind = type(value)
    return kind in _SCALARS or (kind is str and len(value) <= INLINE_LENGTH)
