"""The typed records of channels (Slack, Discord, …), and how each is read from its row.

Below are the columns of ``mastra_channel_installations`` and ``mastra_channel_config``; a
configuration's id is its platform. Called by the operations; sends nothing.

Source: @mastra/core 1.71 storage/domains/channels/base, @mastra/convex 1.5.2 dist/schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import field

from convex_mastra.errors import ProtocolError
from convex_mastra.jsontext import loads
from convex_mastra.records import columns
from convex_mastra.records.columns import SYSTEM_COLUMNS, Row
from convex_mastra.records.record import Record, new_id, now

INSTALLATION_STATUSES: Final = ("active", "pending", "error")
"""The one to prefer first, where an agent has several."""

INSTALLATION_COLUMNS: Final = SYSTEM_COLUMNS.union(
    ("id", "platform", "agentId", "status", "webhookId", "data", "configHash", "error"),
    ("createdAt", "updatedAt"),
)
CONFIG_COLUMNS: Final = SYSTEM_COLUMNS.union(("id", "platform", "data", "updatedAt"))


class ChannelInstallation(Record, frozen=True, kw_only=True):
    """An agent's presence on a platform.

    Attributes:
        platform: ``slack``, ``discord``, ….
        status: ``pending``, ``active`` or ``error``.
        webhook_id: by which what comes in finds its way here.
        data: what the platform needs (tokens, team, …). Any JSON, kept exactly. Secrets in it are
            the caller's to encrypt, as Mastra's channels do.
        config_hash: of the configuration that it was made with.
        error: what went wrong, if something did.
        created_at: of its first saving; saving again does not change it.
        updated_at: of its latest saving.
        extra: columns this version does not know.
    """

    id: str = field(default_factory=new_id)
    platform: str
    agent_id: str
    status: str
    webhook_id: str | None = None
    data: Any
    config_hash: str | None = None
    error: str | None = None
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    extra: Mapping[str, Any] = field(default_factory=dict)


class ChannelConfig(Record, frozen=True, kw_only=True):
    """What all installations on one platform have in common.

    Attributes:
        data: as of installations.
        extra: columns this version does not know.
    """

    platform: str
    data: Any
    updated_at: datetime = field(default_factory=now)
    extra: Mapping[str, Any] = field(default_factory=dict)


def installation_from_row(row: Row) -> ChannelInstallation:
    """Read a row of ``mastra_channel_installations``."""
    return ChannelInstallation(
        id=columns.text(row, "id"),
        platform=columns.text(row, "platform"),
        agent_id=columns.text(row, "agentId"),
        status=columns.text(row, "status"),
        webhook_id=row.get("webhookId"),
        data=_data(row, f"installation {row.get('id')}"),
        config_hash=row.get("configHash"),
        error=row.get("error"),
        created_at=columns.moment(row, "createdAt"),
        updated_at=columns.moment(row, "updatedAt"),
        extra=columns.unknown(row, INSTALLATION_COLUMNS),
    )


def config_from_row(row: Row) -> ChannelConfig:
    """Read a row of ``mastra_channel_config``."""
    platform = columns.text(row, "platform")
    return ChannelConfig(
        platform=platform,
        data=_data(row, f"config {platform}"),
        updated_at=columns.moment(row, "updatedAt"),
        extra=columns.unknown(row, CONFIG_COLUMNS),
    )


def _data(row: Row, what: str) -> Any:
    try:
        return loads(columns.text(row, "data"))
    except ValueError:
        raise ProtocolError(f"Invalid channel data JSON for {what}") from None
