"""Keyword arguments that LangChain's interfaces leave open.

Their methods take ``**kwargs`` for what some store may want. What ours do not know is refused as
Python does it: a filter whose name was misspelt must not find, or delete, everything. Called by the
vector store's flows, the document index and the cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def refuse(kwargs: Mapping[str, Any]) -> None:
    """Refuse arguments that nothing here understands.

    Raises:
        TypeError: there is one.
    """
    if kwargs:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(kwargs))}")
