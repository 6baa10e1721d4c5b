"""Arbitrary conversations on every lane and face: what is added is read, equal and in order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given, settings
from langchain_core.messages import BaseMessage

from integrations.langchain.tests.strategies import CONVERSATIONS, deliveries
from langchain_convex_mastra import ConvexChatMessageHistory
from tests.lanes import FACES, Deployment, with_older_lanes

pytestmark = with_older_lanes


def drawn() -> list[list[list[BaseMessage]]]:
    """Some conversations, each cut into the batches in which it is added."""
    conversations: list[list[list[BaseMessage]]] = []

    @given(CONVERSATIONS, deliveries())
    @settings(max_examples=12, deadline=None, database=None)
    def draw(conversation: list[BaseMessage], batches: list[list[BaseMessage]]) -> None:
        conversations.extend([[conversation], batches])

    draw()
    return conversations


@pytest.mark.parametrize("face", FACES)
async def test_any_conversation_comes_back(
    deployment: Deployment, unique: Callable[[str], str], face: str
) -> None:
    for batches in drawn():
        prefix = unique("m")
        for message in chain.from_iterable(batches):  # ids are of the whole deployment
            message.id = message.id and f"{prefix}-{message.id}"
        async with ConvexChatMessageHistory(
            unique("t"),
            deployment_url=deployment.url,
            admin_auth_token=deployment.admin_key,
            storage_function=deployment.storage_function,
        ) as history:
            for batch in batches:
                if face == "async":
                    await history.aadd_messages(batch)
                else:
                    history.add_messages(batch)
            read = await history.aget_messages() if face == "async" else history.messages
        assert read == list(chain.from_iterable(batches))
