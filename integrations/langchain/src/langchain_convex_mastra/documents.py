"""LangChain documents in ``mastra_vectors.metadata``, and back.

The text is kept under ``text``, which Mastra's RAG tools read, and the metadata beside it, so that
both languages filter on it. What Convex would not give back exactly (``3.0``, integers beyond
2**53, NaN, deep nesting, keys outside ASCII) is also kept as one JSON text under ``_langchain``.
A value that someone changed natively since wins over that text. Called by the rooms that write and
read documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from langchain_core.documents import Document

from convex_mastra import InvalidArgumentError
from convex_mastra.filters import identical
from convex_mastra.limits import DOCUMENT_DEPTH, OBJECT_FIELDS
from convex_mastra.ops.arguments import any_text, kind_of, many
from convex_mastra.ops.vector_arguments import checked_ids
from convex_mastra.values import measure, plain_numbers
from langchain_convex_mastra.sameness import same

Metadata = dict[str, Any]
TEXT: Final = "text"
MESSAGE_TEXT: Final = "content"
"""Where Mastra's semantic recall keeps the text."""
EXACT: Final = "_langchain"
OWN_KEYS: Final = frozenset({TEXT, EXACT, "__proto__"})
_VALUE_DEPTH: Final = DOCUMENT_DEPTH - 2
"""Levels that a document and its metadata leave to a value."""
_UNESCAPED: Final = "".join(map(chr, range(ord(" "), ord("~") + 1))).replace("%", "")


def columns_of(
    texts: Iterable[str],
    metadatas: Iterable[Metadata | None] | None,
    ids: Iterable[str | None] | None,
) -> tuple[list[str], list[Metadata], list[str]]:
    """Return texts, metadata and ids, one of each for every document; what is missing made up.

    Raises:
        InvalidArgumentError: lengths that differ, a text that is none, metadata that is no dict,
            an id that is empty or repeated.
    """
    texts = [
        any_text(text, f"texts[{position}]")
        for position, text in enumerate(many(texts, "texts", "texts"))
    ]
    about = _one_for_each(texts, metadatas, "metadatas")
    for position, metadata in enumerate(about):
        if not isinstance(metadata, dict | None):
            raise InvalidArgumentError(
                f"metadatas[{position}] must be a dict; it is {kind_of(metadata)}.",
                field=f"metadatas[{position}]",
            )
    named = [str(uuid4()) if one is None else one for one in _one_for_each(texts, ids, "ids")]
    return texts, [metadata or {} for metadata in about], checked_ids(named, len(texts))


def columns_of_documents(documents: Iterable[Document]) -> dict[str, list[Any]]:
    """Return the texts, metadata and ids of documents, as ``columns_of`` takes them.

    Raises:
        InvalidArgumentError: something that is no document.
    """
    documents = list(many(documents, "documents", "documents", one=Document))
    for position, document in enumerate(documents):
        if not isinstance(document, Document):
            raise InvalidArgumentError(
                f"documents[{position}] must be a Document; it is {kind_of(document)}.",
                field=f"documents[{position}]",
            )
    return {
        "texts": [document.page_content for document in documents],
        "metadatas": [document.metadata for document in documents],
        "ids": [document.id for document in documents],
    }


def _one_for_each(texts: Sequence[str], values: Iterable[Any] | None, field: str) -> list[Any]:
    if values is None:
        return [None] * len(texts)
    values = list(many(values, field, field))
    if len(values) != len(texts):
        raise InvalidArgumentError(
            f"There are {len(texts)} texts but {len(values)} {field}.", field=field
        )
    return values


def stored_metadata(text: str, metadata: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return what is stored beside the vector of a document.

    Raises:
        InvalidArgumentError: a value that JSON cannot carry (a datetime, a set), a key that is no
            text, or nesting deeper than Python's JSON goes. Tuples are kept as lists.
    """
    try:
        return _stored(text, metadata, field)
    except RecursionError:
        raise InvalidArgumentError(
            f"{field} nests too deep for JSON, or holds itself.", field=field
        ) from None


def _stored(text: str, metadata: Mapping[str, Any], field: str) -> dict[str, Any]:
    _check_json(metadata, field)
    native: dict[str, Any] = {}
    for key, name in _first_names(metadata).items():
        value = metadata[name]
        if len(native) < OBJECT_FIELDS - len(OWN_KEYS) and _fits(key, value):
            native[key] = value
    stored = {**native, TEXT: text}
    if not same(plain_numbers(native), dict(metadata)):
        stored[EXACT] = _dumped(metadata)
    return stored


def document_of(vector_id: str, stored: Mapping[str, Any] | None) -> Document:
    """Return the document kept beside a vector, whoever wrote it."""
    metadata = dict(stored or {})
    key = TEXT if isinstance(metadata.get(TEXT), str) else MESSAGE_TEXT
    text = metadata.pop(key) if isinstance(metadata.get(key), str) else ""
    exact = _loaded(metadata.pop(EXACT, None))
    if exact is not None:
        names = _first_names(exact)
        for stored_key, value in metadata.items():
            name = names.get(stored_key, stored_key)
            if name not in exact or not identical(exact[name], value):
                exact[name] = value
        metadata = exact
    return Document(id=vector_id, page_content=text, metadata=metadata)


def native_key(name: str) -> str:
    """Return the key under which a metadata key is stored: itself, or with %-escapes."""
    if name.isascii() and name.isprintable() and name not in OWN_KEYS:
        return name if not name.startswith("$") else f"%24{name[1:]}"
    escaped = quote(name.encode("utf-8", "surrogatepass"), safe=_UNESCAPED)
    return f"%{ord(name[0]):02X}{name[1:]}" if name in OWN_KEYS else escaped


def _first_names(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return whose value lies under each native key: two names may share one (``$x``, ``%24x``)."""
    names: dict[str, str] = {}
    for name in metadata:
        names.setdefault(native_key(name), name)
    return names


def _fits(key: str, value: Any) -> bool:
    try:
        measure({key: value}, "metadata", depth_limit=_VALUE_DEPTH + 1)
    except InvalidArgumentError:
        return False
    return bool(key)


def _check_json(value: Any, field: str) -> None:
    if value is None or isinstance(value, str | bool | int | float):
        return
    if isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _check_json(item, f"{field}[{position}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidArgumentError(
                    f"{field} has the key {key!r}; keys must be text.", field=field
                )
            _check_json(item, f"{field}.{key}")
    else:
        raise InvalidArgumentError(
            f"{field} is of type {type(value).__name__}, which JSON cannot carry; store it as "
            "text or a number.",
            field=field,
        )


def _loaded(text: Any) -> dict[str, Any] | None:
    try:
        loaded = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None  # written by something else under our name
    return loaded if isinstance(loaded, dict) else None


def _dumped(metadata: Mapping[str, Any]) -> str:
    # Python's JSON, which has NaN and infinity: nobody else reads this text.
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return json.dumps(metadata, separators=(",", ":"))
    return text
