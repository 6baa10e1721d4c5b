"""JSON values and LangChain objects as texts, and back: never more than the classes allowed.

The form is that of ``langchain_core.load``: JSON, in which an object names its class and the
arguments that make it anew. Every class is looked up among those allowed, when a value is written
as when it is read, so that nothing is written that could not be read. Called by ``kv_store``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from langchain_core.documents import Document
from langchain_core.load import Serializable, dumpd, load

from convex_mastra import InvalidArgumentError, ProtocolError, jsontext
from convex_mastra.ops.arguments import many
from langchain_convex_mastra.loadable import ESCAPED, MESSAGES

DOCUMENTS_AND_MESSAGES: Final[tuple[type[Serializable], ...]] = (Document, *MESSAGES)
"""What values may be besides JSON, unless the user says otherwise: classes that only hold data."""
ClassId = tuple[str, ...]


class JsonCodec:
    """JSON values and objects of some classes as texts.

    Args:
        allowed_objects: the classes.

    Raises:
        InvalidArgumentError: something that is no serialisable class, or that cannot be imported.
    """

    def __init__(self, allowed_objects: Iterable[type[Serializable]]) -> None:
        self._classes: dict[ClassId, type[Serializable]] = {}
        for position, one in enumerate(many(allowed_objects, "allowed_objects", "classes")):
            _check_class(one, f"allowed_objects[{position}]")
            self._classes[tuple(one.lc_id())] = one

    def encode(self, value: Any, field: str) -> str:
        """Return the text of a value."""
        try:
            tree = dumpd(value)
            self._classes_in(tree, field)
        except InvalidArgumentError:
            raise
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgumentError(
                f"{field} cannot be written as JSON: {error}.", field=field
            ) from error
        return jsontext.dumps(tree, field)

    def decode(self, text: str, field: str) -> Any:
        """Return the value of a text.

        Raises:
            InvalidArgumentError: it is of a class that is not allowed.
            ProtocolError: it is not JSON, or its class does not accept it.
        """
        try:
            tree = jsontext.loads(text)
            classes = self._classes_in(tree, field)
            return load(
                tree,
                allowed_objects=list(classes.values()),
                valid_namespaces=[
                    root for cls_id, one in classes.items() for root in (cls_id[0], _path(one)[0])
                ],
                additional_import_mappings={i: _path(one) for i, one in classes.items()},
            )
        except InvalidArgumentError:
            raise
        except Exception as error:  # a constructor may raise anything
            raise ProtocolError(f"{field} cannot be made anew: {type(error).__name__}.") from error

    def _classes_in(self, tree: Any, field: str) -> dict[ClassId, type[Serializable]]:
        """The classes of all objects in what LangChain made of a value."""
        found = {}
        for written in _objects_in(tree):
            class_id = tuple(written["id"])
            if written["type"] == "secret":
                problem = f"the secret {class_id[-1]}, which is not stored"
            elif written["type"] != "constructor":
                problem = f"something of type {class_id[-1]}, which is not JSON"
            elif class_id not in self._classes:
                problem = f"an object of {'.'.join(class_id)}, which is not among allowed_objects"
            else:
                found[class_id] = self._classes[class_id]
                continue
            raise InvalidArgumentError(f"{field} holds {problem}.", field=field)
        return found


def _objects_in(tree: Any) -> Iterator[dict[str, Any]]:
    left = [tree]
    while left:
        item = left.pop()
        if isinstance(item, list):
            left.extend(reversed(item))
        elif isinstance(item, dict) and item.keys() != {ESCAPED}:
            if item.get("lc") == 1:
                yield item
            left.extend(reversed(item.values()))


def _check_class(one: Any, field: str) -> None:
    if not isinstance(one, type) or not issubclass(one, Serializable):
        problem = "is no class of LangChain's Serializable"
    elif not one.is_lc_serializable():
        problem = f"is {one.__name__}, which does not let itself be serialised"
    elif getattr(sys.modules.get(one.__module__), one.__name__, None) is not one:
        problem = f"is {one.__qualname__}, which cannot be imported from {one.__module__}"
    else:
        return
    raise InvalidArgumentError(f"{field} {problem}.", field=field)


def _path(one: type[Serializable]) -> ClassId:
    return (*one.__module__.split("."), one.__name__)
