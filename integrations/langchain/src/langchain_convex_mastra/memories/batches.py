"""A batch of LangGraph's operations: checked, then all reads side by side, then the writes.

As in ``InMemoryStore``: results are in the order of the operations, reads see what was there before
the batch, and of several puts under one key the last counts. Bound for both faces by ``store``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchOp,
    get_text_at_path,
    tokenize_path,
    validate_op_namespace,
)

from convex_mastra import InvalidArgumentError, jsontext
from convex_mastra.flow import Flow, Gather, Sleep
from convex_mastra.ops.arguments import (
    kind_of,
    many,
    optional_text,
    required_object,
    required_text,
    whole_number,
)
from langchain_convex_mastra.memories.deletes import delete_memories
from langchain_convex_mastra.memories.layout import Address, Memory, Namespace, Place
from langchain_convex_mastra.memories.listing import list_namespaces
from langchain_convex_mastra.memories.matching import check_conditions, check_filter
from langchain_convex_mastra.memories.reads import get_memories
from langchain_convex_mastra.memories.search import search
from langchain_convex_mastra.memories.writes import Put, put_memories

WHOLE: Final = "$"
"""The path of a whole value."""
LONGEST_TTL_MINUTES: Final = 1_000_000_000
"""Two thousand years."""


def run_batch(place: Place, ops: Iterable[Op]) -> Flow[list[Result]]:
    """Run operations; return their results in order, None for puts.

    Raises:
        InvalidNamespaceError: LangGraph's, for a label that no namespace may have.
        InvalidArgumentError: what is no operation, value, filter or key. Nothing was sent.
        ScanLimitError: a search of more than the deployment reads.
        ProtocolError: what is stored is not of this library's form.

    Cost: that of the operations; reads go side by side, then puts, then deletions. Gets of one
    namespace are one, as are puts, and deletions.
    """
    ops = list(many(ops, "ops", "operations"))
    writes: dict[Address, Put | None] = {}
    for position, op in enumerate(ops):
        yield Sleep(0)  # others have their turn between two values, however large
        # ``put`` and its like are batches of one, whose users have never heard of ``ops``.
        prefix = f"ops[{position}]." if len(ops) > 1 else ""
        _check(op, prefix)
        if isinstance(op, PutOp):
            put = _put_of(place, op, prefix)
            address = tuple(op.namespace), op.key
            writes.pop(address, None)
            writes[address] = put
    results = yield from _read(place, ops)
    puts = [put for put in writes.values() if put is not None]
    if puts:
        yield from put_memories(place, puts)
    deleted = [address for address, put in writes.items() if put is None]
    if deleted:
        yield from delete_memories(place, deleted)
    return results


def _read(place: Place, ops: Sequence[Op]) -> Flow[list[Result]]:
    gets: defaultdict[Namespace, list[tuple[int, GetOp]]] = defaultdict(list)
    others: dict[int, Flow[Any]] = {}
    for position, op in enumerate(ops):
        match op:
            case GetOp():
                gets[tuple(op.namespace)].append((position, op))
            case SearchOp():
                others[position] = search(place, op)
            case ListNamespacesOp():
                others[position] = list_namespaces(place, op)
    replies = yield Gather(
        [
            *others.values(),
            *(
                get_memories(
                    place,
                    namespace,
                    [op.key for _, op in some],
                    [op.key for _, op in some if op.refresh_ttl],
                )
                for namespace, some in gets.items()
            ),
        ]
    )
    results: list[Result] = [None] * len(ops)
    for position, reply in zip(others, replies, strict=False):
        results[position] = reply
    for some, memories in zip(gets.values(), replies[len(others) :], strict=True):
        for position, op in some:
            results[position] = _item(memories.get(op.key))
    return results


def _item(memory: Memory | None) -> Item | None:
    if memory is None:
        return None
    return Item(
        value=memory.value,
        key=memory.key,
        namespace=memory.namespace,
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )


def _check(op: Any, prefix: str) -> None:
    """Refuse what is no operation, or one that cannot be run."""
    match op:
        case GetOp() | PutOp():
            _check_labels(op.namespace, f"{prefix}namespace")
            required_text(op.key, f"{prefix}key")
        case SearchOp():
            _check_labels(op.namespace_prefix, f"{prefix}namespace_prefix")
            check_filter(op.filter, f"{prefix}filter")
            optional_text(op.query, f"{prefix}query", may_be_empty=True)
        case ListNamespacesOp():
            check_conditions(op.match_conditions, f"{prefix}match_conditions")
            if op.max_depth is not None:
                whole_number(op.max_depth, f"{prefix}max_depth")
        case _:
            field = prefix.removesuffix(".") or "ops[0]"
            raise InvalidArgumentError(
                f"{field} is no operation of a store; it is {kind_of(op)}.", field=field
            )
    if isinstance(op, SearchOp | ListNamespacesOp):
        whole_number(op.limit, f"{prefix}limit")
        whole_number(op.offset, f"{prefix}offset")
    validate_op_namespace(op)


def _check_labels(namespace: Any, field: str) -> None:
    if not isinstance(namespace, tuple | list):
        raise InvalidArgumentError(
            f"{field} must be a tuple of labels; it is {kind_of(namespace)}.", field=field
        )
    for position, label in enumerate(namespace):
        if isinstance(label, str) and label:
            required_text(label, f"{field}[{position}]")


def _put_of(place: Place, op: PutOp, prefix: str) -> Put | None:
    """The checked put, None for a deletion."""
    check_ttl(op.ttl, f"{prefix}ttl")
    if op.value is None:
        return None
    value = required_object(op.value, f"{prefix}value")
    return Put(
        namespace=tuple(op.namespace),
        key=op.key,
        value=jsontext.dumps(value, f"{prefix}value"),
        texts=_texts(place, value, op.index, f"{prefix}index"),
        ttl=op.ttl,
    )


def check_ttl(minutes: Any, field: str) -> None:
    """Refuse anything but None or minutes.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if minutes is None:
        return
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        problem = f"it is {kind_of(minutes)}"
    elif math.isnan(minutes) or not 0 <= minutes <= LONGEST_TTL_MINUTES:
        problem = f"it is {minutes}"
    else:
        return
    raise InvalidArgumentError(
        f"{field} must be None or minutes, from 0 to {LONGEST_TTL_MINUTES:,}; {problem}.",
        field=field,
    )


def _texts(place: Place, value: Mapping[str, Any], index: Any, field: str) -> list[tuple[str, str]]:
    """What is embedded of a value, each text under the path that found it."""
    if place.indexing is None or index is False:
        return []
    paths = place.indexing.fields if index is None else checked_paths(index, field)
    found = []
    for path in paths:
        texts = get_text_at_path(value, path if path == WHOLE else tokenize_path(path))
        found += [
            (path if len(texts) == 1 else f"{path}.{number}", text)
            for number, text in enumerate(texts)
        ]
    return found


def checked_paths(paths: Any, field: str) -> tuple[str, ...]:
    """Return *paths*, texts.

    Raises:
        InvalidArgumentError: they are something else.
    """
    return tuple(
        required_text(path, f"{field}[{position}]")
        for position, path in enumerate(many(paths, field, "paths"))
    )
