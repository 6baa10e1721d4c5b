"""Where the deployment is, how to reach it, and what the environment says about both.

The only reader of environment variables. Called by ``backends.open_backend``; must not open
anything itself.
"""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from convex_mastra import limits
from convex_mastra.errors import ConfigurationError, ConvexMastraError
from convex_mastra.retries import RetryPolicy

MEMORY: Final = ":memory:"
FILE_SCHEME: Final = "file:"
HIDDEN_LENGTH: Final = 8
ENVIRONMENT_PAIRS: Final = (
    ("CONVEX_URL", "CONVEX_ADMIN_KEY"),
    ("CONVEX_SELF_HOSTED_URL", "CONVEX_SELF_HOSTED_ADMIN_KEY"),
)


_FILE_HINT: Final = "Write the path of a file as in file:./mastra.db."
_NUMBERS: Final = (
    "timeout_s",
    "connect_timeout_s",
    "retry_attempts",
    "retry_budget_s",
    "max_in_flight",
)


class Secret:
    """A text that no repr, log or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def hidden_in(self, value: Any) -> Any:
        """Return a JSON value with ``***`` wherever it holds the text, or what follows its ``|``.

        Parts of fewer than ``HIDDEN_LENGTH`` characters stay: they may be part of any word.
        """
        match value:
            case str():
                for part in (self._text, self._text.rpartition("|")[2]):
                    if len(part) >= HIDDEN_LENGTH:
                        value = value.replace(part, "***")
                return value
            case list():
                return [self.hidden_in(item) for item in value]
            case dict():
                return {self.hidden_in(key): self.hidden_in(item) for key, item in value.items()}
        return value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an admin key is never pickled; read it from the environment instead")


@dataclass(frozen=True, slots=True)
class Event:
    """One attempt at one operation, as ``Options.on_event`` sees it.

    Attributes:
        operation: e.g. ``batchInsert mastra_messages``.
        attempt: 1 for the first try.
        elapsed_s: from sending to the end of the answer.
        request_bytes, response_bytes: of the bodies; 0 on the embedded backend.
        error: what the attempt ended with, or None.
    """

    operation: str
    attempt: int
    elapsed_s: float
    request_bytes: int
    response_bytes: int
    error: ConvexMastraError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a backend behaves.

    Attributes:
        timeout_s: longest silence while sending or awaiting one answer.
        connect_timeout_s: longest wait for a connection.
        retry_attempts: tries of one request, the first included.
        retry_budget_s: no retry begins later than this after the first try.
        max_in_flight: requests side by side (per face, and per event loop).
        allow_insecure_http: accept plain ``http:`` to a host that is not loopback. The admin key
            then crosses the network readable.
        on_event: called after every attempt; must be quick and must not raise.
    """

    timeout_s: float = limits.TIMEOUT_S
    connect_timeout_s: float = limits.CONNECT_TIMEOUT_S
    retry_attempts: int = limits.RETRY_ATTEMPTS
    retry_budget_s: float = limits.RETRY_BUDGET_S
    max_in_flight: int = limits.MAX_IN_FLIGHT
    allow_insecure_http: bool = False
    on_event: Callable[[Event], Any] | None = None

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            if not isinstance(getattr(self, name), int | float):
                kind = type(getattr(self, name)).__name__
                raise ConfigurationError(f"{name} must be a number, not {kind}.")
        for name in ("timeout_s", "connect_timeout_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigurationError(f"{name} must be finite and greater than 0.")
        if self.retry_attempts < 1 or self.max_in_flight < 1 or self.retry_budget_s < 0:
            raise ConfigurationError(
                "retry_attempts and max_in_flight must be at least 1, retry_budget_s at least 0."
            )

    def retry_policy(self) -> RetryPolicy:
        """The retry numbers, as the drivers' policy."""
        return RetryPolicy(
            attempts=self.retry_attempts,
            budget_s=self.retry_budget_s,
            wait_initial_s=limits.RETRY_WAIT_INITIAL_S,
            wait_max_s=limits.RETRY_WAIT_MAX_S,
        )


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedded backend: *path* of its SQLite file, or ``:memory:``."""

    path: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A Convex deployment: its *url* without a trailing slash, and its admin or deploy key."""

    url: str
    admin_key: Secret = field(repr=False)


def locate(
    deployment_url: str | None,
    admin_auth_token: str | None,
    *,
    allow_insecure_http: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Embedded | Remote:
    """Decide which backend is meant. Arguments win over the environment.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """
    environment = os.environ if environment is None else environment
    if not isinstance(deployment_url, str | None):
        raise ConfigurationError(
            f"deployment_url must be a text, not {type(deployment_url).__name__}. {_FILE_HINT}"
        )
    if not isinstance(admin_auth_token, str | None):
        raise ConfigurationError(
            f"admin_auth_token must be a text, not {type(admin_auth_token).__name__}."
        )
    source = "deployment_url"
    key_variables = [key for _, key in ENVIRONMENT_PAIRS]
    if not deployment_url:
        for url_variable, key_variable in ENVIRONMENT_PAIRS:
            if environment.get(url_variable):
                deployment_url, key_variables = environment[url_variable], [key_variable]
                source = url_variable
                break
        else:
            raise ConfigurationError(
                "No Convex deployment is named. Pass deployment_url and admin_auth_token, or set "
                "CONVEX_URL and CONVEX_ADMIN_KEY. To try it without a deployment, set "
                "CONVEX_URL=file:./mastra.db (or :memory:), which needs no key."
            )
    deployment_url = deployment_url.strip()
    if deployment_url == MEMORY:
        return Embedded(MEMORY)
    if deployment_url.startswith(FILE_SCHEME):
        return Embedded(_file_path(deployment_url))
    url = _checked_url(deployment_url, source, allow_insecure_http)
    key = admin_auth_token or next(
        (environment[name] for name in key_variables if environment.get(name)), ""
    )
    key = key.strip()
    if not key:
        raise ConfigurationError(
            f"No admin key for {url}. Pass admin_auth_token or set {' or '.join(key_variables)}."
        )
    if not key.isascii() or not key.isprintable():
        raise ConfigurationError("The admin key has a character that no key has; was it cut?")
    return Remote(url, Secret(key))


def _file_path(url: str) -> str:
    path = url.removeprefix(FILE_SCHEME)
    if path.startswith("//"):
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise ConfigurationError(
                f"{url} names the host {parts.netloc!r}; write file:relative.db or "
                "file:///absolute.db."
            )
        path = unquote(parts.path)
    if not path or path.endswith("/"):
        raise ConfigurationError(f"{url!r} names no file; write e.g. file:./mastra.db.")
    if "?" in path or "#" in path:
        raise ConfigurationError(
            f"{url!r} has a query or fragment, which a database file cannot have; options are "
            "given to Options."
        )
    return path


def _checked_url(url: str, source: str, allow_insecure_http: bool) -> str:
    parts = _parts_of_url(url)
    if parts is None:
        raise ConfigurationError(
            f"{source} is no URL: its host, its port, a bracket or a space is wrong."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"{source} must begin with https://, http://, file:, or be :memory:. {_FILE_HINT}"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{source} for {parts.hostname} must not carry credentials, a query or a fragment."
        )
    if parts.scheme == "http" and not allow_insecure_http and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"http://{parts.hostname} would send the admin key over the network unencrypted. Use "
            "https, or pass Options(allow_insecure_http=True) if the network is trusted."
        )
    # Put together again, so that everyone after this sees the scheme that was checked here.
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _parts_of_url(url: str) -> SplitResult | None:
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none, as the next line does if no host can be so named
        (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts


def is_loopback(hostname: str) -> bool:
    """Say whether *hostname*, a name or an address, always means this machine."""
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
