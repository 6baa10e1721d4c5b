"""What a model answered, as a JSON text, in LangChain's own form. Pure; called by ``llm_cache``.

Reading makes objects of the classes below and of no others, whatever a text asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from langchain_core.load import Serializable, dumpd, loads
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    Generation,
    GenerationChunk,
)

from convex_mastra import InvalidArgumentError
from langchain_convex_mastra.loadable import ESCAPED, MESSAGES

ALLOWED: Final[tuple[type[Serializable], ...]] = (
    Generation,
    GenerationChunk,
    ChatGeneration,
    ChatGenerationChunk,
    *MESSAGES,
)
_ALLOWED_NAMES: Final = {allowed.__name__ for allowed in ALLOWED}


def text_of(generations: Sequence[Generation]) -> str:
    """Write generations as JSON, in ASCII.

    Raises:
        InvalidArgumentError: one that could not be read again: it holds what is no JSON, or its
            message is of a class that is not LangChain's own.
    """
    return f"[{','.join(_checked(one, f'return_val[{i}]') for i, one in enumerate(generations))}]"


def generations_of(text: str) -> list[Generation] | None:
    """Read what ``text_of`` wrote; None if *text* is something else, or of another LangChain."""
    try:
        found: Any = loads(text, allowed_objects=ALLOWED)
    except Exception:  # noqa: BLE001 - the text decides what is made, and may ask for anything
        return None
    if isinstance(found, list) and all(isinstance(one, Generation) for one in found):
        return found
    return None


def _checked(generation: Generation, field: str) -> str:
    if not isinstance(generation, Generation):
        raise InvalidArgumentError(
            f"{field} is {type(generation).__name__}, not a LangChain generation.", field=field
        )
    # What the errors below say, they say themselves: LangChain's own quote the value.
    try:
        tree = dumpd(generation)
        text = json.dumps(tree, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"{field} cannot be written as JSON ({type(error).__name__}).", field=field
        ) from None
    if (foreign := _foreign(tree, field)) or generations_of(f"[{text}]") is None:
        path, kind = foreign or (field, type(generation).__name__)
        raise InvalidArgumentError(
            f"{path} is of type {kind}, which would not come back from JSON.", field=path
        )
    return text


def _foreign(value: Any, path: str) -> tuple[str, str] | None:
    """Find what LangChain does not read back in its own form of JSON: where it is, and its type."""
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, list):
        inside = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, dict) and ESCAPED not in value:
        if "lc" in value:  # an object; dicts that have such a key of their own are escaped
            kind = (value["id"] or ["unknown"])[-1]
            if kind not in _ALLOWED_NAMES:
                return path, kind
            value = value.get("kwargs", {})
        for name in value:
            if not isinstance(name, str):
                return f"{path}.{name}", f"{type(name).__name__}, as a key"
        inside = ((f"{path}.{name}", item) for name, item in value.items())
    return next(filter(None, (_foreign(item, at) for at, item in inside)), None)
