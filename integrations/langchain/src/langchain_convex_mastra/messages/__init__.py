"""LangChain messages as Mastra rows, and Mastra rows as LangChain messages. Pure conversions.

A row says what it says twice: in Mastra's own parts, which every Mastra version reads
(``to_mastra``, ``from_mastra``, ``blocks``, ``citations``, ``older``), and, for whatever the parts
do not say, in LangChain's form under ``content.metadata.langchain`` (``exact``). ``turns`` decides
which messages share a row, ``additions`` what goes on with a stored one; ``rows`` reads them;
``pending`` stands for answers that are still to come. Called by ``conversation`` and its
neighbours; nothing here sends or waits.
"""

from langchain_convex_mastra.messages.additions import (
    Addition,
    Settled,
    own_row,
    settle,
    split,
)
from langchain_convex_mastra.messages.pending import is_pending
from langchain_convex_mastra.messages.rows import messages_of, thread_messages
from langchain_convex_mastra.messages.turns import (
    compose,
    ends_with_result,
    is_unsettled,
    open_calls,
)

__all__ = [
    "Addition",
    "Settled",
    "compose",
    "ends_with_result",
    "is_pending",
    "is_unsettled",
    "messages_of",
    "open_calls",
    "own_row",
    "settle",
    "split",
    "thread_messages",
]
