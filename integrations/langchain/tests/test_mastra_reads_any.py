"""Whatever LangChain conversation is stored, no form that Mastra gives it throws."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from langchain_core.messages import BaseMessage

from integrations.langchain.tests.memory_of_rows import Rows
from integrations.langchain.tests.strategies import CONVERSATIONS, deliveries
from tests.interop.node import run_node


def test_no_form_throws() -> None:
    stored: list[dict[str, Any]] = []

    @given(CONVERSATIONS, deliveries())
    @settings(max_examples=60, deadline=None, database=None)
    def store(conversation: list[BaseMessage], batches: list[list[BaseMessage]]) -> None:
        for delivery in ([conversation], batches):
            rows = Rows()
            for batch in delivery:
                rows.add(batch)
            for row in rows.rows.values():
                second, minute = len(stored) % 60, len(stored) // 60
                stored.append(
                    {
                        "id": f"row-{len(stored)}",
                        "threadId": "t",
                        "resourceId": "r",
                        "role": row.role,
                        "type": row.type,
                        "content": row.content,
                        "createdAt": f"2026-01-01T00:{minute:02}:{second:02}.000Z",
                    }
                )

    store()
    forms = run_node("messagelist.ts", {"messages": stored})["forms"]
    thrown = {name: form for name, form in forms.items() if isinstance(form, dict)}
    assert thrown == {}
    read = [row["id"] for row in forms["db"]]
    assert read == [row["id"] for row in stored if row["role"] != "system"]
