"""Opening a backend: the one place that knows there are two."""

from __future__ import annotations

from convex_mastra.backends.base import Backend
from convex_mastra.config import Embedded, Options, locate
from convex_mastra.errors import ConfigurationError

__all__ = ["Backend", "open_backend"]


def open_backend(
    deployment_url: str | None = None,
    admin_auth_token: str | None = None,
    *,
    options: Options | None = None,
) -> Backend:
    """Open the backend that the arguments, or else the environment, name.

    Nothing is sent and no file is created before the first operation. Pass the result as
    ``backend=`` to several stores to share one connection pool.

    Raises:
        ConfigurationError: nothing names a deployment, the key is missing, or the URL is unsafe.
    """
    options = Options() if options is None else options
    if not isinstance(options, Options):
        raise ConfigurationError(
            f"options must be Options, as in Options(timeout_s=10), not {type(options).__name__}."
        )
    place = locate(
        deployment_url, admin_auth_token, allow_insecure_http=options.allow_insecure_http
    )
    if isinstance(place, Embedded):
        from convex_mastra.backends.embedded import EmbeddedBackend

        return EmbeddedBackend(place.path, options)
    from convex_mastra.backends.http import HttpBackend

    return HttpBackend(place, options)
