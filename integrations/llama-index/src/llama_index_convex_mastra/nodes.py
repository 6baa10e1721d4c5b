"""Nodes as JSON text, and as the metadata of a Mastra vector, and back.

A node is kept whole in one JSON text, because Convex sorts the keys of objects and turns integers
into floats, either of which changes a node's hash and what is embedded. Beside it stand native
copies of the user's metadata, for Mastra's tools and for filters. Pure functions; called by both
stores. Knows no requests.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageDocument,
    ImageNode,
    IndexNode,
    Node,
    TextNode,
)
from pydantic_core import to_jsonable_python

from convex_mastra import ConvexMastraError, InvalidArgumentError, limits
from convex_mastra.ops.arguments import kind_of, many
from convex_mastra.values import measure

TEXT: Final = "text"
"""What Mastra's RAG tools read as a chunk's text."""
MESSAGE_TEXT: Final = "content"
"""Where Mastra's semantic recall keeps the text."""
CONTENT: Final = "_node_content"
NODE_TYPE: Final = "_node_type"
UNCOPIED: Final = "_node_uncopied"
"""Which keys of the user's metadata have no native copy; True if there are too many to list."""
OWN_KEYS: Final = frozenset({TEXT, CONTENT, NODE_TYPE, UNCOPIED})
"""Keys under which the user's metadata is never copied."""
REFERENCE_KEYS: Final = ("document_id", "doc_id", "ref_doc_id")
"""Where llama-index puts the id of a node's source document, for filters."""
NO_REFERENCE: Final = "None"
"""What llama-index calls the source document of a node that has none."""
COPY_BYTES: Final = 8192
"""Larger metadata values have no native copy: nobody filters on them, and documents are small."""
COPIED_KEYS: Final = limits.OBJECT_FIELDS - 16
LISTED_KEYS: Final = 256

NODE_CLASSES: Final[dict[str, type[BaseNode]]] = {
    node_class.class_name(): node_class
    for node_class in (Node, TextNode, ImageNode, IndexNode, Document, ImageDocument)
}
_RESERVED: Final = OWN_KEYS.union(REFERENCE_KEYS)
_SOURCE: Final = "1"


def node_to_data(node: BaseNode) -> dict[str, Any]:
    """Return a node without its embedding, for ``to_json``; its text is in it once."""
    excluded = {"embedding"}
    if isinstance(node, Document):
        excluded.add(TEXT)  # a Document repeats the text of its text_resource there
    data: dict[str, Any] = node.model_dump(exclude=excluded)
    return data


def node_from_data(data: dict[str, Any]) -> BaseNode:
    """Return the node of its data. A class that is not llama-index's own becomes a TextNode."""
    node_class = NODE_CLASSES.get(data.get("class_name", ""), TextNode)
    return node_class.from_dict(data)


def to_json(value: Any) -> str:
    """Write *value* as JSON text that Convex can hold.

    Dates, sets and the like become what pydantic makes of them in JSON. NaN and infinity are kept
    as Python's JSON reads them; lone surrogates are escaped.

    Raises:
        TypeError, ValueError: something that JSON cannot carry.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=to_jsonable_python)
    if is_unicode(text):
        return text
    return json.dumps(value, separators=(",", ":"), default=to_jsonable_python)


def checked_nodes(nodes: Any, field: str) -> list[BaseNode]:
    """Return *nodes* as a list.

    Raises:
        InvalidArgumentError: they are no list of nodes.
    """
    found = list(many(nodes, field, "nodes", one=BaseNode))
    for position, node in enumerate(found):
        if not isinstance(node, BaseNode):
            place = f"{field}[{position}]"
            raise InvalidArgumentError(f"{place} is {kind_of(node)}, not a node.", field=place)
    return found


def key_name(key: str) -> str:
    """A metadata key as ``_node_uncopied`` lists it: as JSON escapes it."""
    return to_json(key)[1:-1]


def node_to_metadata(node: BaseNode, first: Collection[str] = ()) -> dict[str, Any]:
    """Return the metadata under which a node's vector is stored.

    Of more keys than an object of Convex holds, those in *first* are copied before any other.

    The text is stored once, under ``text``; in ``_node_content`` it is then empty, as llama-index's
    ``node_to_metadata_dict(remove_text=True)`` has it.

    Raises:
        TypeError, ValueError: metadata that JSON cannot carry.
    """
    data = node_to_data(node)
    text = _take_text(data)
    flat = json.loads(to_json(data["metadata"]))
    metadata = {key: value for key, value in flat.items() if is_copied(key, value)}
    for key in sorted(metadata, key=lambda key: key not in first)[COPIED_KEYS:]:
        del metadata[key]
    uncopied = [key_name(key) for key in flat if key not in metadata and key not in _RESERVED]
    if uncopied:
        metadata[UNCOPIED] = uncopied if len(uncopied) <= LISTED_KEYS else True
    metadata[TEXT] = text
    metadata[CONTENT] = to_json(data)
    metadata[NODE_TYPE] = node.class_name()
    return metadata | _references(node.ref_doc_id)


def metadata_to_node(
    node_id: str, metadata: Mapping[str, Any] | None, embedding: list[float] | None = None
) -> BaseNode:
    """Return the node of a vector; of one that Mastra wrote, a TextNode of its text and metadata."""
    metadata = metadata or {}
    data = _content(metadata)
    if data is not None:
        _put_text(data, metadata.get(TEXT))
        node = node_from_data(data)
    else:
        rest = dict(metadata)
        text = rest.pop(TEXT if isinstance(rest.get(TEXT), str) else MESSAGE_TEXT, "")
        node = TextNode(id_=node_id, text=text if isinstance(text, str) else "", metadata=rest)
    node.embedding = embedding
    return node


def filterable_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what filters see: the user's metadata and the id of the source document.

    Of a vector that Mastra wrote, its metadata without the text.
    """
    metadata = metadata or {}
    data = _content(metadata)
    if data is None:
        return {key: value for key, value in metadata.items() if key != TEXT}
    source = data.get("relationships", {}).get(_SOURCE)
    flat: dict[str, Any] = data["metadata"]
    return flat | _references(source["node_id"] if source else None)


def _content(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    content = metadata.get(CONTENT)
    if not isinstance(content, str):
        return None
    try:
        data = json.loads(content)  # not the core's: NaN must stay NaN
    except ValueError:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("metadata"), dict) else None


def _take_text(data: dict[str, Any]) -> str:
    """Return the node's text as Convex can hold it, and empty it in *data* if that is all of it."""
    holder = _text_holder(data)
    text: str = holder.get(TEXT) or ""
    if not is_unicode(text):
        return text.encode(errors="replace").decode()
    if text:
        holder[TEXT] = ""
    return text


def _put_text(data: dict[str, Any], text: Any) -> None:
    holder = _text_holder(data)
    if holder.get(TEXT) == "" and isinstance(text, str):
        holder[TEXT] = text


def _text_holder(data: dict[str, Any]) -> dict[str, Any]:
    return data if TEXT in data else data.get("text_resource") or {}


def is_copied(key: str, value: Any) -> bool:
    """Whether *value*, under *key* of the user's metadata, has a native copy."""
    if key in _RESERVED:
        return False
    try:
        size = measure({key: value}, "metadata", depth=1)
    except ConvexMastraError:
        return False
    return size <= COPY_BYTES


def _references(ref_doc_id: str | None) -> dict[str, str]:
    reference = ref_doc_id or NO_REFERENCE
    return dict.fromkeys(REFERENCE_KEYS, reference)


def is_unicode(text: str) -> bool:
    """Whether *text* has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
