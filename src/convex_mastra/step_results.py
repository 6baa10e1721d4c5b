"""Merging the result of a workflow step into the one that is stored.

The handler does it inside its transaction; the embedded backend re-tells that, and the operations
do it themselves where the deployed handler is too old. Pure functions on JSON values.

Source: src/server/workflow-snapshot.ts of @mastra/convex 1.5.2.
"""

from __future__ import annotations

from typing import Any, Final

PENDING_MARKER: Final = "__mastra_pending__"
"""The key of what stands in a ``forEach`` step's output for an item that is to run (again)."""


def merged_result(existing: Any, result: Any) -> Any:
    """Return a step's new result; the outputs of a ``forEach`` are merged item by item.

    Args:
        existing: the result that is stored, or None.
        result: the one to be stored.
    """
    old = existing.get("output") if isinstance(existing, dict) else None
    new = result.get("output") if isinstance(result, dict) else None
    if not isinstance(old, list) or not isinstance(new, list):
        return result
    has_marker = any(map(_is_pending_marker, new))
    output = [
        _merged_item(old[i] if i < len(old) else None, item, has_marker=has_marker)
        for i, item in enumerate(new)
    ]
    return existing | ({} if has_marker else result) | {"output": output + old[len(new) :]}


def _merged_item(old: Any, new: Any, *, has_marker: bool) -> Any:
    """Return one item; *old* is None past the end of the stored output, as for an empty place."""
    if _is_pending_marker(new):
        return None if _may_be_reset(old) else old
    return new if new is not None and not has_marker else old


def _is_pending_marker(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value == {PENDING_MARKER: True}
        and value[PENDING_MARKER] is True
    )


def _may_be_reset(old: Any) -> bool:
    if old is None or _is_pending_marker(old):
        return True
    return (
        isinstance(old, dict)
        and old.get("status") == "suspended"
        and ("suspendPayload" in old or "suspendedAt" in old)
    )
