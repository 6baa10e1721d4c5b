"""LangChain on Mastra's Convex storage: conversations and documents that both languages read.

``ConvexChatMessageHistory`` is a Mastra thread, ``ConvexVectorStore`` a Mastra vector index, on a
Convex deployment or on the embedded backend.
"""

from importlib.metadata import version

from langchain_convex_mastra.chat_history import ConvexChatMessageHistory
from langchain_convex_mastra.vector_store import ConvexVectorStore

__version__ = version("langchain-convex-mastra")

__all__ = ["ConvexChatMessageHistory", "ConvexVectorStore", "__version__"]
