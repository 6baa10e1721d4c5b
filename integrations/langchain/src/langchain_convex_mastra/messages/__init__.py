"""LangChain messages as Mastra rows, and Mastra rows as LangChain messages. Pure conversions.

A row says what it says twice: in Mastra's own parts, which every Mastra version reads
(``to_mastra``, ``from_mastra``, ``blocks``, ``older``), and, for whatever the parts do not say, in
LangChain's form under ``content.metadata.langchain`` (``exact``). ``turns`` decides which messages
share a row; ``rows`` reads one. Called by ``conversation``; nothing here sends or waits.
"""

from langchain_convex_mastra.messages.rows import messages_of
from langchain_convex_mastra.messages.turns import compose, ends_with_result, open_calls

__all__ = ["compose", "ends_with_result", "messages_of", "open_calls"]
