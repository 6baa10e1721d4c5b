"""Channels, as ChannelsConvex of @mastra/convex 1.5.2 has them, on every lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra import (
    ChannelConfig,
    ChannelInstallation,
    FunctionError,
    InvalidArgumentError,
)
from tests.lanes import Clients

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
NAIVE = datetime(2026, 1, 2)  # noqa: DTZ001
EXACT = {
    "z": 1,
    "a": {"$schema": "x", "température": [1.0, 1, 2**60, -0.5, None, True]},
    "": "größer 🌍 \ud800",
    "_id": 'quote " and \\',
}


def installation(installation_id: str, **changes: Any) -> ChannelInstallation:
    made = ChannelInstallation(
        id=installation_id,
        platform="slack",
        agent_id="a",
        status="active",
        data={"token": "t"},
        created_at=START,
        updated_at=START,
    )
    return made.replace(**changes)


async def test_an_installation_comes_back_as_it_was_saved(clients: Clients, unique: Unique) -> None:
    channels = clients.domain("channels")
    made = installation(
        unique("i"),
        platform=unique("slack"),
        agent_id="größer",
        status="error",
        webhook_id=unique("hook"),
        data=EXACT,
        config_hash="hash",
        error="",
    )
    before = datetime.now(UTC)
    assert await channels.save_installation(made) is None
    found = await channels.get_installation(made.id)
    assert found == made.replace(updated_at=found.updated_at)
    assert found.updated_at >= before.replace(microsecond=before.microsecond // 1000 * 1000)
    assert repr(found.data) == repr(EXACT), "order of keys, and 1 apart from 1.0"
    assert await channels.get_installation(unique("nobody")) is None


@pytest.mark.parametrize("data", [{}, [], [EXACT], None, "text", '{"a": 1}', 42, 1.5, False])
async def test_data_is_any_json(clients: Clients, unique: Unique, data: Any) -> None:
    channels = clients.domain("channels")
    made = installation(unique("i"), data=data)
    await channels.save_installation(made)
    config = ChannelConfig(platform=unique("slack"), data=data, updated_at=START)
    await channels.save_config(config)
    found = (await channels.get_installation(made.id)).data
    assert (type(found), repr(found)) == (type(data), repr(data))
    assert await channels.get_config(config.platform) == config


async def test_saving_again_keeps_when_it_was_made(clients: Clients, unique: Unique) -> None:
    channels = clients.domain("channels")
    made = installation(unique("i"), webhook_id="hook", error="broken", config_hash="h")
    clients.requests()
    await channels.save_installation(made)
    first = await channels.get_installation(made.id)
    again = installation(made.id, status="pending", created_at=START + timedelta(days=1), data=[1])
    clients.requests()
    await channels.save_installation(again)
    assert clients.requests() == ["patch mastra_channel_installations"]
    found = await channels.get_installation(made.id)
    assert found == again.replace(created_at=START, updated_at=found.updated_at)
    assert (found.webhook_id, found.error, found.config_hash) == (None, None, None)
    assert found.updated_at >= first.updated_at


async def test_an_agent_with_several_installations(clients: Clients, unique: Unique) -> None:
    channels = clients.domain("channels")
    platform, agent_id = unique("slack"), unique("a")

    async def save(name: str, status: str, **changes: Any) -> None:
        await channels.save_installation(
            installation(
                f"{name}-{platform}",
                **{"platform": platform, "agent_id": agent_id, "status": status, **changes},
            )
        )
        await _next_millisecond()

    async def best() -> str | None:
        found = await channels.get_installation_by_agent(platform, agent_id)
        return None if found is None else found.id.partition("-")[0]

    assert await best() is None
    await save("other-platform", "active", platform=unique("discord"))
    await save("other-agent", "active", agent_id=unique("b"))
    assert await best() is None
    await save("failed", "error")
    assert await best() == "failed"
    await save("waiting", "pending")
    assert await best() == "waiting"
    await save("failed", "error")
    assert await best() == "waiting", "however new the failed one"
    await save("one", "active")
    await save("two", "active")
    await save("waiting", "pending")
    assert await best() == "two", "of the active ones the one saved last"
    await save("one", "active")
    assert await best() == "one"


async def test_an_installation_is_found_by_its_webhook(clients: Clients, unique: Unique) -> None:
    channels = clients.domain("channels")
    webhook_id = unique("hook")
    assert await channels.get_installation_by_webhook_id(webhook_id) is None
    first, second = unique("i"), unique("i")
    for installation_id in (first, second, first):
        await channels.save_installation(installation(installation_id, webhook_id=webhook_id))
        await _next_millisecond()
    found = await channels.get_installation_by_webhook_id(webhook_id)
    assert found.id == first, "the one saved last"


async def test_listing_installations(clients: Clients, unique: Unique) -> None:
    channels = clients.domain("channels")
    platform = unique("slack")
    made = [
        installation(unique(f"i{day}"), platform=platform, created_at=START + timedelta(days=day))
        for day in (1, 3, 2)
    ]
    for one in made:
        await channels.save_installation(one)
    await channels.save_installation(installation(unique("i"), platform=unique("discord")))
    listed = await channels.list_installations(platform)
    assert [one.id for one in listed] == [made[1].id, made[2].id, made[0].id], "newest first"
    await channels.delete_installation(made[1].id)
    await channels.delete_installation(made[1].id)
    assert await channels.get_installation(made[1].id) is None
    assert len(await channels.list_installations(platform)) == 2
    assert await channels.list_installations(unique("nobody")) == []


async def test_configurations(clients: Clients, unique: Unique) -> None:
    channels = clients.domain("channels")
    platform = unique("slack")
    assert await channels.get_config(platform) is None
    config = ChannelConfig(platform=platform, data=EXACT, updated_at=START)
    assert await channels.save_config(config) is None
    found = await channels.get_config(platform)
    assert found == config, "the time is as given"
    assert repr(found.data) == repr(EXACT)
    newer = ChannelConfig(platform=platform, data={}, updated_at=START + timedelta(days=1))
    await channels.save_config(newer)
    assert await channels.get_config(platform) == newer
    await channels.delete_config(platform)
    await channels.delete_config(platform)
    assert await channels.get_config(platform) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "installation.id"),
        ({"platform": ""}, "installation.platform"),
        ({"agent_id": None}, "installation.agent_id"),
        ({"status": "installed"}, "installation.status"),
        ({"status": 7}, "installation.status"),
        ({"webhook_id": ""}, "installation.webhook_id"),
        ({"data": object()}, "installation.data"),
        ({"data": [float("nan")]}, "installation.data"),
        ({"data": "x" * 1_100_000}, "installation"),
        ({"config_hash": 7}, "installation.config_hash"),
        ({"error": ValueError("x")}, "installation.error"),
        ({"error": "\ud800"}, "installation.error"),
        ({"created_at": NAIVE}, "installation.created_at"),
        ({"created_at": "2026"}, "installation.created_at"),
    ],
)
async def test_refused_installations(clients: Clients, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("channels").save_installation(installation("i", **changes))
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"platform": "slack"}, "config"),
        (ChannelConfig(platform="", data={}), "config.platform"),
        (ChannelConfig(platform="slack", data={1, 2}), "config.data"),
        (
            ChannelConfig(platform="slack", data={}, updated_at=NAIVE),
            "config.updated_at",
        ),
        (ChannelConfig(platform="slack", data="x" * 1_100_000), "config"),
    ],
)
async def test_refused_configurations(clients: Clients, config: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.domain("channels").save_config(config)
    assert caught.value.field == field
    assert clients.requests() == []


@pytest.mark.parametrize(
    ("operation", "args", "field"),
    [
        ("save_installation", ({"id": "i"},), "installation"),
        ("get_installation", ("",), "installation_id"),
        ("get_installation_by_agent", ("", "a"), "platform"),
        ("get_installation_by_agent", ("slack", ""), "agent_id"),
        ("get_installation_by_webhook_id", (None,), "webhook_id"),
        ("list_installations", ("",), "platform"),
        ("delete_installation", ("",), "installation_id"),
        ("get_config", ("",), "platform"),
        ("delete_config", (7,), "platform"),
    ],
)
async def test_refused_arguments(
    clients: Clients, operation: str, args: tuple[Any, ...], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await getattr(clients.domain("channels"), operation)(*args)
    assert caught.value.field == field
    assert clients.requests() == []


async def test_an_unknown_column_is_refused_by_the_deployment(
    clients: Clients, unique: Unique
) -> None:
    channels = clients.domain("channels")
    made = installation(unique("i"), extra={"colour": "red"})
    with pytest.raises(FunctionError):
        await channels.save_installation(made)
    assert await channels.get_installation(made.id) is None


async def test_clearing_everything(clients: Clients, unique: Unique) -> None:
    if clients.deployment.lane == "live":
        pytest.skip("would empty a deployment that is not ours")
    channels = clients.domain("channels")
    platform = unique("slack")
    for position in range(30):
        await channels.save_installation(installation(unique(f"i{position}"), platform=platform))
    await channels.save_config(ChannelConfig(platform=platform, data={}))
    await channels.dangerously_clear_all()
    assert await channels.list_installations(platform) == []
    assert await channels.get_config(platform) is None


async def _next_millisecond() -> None:
    """Wait until the clock shows another millisecond: what is saved then is saved later."""
    before = datetime.now(UTC)
    while datetime.now(UTC) - before < timedelta(milliseconds=1):
        pass
