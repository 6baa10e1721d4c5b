"""The Convex-Client header: which clients are too old, and what the old ones expect.

Called by ``gate`` for every request. A client names itself ``<name>-<semver>``; for Convex's own
clients there are versions below which requests are refused, or served with a warning. Rules and
thresholds: get-convex/convex-backend crates/common/src/version.rs and deprecation.json.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from convex_mastra.server.refusals import PlatformError

Version = tuple[int, int, int]

_SEMVER: Final = re.compile(
    r"(?P<core>(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2})"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


@dataclass(frozen=True, slots=True)
class _Thresholds:
    """Versions up to and including these are refused, warned, or answered in the old format."""

    unsupported: Version
    upgrade_required: Version
    instructions: str
    clean_json_from: Version | None = None


_NPM: Final = _Thresholds(
    (0, 19, 1),
    (0, 19, 1),
    "Update your Convex npm version with `npx convex update` or `npm update`.",
    (1, 4, 1),
)
_PYTHON: Final = _Thresholds(
    (0, 0, 2),
    (0, 2, 0),
    "Update your Convex python version with `pip install --upgrade convex`.",
    (0, 5, 0),
)
_RUST: Final = _Thresholds(
    (0, 0, 1), (0, 0, 1), "Update your Convex rust version with `cargo update -p convex`."
)
_CLIENTS: Final = {
    "npm": _NPM,
    "npm-cli": _NPM,
    "actions": _NPM,
    "python": _PYTHON,
    "python-convex": _PYTHON,
    "rust": _RUST,
}


@dataclass(frozen=True, slots=True)
class Client:
    """What follows from the header for the answer.

    Attributes:
        encoded_by_default: the client expects ``convex_encoded_json`` when it names no format.
        headers: the deprecation warning to send along, or none.
    """

    encoded_by_default: bool = False
    headers: tuple[tuple[bytes, bytes], ...] = ()


UNKNOWN_CLIENT: Final = Client()


def read_client(header: str | None) -> Client:
    """Judge a Convex-Client header.

    Raises:
        PlatformError: 400, the header has no hyphen, or the version is no longer supported.
    """
    if header is None:
        return UNKNOWN_CLIENT
    name, version = _split(header)
    limits = _CLIENTS.get(name)
    if limits is None:
        return UNKNOWN_CLIENT
    core = _core(version)
    # A version of no known form counts as older than every threshold.
    if core is None or core <= limits.unsupported:
        message = (
            f"The Convex {name} package at version {version} is no longer supported. "
            f"{limits.instructions}"
        )
        raise PlatformError(
            400, "ClientVersionUnsupported", message, _deprecation("Unsupported", message)
        )
    warning = None
    if core <= limits.upgrade_required:
        warning = _deprecation(
            "UpgradeRequired",
            f"The Convex {name} package at {version} is deprecated and will no longer be "
            f"supported soon. {limits.instructions}",
        )
    return Client(
        encoded_by_default=limits.clean_json_from is not None and core < limits.clean_json_from,
        headers=tuple((key.encode(), text.encode()) for key, text in (warning or {}).items()),
    )


def _split(header: str) -> tuple[str, str]:
    parts = header.split("-")
    if len(parts) < 2:
        raise PlatformError(
            400,
            "InvalidClientVersion",
            f"Failed to parse client version string: '{header}'. Expected format is "
            "{client_name}-{semver}, e.g. my-esolang-client-0.0.1",
        )
    for index in range(1, len(parts)):  # the longest tail that is a version
        version = "-".join(parts[index:])
        if _SEMVER.fullmatch(version):
            return "-".join(parts[:index]).lower(), version
    return parts[0].lower(), "Unrecognized"


def _core(version: str) -> Version | None:
    matched = _SEMVER.fullmatch(version)
    if matched is None:
        return None
    major, minor, patch = map(int, matched["core"].split("."))
    return major, minor, patch


def _deprecation(state: str, message: str) -> dict[str, str]:
    return {"x-convex-deprecation-state": state, "x-convex-deprecation-message": message}
