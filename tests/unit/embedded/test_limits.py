"""What one call may read and write, as on a deployment."""

from __future__ import annotations

import pytest

from convex_mastra import limits
from convex_mastra.backends.embedded import EmbeddedBackend
from convex_mastra.errors import FunctionError
from tests.unit.embedded.storage import message, result, send, thread


def test_4096_index_ranges(backend: EmbeddedBackend) -> None:
    send(backend, "deleteMany", "mastra_messages", ids=[f"m{n}" for n in range(4096)])
    with pytest.raises(FunctionError) as caught:
        send(backend, "deleteMany", "mastra_messages", ids=[f"m{n}" for n in range(4097)])
    assert caught.value.message == (
        "Too many reads in a single function execution (limit: 4096). Consider using smaller "
        "limits in your queries, paginating your queries, or using indexed queries with a "
        "selective index range expressions."
    )


def test_15_mib_go_in_one_call(backend: EmbeddedBackend) -> None:
    rows = [thread(str(n), title="x" * (2**20 - 400)) for n in range(15)]
    send(backend, "batchInsert", "mastra_threads", records=rows)
    assert len(result(backend, "queryTable", "mastra_threads")) == 15


def test_writes_beyond_the_budget_roll_everything_back(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRANSACTION_WRITE_BYTES", 10_000)
    rows = [message(n, content="x" * 1_000) for n in range(20)]
    with pytest.raises(FunctionError) as caught:
        send(backend, "batchInsert", "mastra_messages", records=rows)
    assert caught.value.message == (
        "Too many bytes written in a single function execution (limit: 10000 bytes)"
    )
    assert result(backend, "queryTable", "mastra_messages") == []


def test_documents_written(backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSACTION_DOCUMENTS_WRITTEN", 10)
    send(backend, "batchInsert", "mastra_messages", records=[message(n) for n in range(10)])
    with pytest.raises(FunctionError, match=r"^Too many writes .*\(limit: 10\)"):
        send(
            backend, "batchInsert", "mastra_messages", records=[message(n + 20) for n in range(11)]
        )


def test_a_patch_that_changes_nothing_is_no_write(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [message(n) for n in range(20)]
    send(backend, "batchInsert", "mastra_messages", records=rows)
    monkeypatch.setattr(limits, "TRANSACTION_DOCUMENTS_WRITTEN", 1)
    send(backend, "batchInsert", "mastra_messages", records=[*rows, message(0, content="new")])
    changed = [message(n, content="newer") for n in range(2)]
    with pytest.raises(FunctionError, match="Too many writes"):
        send(backend, "batchInsert", "mastra_messages", records=changed)


def test_rows_that_a_filter_drops_count_as_read(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(backend, "batchInsert", "mastra_messages", records=[message(n) for n in range(30)])
    monkeypatch.setattr(limits, "TRANSACTION_DOCUMENTS_READ", 29)
    nobody = [{"field": "role", "value": "nobody"}]
    with pytest.raises(FunctionError, match=r"^Too many documents read .*\(limit: 29\)\. Consider"):
        send(backend, "queryTable", "mastra_messages", filters=nobody)
    monkeypatch.setattr(limits, "TRANSACTION_DOCUMENTS_READ", 30)
    assert result(backend, "queryTable", "mastra_messages", filters=nobody) == []


def test_bytes_read(backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    send(backend, "batchInsert", "mastra_messages", records=[message(n) for n in range(30)])
    monkeypatch.setattr(limits, "TRANSACTION_READ_BYTES", 2_000)
    with pytest.raises(FunctionError, match=r"^Too many bytes read .*\(limit: 2000 bytes\)"):
        send(backend, "queryTable", "mastra_messages")


def test_a_read_of_more_than_16_mib_is_refused(backend: EmbeddedBackend) -> None:
    big = "x" * (2**20 - 400)
    for n in range(17):
        send(backend, "insert", "mastra_threads", record=thread(str(n), title=big))
    with pytest.raises(FunctionError, match=r"\(limit: 16777216 bytes\)"):
        send(backend, "queryTable", "mastra_threads")
    assert len(result(backend, "queryTable", "mastra_threads", limit=8)) == 8


def test_vector_operations_answer_with_the_limit_and_keep_what_they_wrote(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRANSACTION_DOCUMENTS_WRITTEN", 30)
    rows = [{"id": f"v{n}", "embedding": [float(n)]} for n in range(60)]
    reply = send(backend, "batchInsert", "mastra_vector_v", records=rows)
    assert reply == {
        "error": "Too many writes in a single function execution (limit: 30)",
        "ok": False,
    }
    kept = result(backend, "queryTable", "mastra_vector_v")
    assert [row["id"] for row in kept] == [f"v{n}" for n in range(30)]


def test_a_scan_stops_at_10_000_rows_without_saying_so(
    backend: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCAN_ROWS", 20)
    send(backend, "batchInsert", "mastra_messages", records=[message(n) for n in range(30)])
    assert len(result(backend, "queryTable", "mastra_messages")) == 20
    assert len(result(backend, "queryTable", "mastra_messages", limit=25)) == 20
    last = {"role": "user", "content": "{}", "createdAt": message(29)["createdAt"]}
    assert result(backend, "load", "mastra_messages", keys=last) is None
