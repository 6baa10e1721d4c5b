"""Mastra's server functions, re-told: one module per part of @mastra/convex 1.5.2 dist/server.

Each operation takes a ``Transaction``, the table it concerns and the request in Convex's form, and
returns the handler's reply or throws. They speak of Convex's ``ctx.db`` only, never of SQLite.
"""
