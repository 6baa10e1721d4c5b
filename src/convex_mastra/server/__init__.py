"""The dev server: a backend behind the Convex HTTP API, on a real socket.

``convex-mastra dev`` and the tests serve the embedded backend with it, so that Mastra's npm
packages and this library's own HTTP backend can reach it. ``create_app`` is the ASGI application,
``serve`` runs it in a thread. Any ``Backend`` can stand behind it: the server must not know how
functions are executed. Needs the extra ``convex-mastra[cli]``.
"""

from convex_mastra.server.app import create_app
from convex_mastra.server.runner import serve

__all__ = ["create_app", "serve"]
