"""The embedded backend: Mastra's storage functions, in process, over SQLite.

What a Convex deployment with Mastra's stock functions answers, this package answers without one:
``backend`` takes the calls, ``handlers`` re-tells Mastra's server, ``transaction`` re-tells
Convex's ``ctx.db``, ``database`` owns the file. The only importer of sqlite3.
"""

from convex_mastra.backends.embedded.backend import EmbeddedBackend

__all__ = ["EmbeddedBackend"]
