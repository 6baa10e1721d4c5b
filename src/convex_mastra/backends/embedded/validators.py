"""Convex validators: which value a column accepts, and how Convex writes the validator.

Used by ``tables`` to declare schemas and by ``documents`` to enforce them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from convex_mastra.backends.embedded import js


@dataclass(frozen=True, slots=True)
class Validator:
    """What one field of a document may hold.

    Attributes:
        text: as Convex prints it, e.g. ``v.union(v.string(), v.null())``.
        accepts: whether a value that is present fits.
        usual_type: every value of this type fits; spares a call for nearly all of them.
        is_optional: whether the field may be missing.
    """

    text: str
    accepts: Callable[[Any], bool]
    usual_type: type | None = None
    is_optional: bool = False


def optional(validator: Validator) -> Validator:
    """The field may be missing; null is not missing."""
    return replace(validator, is_optional=True)


def nullable(validator: Validator) -> Validator:
    """The field may hold null."""
    accepts = validator.accepts
    return Validator(
        f"v.union({validator.text}, v.null())",
        lambda value: value is None or accepts(value),
        validator.usual_type,
    )


def literals(*texts: str) -> Validator:
    """The field holds one of *texts*."""
    allowed = frozenset(texts)
    members = ", ".join(f'v.literal("{text}")' for text in texts)
    return Validator(f"v.union({members})", lambda value: type(value) is str and value in allowed)


def _is_text_array(value: Any) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


def _is_number(value: Any) -> bool:
    return type(value) is float or js.kind(value) == "number"


def _is_number_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (
        type(value) is list and (set(map(type, value)) <= {float} or all(map(_is_number, value)))
    )


STRING: Final = Validator("v.string()", lambda value: type(value) is str, str)
NUMBER: Final = Validator("v.float64()", _is_number, float)
BOOLEAN: Final = Validator("v.boolean()", lambda value: type(value) is bool, bool)
ANY: Final = Validator("v.any()", lambda value: True)  # noqa: ARG005
STRINGS: Final = Validator("v.array(v.string())", _is_text_array)
NUMBERS: Final = Validator("v.array(v.float64())", _is_number_array, np.ndarray)
