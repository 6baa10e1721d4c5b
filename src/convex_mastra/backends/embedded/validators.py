"""Convex validators: which value a column or argument accepts, and how Convex writes them.

Used by ``tables`` to declare schemas, by ``documents`` to enforce them, and by the functions that
declare their arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        fields: of an object, the validators of what it holds.
    """

    text: str
    accepts: Callable[[Any], bool]
    usual_type: type | None = None
    is_optional: bool = False
    fields: Mapping[str, Validator] | None = None


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


def array(items: Validator) -> Validator:
    """The field holds an array of what *items* accepts."""
    return Validator(
        f"v.array({items.text})",
        lambda value: js.kind(value) == "array" and all(map(items.accepts, value)),
    )


def union(*members: Validator) -> Validator:
    """The field holds what any of *members* accepts."""
    texts = ", ".join(member.text for member in members)
    return Validator(
        f"v.union({texts})", lambda value: any(member.accepts(value) for member in members)
    )


def object_of(fields: Mapping[str, Validator]) -> Validator:
    """The field holds an object of these fields and no others."""
    ordered = in_order(fields)
    texts = ", ".join(
        f"{name}: v.optional({field.text})" if field.is_optional else f"{name}: {field.text}"
        for name, field in ordered.items()
    )
    return Validator(
        f"v.object({{{texts}}})",
        lambda value: js.kind(value) == "object" and violation(ordered, value) is None,
        fields=ordered,
    )


def in_order(fields: Mapping[str, Validator]) -> dict[str, Validator]:
    """Return *fields* in the order in which Convex checks them; it names the first that is wrong."""
    return dict(sorted(fields.items()))


def violation(
    fields: Mapping[str, Validator], value: Mapping[str, Any], path: str = ""
) -> str | None:
    """Return what is wrong with an object of these fields and no others, as Convex says it."""
    problem = mismatch(fields, value, path)
    extra = None if problem or value.keys() <= fields.keys() else min(value.keys() - fields.keys())
    return problem if extra is None else unknown_field(extra)


def mismatch(
    fields: Mapping[str, Validator], value: Mapping[str, Any], path: str = ""
) -> str | None:
    """Return which of *fields* an object lacks, or holds a wrong value in; None: it does not."""
    for name, validator in fields.items():
        field = value.get(name, js.UNDEFINED)
        if field is js.UNDEFINED:
            if not validator.is_optional:
                return f"Object is missing the required field `{name}`."
        elif type(field) is not validator.usual_type and not validator.accepts(field):
            if validator.fields is not None and js.kind(field) == "object":
                return violation(validator.fields, field, f"{path}.{name}")
            # DIFFERS: the real backend goes on to print the value, which may be private.
            return (
                f"Value does not match validator.\nPath: {path}.{name}\nValidator: {validator.text}"
            )
    return None


def unknown_field(name: str) -> str:
    """What Convex says of a field that an object must not have."""
    return f"Object contains extra field `{name}` that is not in the validator."


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
NULL: Final = Validator("v.null()", lambda value: value is None)
BOOLEAN: Final = Validator("v.boolean()", lambda value: type(value) is bool, bool)
ANY: Final = Validator("v.any()", lambda value: True)  # noqa: ARG005
STRINGS: Final = Validator("v.array(v.string())", _is_text_array)
NUMBERS: Final = Validator("v.array(v.float64())", _is_number_array, np.ndarray)
