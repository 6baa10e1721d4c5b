"""Values of JSON with any one place changed."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

GONE: Final = "(gone)"
"""Instead of a value: there is none in its place."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something is in a value, itself first."""
    yield path
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[name], (*path, name))


def changed(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy of a value that has *junk* in one place."""
    if not path:
        return {} if junk is GONE else junk
    copied = inner = deepcopy(value)
    for name in path[:-1]:
        inner = inner[name]
    if junk is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = junk
    return copied
