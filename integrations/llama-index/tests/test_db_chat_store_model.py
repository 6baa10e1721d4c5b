"""``ConvexDBChatStore`` answers as core's ``SQLAlchemyChatStore`` does over SQLite.

Where core's is known to be wrong (no messages to add are an error) ``test_db_chat_store`` says what
is right; such steps are not drawn. Core deletes a message by the number of its row, this store by
its place: the model looks the row up. A key without messages is no key to core; here its thread is
still there.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.base.llms.types import ImageBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage, TextBlock
from llama_index.core.storage.chat_store.base_db import MessageStatus
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from sqlalchemy import select

from convex_mastra import open_backend
from llama_index_convex_mastra import ConvexDBChatStore

STATUSES = st.sampled_from(MessageStatus)
KEYS = st.sampled_from(["k", "clé/#"])
PLACES = st.none() | st.integers(0, 5)
BLOCKS = st.one_of(
    st.builds(TextBlock, text=st.text(max_size=3)),
    st.just(ImageBlock(image=b"\x89PNG\r\n\x1a\n0", image_mimetype="image/png")),
    st.just(ToolCallBlock(tool_call_id="c", tool_name="t", tool_kwargs={"z": 1, "$a": 2.5})),
)
MESSAGES = st.builds(
    ChatMessage,
    role=st.sampled_from(["user", "assistant", "system", "tool"]),
    blocks=st.lists(BLOCKS, max_size=2),
    additional_kwargs=st.sampled_from([{}, {"tool_call_id": "c"}, {"z": 1, "": [None, 2.0]}]),
)
STEPS = st.one_of(
    st.tuples(st.just("add_message"), KEYS, MESSAGES, STATUSES),
    st.tuples(st.just("add_messages"), KEYS, st.lists(MESSAGES, min_size=1, max_size=4), STATUSES),
    st.tuples(st.just("set_messages"), KEYS, st.lists(MESSAGES, max_size=3), STATUSES),
    st.tuples(st.just("get_messages"), KEYS, st.none() | STATUSES, PLACES, PLACES),
    st.tuples(st.just("count_messages"), KEYS, st.none() | STATUSES),
    st.tuples(st.just("delete_message"), KEYS, st.integers(0, 4)),
    st.tuples(st.just("delete_messages"), KEYS, st.none() | STATUSES),
    st.tuples(st.just("delete_oldest_messages"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("archive_oldest_messages"), KEYS, st.integers(0, 3)),
)


class Model(SQLAlchemyChatStore):
    """Core's store, which deletes by place."""

    async def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        sessions, table = await self._initialize()
        active = (table.c.key == key) & (table.c.status == "active")
        query = select(table.c.id).where(active).order_by(table.c.timestamp, table.c.id)
        async with sessions() as session:
            ids = [row.id for row in await session.execute(query)]
        return await super().delete_message(key, ids[idx]) if idx < len(ids) else None


async def play(steps: list[tuple[Any, ...]]) -> None:
    backend = open_backend(":memory:")
    store, model = ConvexDBChatStore(backend=backend), Model("messages")
    for name, *args in steps:
        expected = await getattr(model, name)(*args)
        assert await getattr(store, name)(*args) == expected, (name, *args)
    for key in await model.get_keys():
        assert key in await store.get_keys()
        expected = await model.get_messages(key, None)
        found = await store.get_messages(key, None)
        assert [one.model_dump_json() for one in found] == [
            one.model_dump_json() for one in expected
        ]
    await model._async_engine.dispose()
    await backend.aclose()


@settings(max_examples=30)
@given(st.lists(STEPS, min_size=1, max_size=12))
def test_the_replies_are_those_of_the_sql_store(steps: list[tuple[Any, ...]]) -> None:
    asyncio.run(play(steps))
