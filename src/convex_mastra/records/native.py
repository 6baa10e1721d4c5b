"""How a schema-declared vector index is named, and what a request says of it.

Written by users of ``ConvexNativeVector``, read by its operations. Defaults are those of
``defineMastraNativeVectorTable`` (@mastra/convex 1.5.2, dist/schema.js and dist/vector/native).
"""

from __future__ import annotations

import re
from typing import Any, Final

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.records.record import Record

_IDENTIFIER: Final = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{limits.IDENTIFIER_LENGTH - 1}}}")


class NativeIndex(Record, frozen=True, kw_only=True):
    """One vector index as the deployment's ``schema.ts`` declares it.

    Attributes:
        table_name: the Convex table.
        dimension: how many numbers its vectors have, 2 to 4,096.
        vector_index_name: the vector index on that table.
        id_field: the field that holds a vector's id.
        id_index_name: the index on that field.
        vector_field: the field that holds the vector.
        metadata_field: the field that holds the metadata.
        filter_fields: keys of the metadata that are also fields of the table, and of the vector
            index; queries can filter on these and no others. At most 16.

    Raises:
        InvalidArgumentError: a name or dimension that no Convex schema can declare.
    """

    table_name: str
    dimension: int
    vector_index_name: str = "by_embedding"
    id_field: str = "id"
    id_index_name: str = "by_record_id"
    vector_field: str = "embedding"
    metadata_field: str = "metadata"
    filter_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what the schema language would."""
        for name in (
            "table_name",
            "vector_index_name",
            "id_field",
            "id_index_name",
            "vector_field",
            "metadata_field",
        ):
            _check_identifier(getattr(self, name), name)
        smallest, largest = limits.NATIVE_DIMENSION_MIN, limits.NATIVE_DIMENSION_MAX
        if type(self.dimension) is not int or not smallest <= self.dimension <= largest:
            raise InvalidArgumentError(
                f"dimension must be an integer from {smallest} to {largest:,}, not "
                f"{self.dimension!r}.",
                field="dimension",
            )
        fields = self.filter_fields
        if not isinstance(fields, tuple) or len(fields) > limits.NATIVE_FILTER_FIELDS:
            raise InvalidArgumentError(
                f"filter_fields must be a tuple of at most {limits.NATIVE_FILTER_FIELDS} names, "
                f"not {fields!r}.",
                field="filter_fields",
            )
        taken = {self.id_field, self.vector_field, self.metadata_field}
        if len(taken) < 3:
            raise InvalidArgumentError(
                "id_field, vector_field and metadata_field must be three different names.",
                field="id_field",
            )
        for position, name in enumerate(fields):
            field = f"filter_fields[{position}]"
            _check_identifier(name, field)
            if name in taken:  # what is copied there from the metadata would overwrite it
                raise InvalidArgumentError(
                    f"{field} {name!r} is another field's name.", field=field
                )
            taken.add(name)


def native_config(index: NativeIndex) -> dict[str, Any]:
    """What the deployed functions are told of an index."""
    return {
        "tableName": index.table_name,
        "vectorIndexName": index.vector_index_name,
        "dimension": index.dimension,
        "idField": index.id_field,
        "idIndexName": index.id_index_name,
        "vectorField": index.vector_field,
        "metadataField": index.metadata_field,
        "filterFields": list(index.filter_fields),
    }


def _check_identifier(name: Any, field: str) -> None:
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise InvalidArgumentError(
            f"{field} must be a name that a Convex schema can declare (letters, digits and "
            f"underscores, a letter first, at most {limits.IDENTIFIER_LENGTH}), not {name!r}.",
            field=field,
        )
