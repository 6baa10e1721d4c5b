"""JavaScript's rules, wherever an answer of Mastra's server rests on them.

The handlers re-tell TypeScript; what a falsy id, a missing key or ``"5" * 2`` does there is said
here once. Called by the handlers as ``js.…``; knows no tables.
"""

from convex_mastra.backends.embedded.js.clock import now
from convex_mastra.backends.embedded.js.conversion import (
    add,
    at_least,
    at_most,
    join,
    larger,
    less,
    number_to_string,
    smaller,
    to_number,
    to_string,
    trim,
)
from convex_mastra.backends.embedded.js.kinds import (
    UNDEFINED,
    Thrown,
    Undefined,
    encoded,
    integer,
    kind,
    number,
)
from convex_mastra.backends.embedded.js.objects import (
    get,
    has,
    in_batches,
    is_finite,
    is_integer,
    iterate,
    slice_of,
    spread,
    strictly_equal,
    truthy,
    unique,
)

__all__ = [
    "UNDEFINED",
    "Thrown",
    "Undefined",
    "add",
    "at_least",
    "at_most",
    "encoded",
    "get",
    "has",
    "in_batches",
    "integer",
    "is_finite",
    "is_integer",
    "iterate",
    "join",
    "kind",
    "larger",
    "less",
    "now",
    "number",
    "number_to_string",
    "slice_of",
    "smaller",
    "spread",
    "strictly_equal",
    "to_number",
    "to_string",
    "trim",
    "truthy",
    "unique",
]
