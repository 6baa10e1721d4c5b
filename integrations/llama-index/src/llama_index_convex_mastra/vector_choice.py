"""Which index a vector store is told of: by name, as an argument, in a dict, by a core's vector.

``NativeIndexField`` is the field of ``ConvexVectorStore``; a ``NativeIndex`` is no type that
pydantic knows, and ``to_dict`` must be JSON. Called by ``vector_store`` only; asks nothing of a
server.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from convex_mastra import (
    AsyncConvexNativeVector,
    AsyncConvexVector,
    ConfigurationError,
    ConvexNativeVector,
    ConvexVector,
    NativeIndex,
)
from convex_mastra.ops.arguments import kind_of

DEFAULT_INDEX_NAME: Final = "llama_index"
Vectors = ConvexVector | AsyncConvexVector | ConvexNativeVector | AsyncConvexNativeVector
Paths = tuple[str, str, str]
"""Of the deployed functions that search, read and write a native index."""


def as_native_index(value: Any) -> NativeIndex | None:
    """Return an index, also of the dict that ``to_dict`` made of one.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(value, dict):
        return NativeIndex(**{**value, "filter_fields": tuple(value.get("filter_fields", ()))})
    if value is None or isinstance(value, NativeIndex):
        return value
    raise ConfigurationError(f"native_index must be a NativeIndex; it is {kind_of(value)}.")


def _as_dict(index: NativeIndex | None) -> dict[str, Any] | None:
    if index is None:
        return None
    fields = {name: getattr(index, name) for name in index.__struct_fields__}
    return {**fields, "filter_fields": list(index.filter_fields)}


NativeIndexField = Annotated[
    NativeIndex | None,
    PlainValidator(as_native_index),
    PlainSerializer(_as_dict),
    WithJsonSchema({"type": ["object", "null"]}),
]


def chosen_index(
    index_name: str | None,
    native_index: NativeIndex | None,
    vector: Vectors | None,
    paths: Paths,
) -> tuple[str, NativeIndex | None, Paths]:
    """Return an index's name, the native index if it is one, and the paths of its functions.

    Raises:
        ConfigurationError: two are named, or one that a native *vector* does not know.
    """
    if isinstance(vector, ConvexNativeVector | AsyncConvexNativeVector):
        if native_index is not None:
            raise ConfigurationError("Pass either a native_index or a native vector, not both.")
        known = vector.native_vectors
        name = DEFAULT_INDEX_NAME if index_name is None else index_name
        native_index = known.indexes.get(name)
        if native_index is None:
            raise ConfigurationError(
                f"The native vector has no index {name!r}; it has "
                f"{', '.join(map(repr, known.indexes)) or 'none'}."
            )
        paths = (known.search_function, known.read_function, known.write_function)
        return native_index.table_name, native_index, paths
    if vector is not None and not isinstance(vector, ConvexVector | AsyncConvexVector):
        raise ConfigurationError(f"vector must be one of the core's; it is {kind_of(vector)}.")
    if native_index is None:
        return DEFAULT_INDEX_NAME if index_name is None else index_name, None, paths
    if index_name not in (None, native_index.table_name):
        raise ConfigurationError(
            f"Give either index_name or native_index, not both: {index_name!r} and the table "
            f"{native_index.table_name!r}."
        )
    return native_index.table_name, native_index, paths
