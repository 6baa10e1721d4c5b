"""The embedded backend against Mastra's own server, by random sequences of operations.

Both must give the same reply to every operation and end with the same rows in the same order.
The reference is the npm package's handler in Convex's mock; ``comparison`` says what the mock
words otherwise, ``drawing`` how many sequences are drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.operations import CACHE_REPEATABLE, REPEATABLE
from tests.property import cache_operations, operations
from tests.property.comparison import (
    agree,
    embedded_place,
    embedded_rows,
    empty,
    reference_place,
)
from tests.property.drawing import TESTS, share_of_sequences
from tests.reference import ReferenceServer

GROUPS: Final = {
    **{group: operations.sequences(group) for group in operations.GROUPS},
    "cache": cache_operations.sequences(),
}
"""What is drawn together: steps of each group act on rows of their own."""


def test_every_operation_is_drawn() -> None:
    drawn = Path(operations.__file__).read_text() + Path(cache_operations.__file__).read_text()
    missing = [op for op in (*REPEATABLE, *CACHE_REPEATABLE) if f'"{op}"' not in drawn]
    assert missing == []
    assert len(GROUPS) + 1 == TESTS


@pytest.mark.parametrize("group", GROUPS)
@share_of_sequences
@given(data=st.data())
def test_same_replies_and_same_rows(
    server: ReferenceServer,
    http: httpx.Client,
    backend: EmbeddedBackend,
    group: str,
    data: st.DataObject,
) -> None:
    steps = data.draw(GROUPS[group])
    server.reset()
    empty(backend)
    ours, theirs = embedded_place(backend), reference_place(server, http)
    for number, step in enumerate(steps, start=1):
        expected, answer = theirs.run(step), ours.run(step)
        if not agree(answer, expected):
            note(f"step {number} of {len(steps)}: {step}")
            assert answer == expected
    assert _comparable(ours, embedded_rows(backend)) == _comparable(theirs, server.rows())


def _comparable(place: Any, tables: dict[str, list[Any]]) -> Any:
    # Identities are numbered as they appear, so both places must be walked in the same order.
    return {name: place.comparable(tables[name]) for name in sorted(tables) if tables[name]}
