"""Operations on channels: ``mastra_channel_installations`` and ``mastra_channel_config``.

Behaves as ChannelsConvex of @mastra/convex 1.5.2 (dist/storage/domains/channels). Called by the
faces of ``store.channels``. The first operation of a backend on channels makes one round trip more,
which finds out whether the deployed handler has them.
"""

from __future__ import annotations

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.flow import Flow, Gather
from convex_mastra.jsontext import dumps
from convex_mastra.ops.abilities import CHANNELS_TABLES, require
from convex_mastra.ops.arguments import one_of, optional_text, required_text
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.clearing import clear_table
from convex_mastra.ops.storage import (
    delete_rows,
    load,
    query_rows,
)
from convex_mastra.ops.target import Target
from convex_mastra.records import (
    INSTALLATION_STATUSES,
    ChannelConfig,
    ChannelInstallation,
    Row,
    config_from_row,
    installation_from_row,
)
from convex_mastra.timestamps import checked, to_text
from convex_mastra.values import check_document_size, measure
from convex_mastra.wire import CHANNEL_CONFIG, CHANNEL_INSTALLATIONS


def save_installation(target: Target, installation: ChannelInstallation) -> Flow[None]:
    """Create an installation, or overwrite the one of that id.

    ``updated_at`` becomes the time now; the ``created_at`` of one that exists stays.

    Raises:
        InvalidArgumentError: a field that cannot be stored, named. Nothing was sent.

    Cost: one round trip; two for a new installation.
    """
    row = _installation_row(target, installation)
    check_document_size(measure(row, "installation"), "installation")
    yield from require(target, CHANNELS_TABLES)
    changes = {name: value for name, value in row.items() if name not in ("id", "createdAt")}
    reply = yield from call_storage(
        target, "patch", CHANNEL_INSTALLATIONS, id=installation.id, record=changes
    )
    if reply.result is not True:
        yield from call_storage(target, "insert", CHANNEL_INSTALLATIONS, record=row)


def get_installation(target: Target, installation_id: str) -> Flow[ChannelInstallation | None]:
    """Return an installation, or None if there is none. One round trip."""
    required_text(installation_id, "installation_id")
    yield from require(target, CHANNELS_TABLES)
    row = yield from load(target, CHANNEL_INSTALLATIONS, installation_id)
    return None if row is None else installation_from_row(row)


def get_installation_by_agent(
    target: Target, platform: str, agent_id: str
) -> Flow[ChannelInstallation | None]:
    """Return an agent's installation on a platform, or None if there is none. One round trip.

    Of several, an active one comes before a pending one, and that before one with an error; of
    those of one status, the one saved last.
    """
    filters = {
        "platform": required_text(platform, "platform"),
        "agentId": required_text(agent_id, "agent_id"),
    }
    found = yield from _installations(target, filters)
    return min(found, key=_rank, default=None)


def get_installation_by_webhook_id(
    target: Target, webhook_id: str
) -> Flow[ChannelInstallation | None]:
    """Return the installation of a webhook, or None if there is none. One round trip.

    Of several, the one saved last.
    """
    filters = {"webhookId": required_text(webhook_id, "webhook_id")}
    found = yield from _installations(target, filters)
    return max(found, key=lambda installation: installation.updated_at, default=None)


def list_installations(target: Target, platform: str) -> Flow[list[ChannelInstallation]]:
    """Return all installations on a platform, newest first. One round trip.

    Raises:
        ScanLimitError: there are more than the deployment reads in one call.
    """
    filters = {"platform": required_text(platform, "platform")}
    found = yield from _installations(target, filters)
    return sorted(found, key=lambda installation: installation.created_at, reverse=True)


def delete_installation(target: Target, installation_id: str) -> Flow[None]:
    """Delete an installation; no error if there is none. One round trip."""
    required_text(installation_id, "installation_id")
    yield from require(target, CHANNELS_TABLES)
    yield from delete_rows(target, CHANNEL_INSTALLATIONS, [installation_id])


def save_config(target: Target, config: ChannelConfig) -> Flow[None]:
    """Create a platform's configuration, or overwrite it. One round trip.

    Raises:
        InvalidArgumentError: a field that cannot be stored, named. Nothing was sent.
    """
    row = _config_row(config)
    check_document_size(measure(row, "config"), "config")
    yield from require(target, CHANNELS_TABLES)
    yield from call_storage(target, "insert", CHANNEL_CONFIG, record=row)


def get_config(target: Target, platform: str) -> Flow[ChannelConfig | None]:
    """Return a platform's configuration, or None if there is none. One round trip."""
    required_text(platform, "platform")
    yield from require(target, CHANNELS_TABLES)
    row = yield from load(target, CHANNEL_CONFIG, platform)
    return None if row is None else config_from_row(row)


def delete_config(target: Target, platform: str) -> Flow[None]:
    """Delete a platform's configuration; no error if there is none. One round trip."""
    required_text(platform, "platform")
    yield from require(target, CHANNELS_TABLES)
    yield from delete_rows(target, CHANNEL_CONFIG, [platform])


def dangerously_clear_all(target: Target) -> Flow[None]:
    """Delete all installations and configurations of the deployment.

    One round trip for every 25 rows of each table, the tables side by side.
    """
    yield from require(target, CHANNELS_TABLES)
    yield Gather([clear_table(target, table) for table in (CHANNEL_INSTALLATIONS, CHANNEL_CONFIG)])


def _installations(target: Target, filters: dict[str, str]) -> Flow[list[ChannelInstallation]]:
    yield from require(target, CHANNELS_TABLES)
    rows = yield from query_rows(target, CHANNEL_INSTALLATIONS, filters)
    return [installation_from_row(row) for row in rows]


def _rank(installation: ChannelInstallation) -> tuple[int, float]:
    """The best one first; a status that this version does not know last."""
    status = installation.status
    place = INSTALLATION_STATUSES.index(status) if status in INSTALLATION_STATUSES else 3
    return place, -installation.updated_at.timestamp()


def _installation_row(target: Target, installation: ChannelInstallation) -> Row:
    if not isinstance(installation, ChannelInstallation):
        raise InvalidArgumentError(
            f"installation must be a ChannelInstallation, not {type(installation).__name__}.",
            field="installation",
        )
    return {
        **installation.extra,
        "id": required_text(installation.id, "installation.id"),
        "platform": required_text(installation.platform, "installation.platform"),
        "agentId": required_text(installation.agent_id, "installation.agent_id"),
        "status": one_of(installation.status, INSTALLATION_STATUSES, "installation.status"),
        "webhookId": optional_text(installation.webhook_id, "installation.webhook_id"),
        "data": dumps(installation.data, "installation.data"),
        "configHash": optional_text(installation.config_hash, "installation.config_hash"),
        "error": optional_text(installation.error, "installation.error", may_be_empty=True),
        "createdAt": to_text(checked(installation.created_at, "installation.created_at")),
        "updatedAt": to_text(target.clock.now()),
    }


def _config_row(config: ChannelConfig) -> Row:
    if not isinstance(config, ChannelConfig):
        raise InvalidArgumentError(
            f"config must be a ChannelConfig, not {type(config).__name__}.", field="config"
        )
    platform = required_text(config.platform, "config.platform")
    return {
        **config.extra,
        "id": platform,
        "platform": platform,
        "data": dumps(config.data, "config.data"),
        "updatedAt": to_text(checked(config.updated_at, "config.updated_at")),
    }
