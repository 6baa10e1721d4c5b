"""LlamaIndex stores on Mastra's Convex storage: nodes that Mastra reads as its own.

``ConvexVectorStore`` keeps nodes and embeddings in a Mastra vector index; ``ConvexDocumentStore``
nodes, ``ConvexIndexStore`` index structures and ``ConvexKVStore`` rows of any kind in Mastra's generic
documents table; ``ConvexChatStore`` and ``ConvexDBChatStore`` chat messages in Mastra's threads; each on
a Convex deployment or on the embedded backend.
"""

from importlib.metadata import version

from llama_index_convex_mastra.chat_store import ConvexChatStore
from llama_index_convex_mastra.db_chat_store import ConvexDBChatStore
from llama_index_convex_mastra.document_store import ConvexDocumentStore
from llama_index_convex_mastra.index_store import ConvexIndexStore
from llama_index_convex_mastra.kv_store import ConvexKVStore
from llama_index_convex_mastra.vector_store import ConvexVectorStore

__version__ = version("llama-index-convex-mastra")

__all__ = [
    "ConvexChatStore",
    "ConvexDBChatStore",
    "ConvexDocumentStore",
    "ConvexIndexStore",
    "ConvexKVStore",
    "ConvexVectorStore",
    "__version__",
]
