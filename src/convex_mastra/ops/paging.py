"""Pages, metadata filters and what to include, by Mastra's rules and in its words.

Pure functions on arguments and lists. Source: @mastra/core 1.71 storage utilities
(validatePaginationInput, normalizePerPage, validateMetadataKeys, validateStorageMetadataFilter).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from convex_mastra.errors import InvalidArgumentError
from convex_mastra.ops.arguments import many
from convex_mastra.records import Include, PerPage

Item = TypeVar("Item")
Direction = Literal["ASC", "DESC"]

MAX_SAFE_INTEGER: Final = 2**53 - 1
METADATA_KEY_LENGTH: Final = 128
_SAFE_KEY: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_DISALLOWED_KEYS: Final = frozenset({"__proto__", "prototype", "constructor"})


def check_page(page: Any, per_page: Any, *, code: str | None = None) -> None:
    """Refuse a page that cannot exist.

    Raises:
        InvalidArgumentError: with Mastra's text and *code*.
    """
    if per_page is not False:
        if type(per_page) is not int or per_page > MAX_SAFE_INTEGER:
            raise InvalidArgumentError(
                "perPage must be false or a safe integer", field="per_page", code=code
            )
        if per_page < 0:
            raise InvalidArgumentError("perPage must be >= 0", field="per_page", code=code)
    if type(page) is not int or page < 0:
        raise InvalidArgumentError("page must be >= 0", field="page", code=code)
    if per_page is False and page != 0:
        raise InvalidArgumentError("page must be 0 when perPage is false", field="page", code=code)
    if per_page is not False and page * per_page > MAX_SAFE_INTEGER / 2:
        raise InvalidArgumentError("page value too large", field="page", code=code)


def check_message_page(page: Any, per_page: Any, *, code: str | None = None) -> None:
    """Refuse a page of messages that cannot exist; for all messages, *page* does not matter."""
    if per_page is not False and (type(per_page) is not int or per_page < 0):
        raise InvalidArgumentError("perPage must be >= 0", field="per_page", code=code)
    if type(page) is not int or page < 0:
        raise InvalidArgumentError("page must be >= 0", field="page", code=code)
    if per_page is not False and page * per_page > MAX_SAFE_INTEGER / 2:
        raise InvalidArgumentError("page value too large", field="page", code=code)


def cut_page(items: Sequence[Item], page: int, per_page: PerPage) -> list[Item]:
    """The items of one page; all of them when *per_page* is False."""
    if per_page is False:
        return list(items)
    return list(items[page * per_page : (page + 1) * per_page])


def more_after(total: int, page: int, per_page: PerPage) -> bool:
    """Whether items follow the page."""
    return per_page is not False and (page + 1) * per_page < total


def checked_include(include: Iterable[Include]) -> list[Include]:
    """Return *include* as a list; refuse what cannot be included."""
    checked_items = list(many(include, "include", "Includes"))
    for position, item in enumerate(checked_items):
        if not isinstance(item, Include):
            raise InvalidArgumentError(
                f"include[{position}] must be an Include, not {type(item).__name__}.",
                field=f"include[{position}]",
            )
        counts = (item.with_previous_messages, item.with_next_messages)
        if not all(type(count) is int and count >= 0 for count in counts):
            raise InvalidArgumentError(
                f"include[{position}] counts its neighbours with integers of at least 0.",
                field=f"include[{position}]",
            )
    return checked_items


def check_direction(direction: Any) -> None:
    """Refuse a direction other than ASC and DESC."""
    if direction not in ("ASC", "DESC"):
        raise InvalidArgumentError("direction must be 'ASC' or 'DESC'.", field="direction")


def check_thread_filter(metadata: Mapping[str, Any] | None, *, code: str) -> None:
    """Refuse metadata keys that a filter on threads may not name."""
    if not isinstance(metadata, Mapping | None):
        raise InvalidArgumentError("metadata must be an object.", field="metadata", code=code)
    for key in metadata or ():
        if key in _DISALLOWED_KEYS:
            problem = f'Invalid metadata key: "{key}".'
        elif not isinstance(key, str) or not _SAFE_KEY.match(key):
            problem = (
                f'Invalid metadata key: "{key}". Keys must start with a letter or underscore and '
                "contain only alphanumeric characters and underscores."
            )
        elif len(key) > METADATA_KEY_LENGTH:
            problem = (
                f'Metadata key "{key}" exceeds maximum length of {METADATA_KEY_LENGTH} characters.'
            )
        else:
            continue
        raise InvalidArgumentError(problem, field="metadata", code=code)


def check_message_filter(metadata: Mapping[str, Any] | None) -> None:
    """Refuse a metadata filter on messages that Mastra refuses."""
    if metadata is None:
        return
    if not isinstance(metadata, Mapping):
        raise InvalidArgumentError("Metadata filter must be an object.", field="metadata")
    for key, value in metadata.items():
        if (
            not isinstance(key, str)
            or len(key) > METADATA_KEY_LENGTH
            or not _SAFE_KEY.match(key)
            or key in _DISALLOWED_KEYS
        ):
            raise InvalidArgumentError(f'Invalid metadata filter key "{key}".', field="metadata")
        finite = isinstance(value, int | float) and abs(value) < math.inf
        if not (value is None or isinstance(value, str | bool) or finite):
            raise InvalidArgumentError(
                f'Invalid metadata filter value for key "{key}". Values must be string, finite '
                "number, boolean, or null.",
                field="metadata",
            )


def matches_metadata(metadata: Any, wanted: Mapping[str, Any] | None) -> bool:
    """Whether every wanted key is there with an identical simple value (JavaScript's ``===``)."""
    if not wanted:
        return True
    return isinstance(metadata, Mapping) and all(
        key in metadata and identical(metadata[key], value) for key, value in wanted.items()
    )


def identical(one: Any, other: Any) -> bool:
    """``===`` of two JSON values: no coercion, and objects or arrays are never identical."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return (one is None and other is None) or (
        isinstance(one, str) and isinstance(other, str) and one == other
    )
