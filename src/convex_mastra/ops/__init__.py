"""The operations: what Mastra's storage can do, as flows that know no waiting.

One generator each, whose first argument is the ``Target``; the faces bind them as methods.
"""
