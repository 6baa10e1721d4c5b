"""LangChain on Mastra's Convex storage: conversations and documents that both languages read.

``ConvexChatMessageHistory`` is a Mastra thread, ``ConvexVectorStore`` a Mastra vector index,
``ConvexByteStore`` and ``ConvexKVStore`` are key-value stores beside them, on a Convex deployment
or on the embedded backend.
``ConvexThreadLoader`` reads threads as documents; on a Convex deployment or on the embedded backend.
``ConvexThreadLoader`` reads threads as documents, ``ConvexCache`` keeps what models answered; on a
Convex deployment or on the embedded backend.
"""

from importlib.metadata import version

from langchain_convex_mastra.byte_store import ConvexByteStore
from langchain_convex_mastra.chat_history import ConvexChatMessageHistory
from langchain_convex_mastra.kv_store import ConvexKVStore
from langchain_convex_mastra.llm_cache import ConvexCache
from langchain_convex_mastra.thread_loader import ConvexThreadLoader
from langchain_convex_mastra.vector_store import ConvexVectorStore

__version__ = version("langchain-convex-mastra")

__all__ = [
    "ConvexByteStore",
    "ConvexCache",
    "ConvexChatMessageHistory",
    "ConvexKVStore",
    "ConvexThreadLoader",
    "ConvexVectorStore",
    "__version__",
]
