"""Names of functions: ``dir/module:function``, as Convex spells and refuses them.

Called by ``calls`` before anything runs. Knows nothing of which functions exist. Rules:
get-convex/convex-backend crates/convex/sync_types/src/{udf_path,module_path,path,identifier}.rs.
"""

from __future__ import annotations

import re
from typing import Final

from convex_mastra.server.refusals import PlatformError
from convex_mastra.wire import SYSTEM_PREFIX

NAME_LENGTH: Final = 64
DEFAULT_EXPORT: Final = "default"

_COMPONENT: Final = re.compile(r"[A-Za-z0-9_.]+")
_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9]")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def canonical_path(text: str) -> str:
    """Return *text* as ``dir/module:function``: without ``.js``, with the default export named.

    Raises:
        PlatformError: 400 ``BadConvexFunctionIdentifier``.
    """
    module, colon, function = text.rpartition(":")
    if not colon:
        module, function = text, DEFAULT_EXPORT
    problem = _problem_of_function(function) or _problem_of_module(module)
    if problem:
        raise PlatformError(
            400,
            "BadConvexFunctionIdentifier",
            f"{text} is not a valid path to a Convex function. {problem}",
        )
    components = [part for part in module.split("/") if part not in ("", ".")]
    return f"{'/'.join(components).removesuffix('.js')}:{function}"


def is_system(path: str) -> bool:
    """Say whether a canonical path names a function of Convex itself."""
    return path.startswith(SYSTEM_PREFIX)


def module_file_path(path: str) -> str:
    """Return a canonical path as Convex's messages write it: ``dir/module.js:function``."""
    module, _, function = path.rpartition(":")
    return f"{module}.js:{function}"


def _problem_of_function(name: str) -> str | None:
    if not name:
        return "Identifier cannot be empty"
    if not _IDENTIFIER.fullmatch(name):
        return (
            f"Identifier {name} has an invalid character: Identifiers can only contain "
            "alphanumeric characters or underscores, and start with a letter or underscore"
        )
    if len(name) > NAME_LENGTH:
        return f"Identifier is too long ({len(name)} > maximum {NAME_LENGTH})"
    if not name.strip("_"):
        return f"Identifier {name} cannot have exclusively underscores"
    return None


def _problem_of_module(module: str) -> str | None:
    if module.startswith("/"):
        return f"Module paths must be relative ({module} is absolute)."
    components = module.rstrip("/").split("/")
    if components[-1] in ("", ".", ".."):
        return f"Module path {module} doesn't have a filename."
    _, dot, extension = components[-1].rpartition(".")
    if dot and extension != "js":
        return f"Module path ({module}) has an extension that isn't 'js'."
    for index, component in enumerate(components):
        if index and component in ("", "."):  # as in a//b and a/./b
            continue
        if component in (".", ".."):
            return f"Invalid path component {component} in {module}."
        if len(component) > NAME_LENGTH:
            return f"Path component is too long ({len(component)} > maximum {NAME_LENGTH})."
        if not _COMPONENT.fullmatch(component) or not _ALPHANUMERIC.search(component):
            return (
                f"Path component {component} can only contain alphanumeric characters, "
                "underscores, or periods, and must have at least one alphanumeric character."
            )
    return None
