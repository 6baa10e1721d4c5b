"""``store.channels``: installations and configurations, one line an operation and face.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import channels


class Channels(Face):
    """Channel installations and configs, blocking. Source: ChannelsConvex of @mastra/convex 1.5.2."""

    save_installation = blocking(channels.save_installation)
    get_installation = blocking(channels.get_installation)
    get_installation_by_agent = blocking(channels.get_installation_by_agent)
    get_installation_by_webhook_id = blocking(channels.get_installation_by_webhook_id)
    list_installations = blocking(channels.list_installations)
    delete_installation = blocking(channels.delete_installation)
    save_config = blocking(channels.save_config)
    get_config = blocking(channels.get_config)
    delete_config = blocking(channels.delete_config)
    dangerously_clear_all = blocking(channels.dangerously_clear_all)


class AsyncChannels(Face):
    """Channel installations and configs, async. Source: ChannelsConvex of @mastra/convex 1.5.2."""

    save_installation = nonblocking(channels.save_installation)
    get_installation = nonblocking(channels.get_installation)
    get_installation_by_agent = nonblocking(channels.get_installation_by_agent)
    get_installation_by_webhook_id = nonblocking(channels.get_installation_by_webhook_id)
    list_installations = nonblocking(channels.list_installations)
    delete_installation = nonblocking(channels.delete_installation)
    save_config = nonblocking(channels.save_config)
    get_config = nonblocking(channels.get_config)
    delete_config = nonblocking(channels.delete_config)
    dangerously_clear_all = nonblocking(channels.dangerously_clear_all)
