"""LangChain on Mastra's Convex storage: conversations and documents that both languages read.

On a Convex deployment or on the embedded backend. ``ConvexChatMessageHistory`` is a Mastra thread,
``ConvexThreadLoader`` reads threads as documents. ``ConvexVectorStore`` is a Mastra vector index,
``ConvexDocumentIndex`` the same under LangChain's other interface, ``ConvexRecordManager`` knows
what was indexed. ``ConvexByteStore`` and ``ConvexKVStore`` are key-value stores, ``ConvexCache``
keeps what models answered. ``ConvexSaver`` keeps LangGraph's checkpoints, ``ConvexMemoryStore`` its
long-term memory.
"""

from importlib.metadata import version

from langchain_convex_mastra.byte_store import ConvexByteStore
from langchain_convex_mastra.chat_history import ConvexChatMessageHistory
from langchain_convex_mastra.checkpoints import ConvexSaver
from langchain_convex_mastra.document_index import ConvexDocumentIndex
from langchain_convex_mastra.kv_store import ConvexKVStore
from langchain_convex_mastra.llm_cache import ConvexCache
from langchain_convex_mastra.memories.store import ConvexMemoryStore
from langchain_convex_mastra.messages import is_pending
from langchain_convex_mastra.record_manager import ConvexRecordManager
from langchain_convex_mastra.thread_loader import ConvexThreadLoader
from langchain_convex_mastra.vector_store import ConvexVectorStore

__version__ = version("langchain-convex-mastra")

__all__ = [
    "ConvexByteStore",
    "ConvexCache",
    "ConvexChatMessageHistory",
    "ConvexDocumentIndex",
    "ConvexKVStore",
    "ConvexMemoryStore",
    "ConvexRecordManager",
    "ConvexSaver",
    "ConvexThreadLoader",
    "ConvexVectorStore",
    "__version__",
    "is_pending",
]
