"""``ConvexMemoryStore``: LangGraph's long-term memory among Mastra's documents.

The class is in ``store``; ``batches`` takes its operations apart, ``reads``, ``listing``, ``writes``
and ``expiry`` do them, over the rows of ``layout``. Nothing else of the package looks in here.
"""
