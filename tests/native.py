"""The native vector tables that the reference deployment declares, as Python's clients see them.

The schema of the same tables is ``tests/node/reference/native_tables.ts``.
"""

from __future__ import annotations

from typing import Any, Final

from convex_mastra import NativeIndex, wire
from convex_mastra.records import native_config

INDEXES: Final = {
    "plain": NativeIndex(table_name="native_plain", dimension=3),
    "docs": NativeIndex(
        table_name="native_docs",
        dimension=2,
        vector_index_name="by_vector",
        id_field="key",
        id_index_name="by_key",
        vector_field="vector",
        metadata_field="about",
        filter_fields=("tag", "page"),
    ),
}
NODES: Final = NativeIndex(
    table_name="native_nodes", dimension=3, filter_fields=("ref_doc_id", "tag", "page")
)
"""For llama-index, which deletes by ``ref_doc_id``. Not in ``INDEXES``, from which tests draw."""
CONFIGS: Final[dict[str, dict[str, Any]]] = {
    name: native_config(index) for name, index in INDEXES.items()
}


def search_call(**args: Any) -> wire.FunctionCall:
    """A call of the action."""
    return wire.FunctionCall("action", wire.NATIVE_SEARCH_FUNCTION, args, "vectorSearch", True)


def read_call(op: Any, **args: Any) -> wire.FunctionCall:
    """A call of the query."""
    return wire.FunctionCall("query", wire.NATIVE_READ_FUNCTION, {"op": op, **args}, str(op), True)


def write_call(op: Any, **args: Any) -> wire.FunctionCall:
    """A call of the mutation."""
    return wire.FunctionCall(
        "mutation", wire.NATIVE_WRITE_FUNCTION, {"op": op, **args}, str(op), True
    )
