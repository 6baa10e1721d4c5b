"""The arguments that the functions over native vector tables declare, and refusing others.

Called by ``native_vectors`` before anything else. Source: src/server/native-vector.ts.
"""

from __future__ import annotations

from typing import Final

from convex_mastra.backends.embedded.js import Thrown
from convex_mastra.backends.embedded.tables import Fields
from convex_mastra.backends.embedded.validators import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    NUMBERS,
    STRING,
    STRINGS,
    array,
    in_order,
    literals,
    object_of,
    optional,
    union,
    violation,
)
from convex_mastra.wire import Json

_CONFIG: Final = object_of(
    {
        "tableName": STRING,
        "vectorIndexName": STRING,
        "dimension": optional(NUMBER),
        "idField": optional(STRING),
        "idIndexName": optional(STRING),
        "vectorField": optional(STRING),
        "metadataField": optional(STRING),
        "filterFields": optional(STRINGS),
    }
)
_CLAUSE: Final = object_of({"field": STRING, "value": union(STRING, NUMBER, BOOLEAN, NULL)})

SEARCH: Final = in_order(
    {
        "config": _CONFIG,
        "vector": NUMBERS,
        "limit": optional(NUMBER),
        "filter": optional(_CLAUSE),
    }
)
READ: Final = in_order(
    {
        "op": literals("getByConvexIds", "describe", "listByIds"),
        "config": _CONFIG,
        "ids": optional(STRINGS),
        "includeVector": optional(BOOLEAN),
        "countLimit": optional(NUMBER),
    }
)
WRITE: Final = in_order(
    {
        "op": literals("upsert", "updateById", "deleteByIds"),
        "config": _CONFIG,
        "ids": optional(STRINGS),
        "vectors": optional(array(NUMBERS)),
        "metadata": optional(ANY),
        "id": optional(STRING),
        "vector": optional(NUMBERS),
    }
)


def check(fields: Fields, args: Json) -> None:
    """Refuse arguments that the function does not declare.

    Raises:
        Thrown: what is wrong, as Convex says it.
    """
    problem = violation(fields, args)
    if problem is not None:
        raise Thrown(f"ArgumentValidationError: {problem}")
