"""What a message may hold, so that every Mastra version reads it back.

Mastra's MessageList drops a content whose ``format`` is not the number 2, and throws on parts
without a type. Called before messages are written; sends nothing.

Source: MessageList of @mastra/core 1.71.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from convex_mastra.errors import InvalidArgumentError

ROLES: Final = ("user", "assistant", "system", "signal", "tool")


def check_content(content: Any, role: str, field: str) -> None:
    """Refuse a content that Mastra's readers would throw on, or drop without a word.

    Raises:
        InvalidArgumentError: names the part that is wrong.
    """
    check_role(role, content, field)
    if isinstance(content, str | list):
        return  # Mastra's first format: a text, or a list of parts
    if not isinstance(content, Mapping):
        raise InvalidArgumentError(
            f"{field}.content is {type(content).__name__}; it must be an object with format 2 and "
            "parts, or a text.",
            field=f"{field}.content",
        )
    if type(content.get("format")) is not int or content["format"] != 2:
        raise InvalidArgumentError(
            f"{field}.content.format must be the number 2; Mastra drops anything else.",
            field=f"{field}.content.format",
        )
    parts = content.get("parts")
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        raise InvalidArgumentError(
            f"{field}.content.parts must be a list.", field=f"{field}.content.parts"
        )
    for number, part in enumerate(parts):
        _check_part(part, f"{field}.content.parts[{number}]")


def check_role(role: Any, content: Any, field: str) -> None:
    """Refuse a role that Mastra does not know, or not with this content."""
    problem = None
    if role not in ROLES:
        problem = f".role is {role!r}; Mastra reads {', '.join(ROLES)}."
    elif role == "tool" and isinstance(content, Mapping):
        problem = (
            ": tool results belong into the assistant's message; Mastra reads no message of role "
            "'tool' in format 2."
        )
    if problem:
        raise InvalidArgumentError(f"{field}{problem}", field=f"{field}.role")


def _check_part(part: Any, field: str) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    problem = None
    if not isinstance(kind, str):
        problem = "needs a type"
    elif kind == "tool-invocation" and not isinstance(part.get("toolInvocation"), Mapping):
        problem = "of type tool-invocation needs a toolInvocation"
    elif kind == "reasoning" and not isinstance(part.get("details"), Sequence):
        problem = "of type reasoning needs a list of details"
    elif kind == "source" and not isinstance(part.get("source"), Mapping):
        problem = "of type source needs a source"
    if problem:
        raise InvalidArgumentError(f"{field} {problem}; Mastra throws without it.", field=field)
