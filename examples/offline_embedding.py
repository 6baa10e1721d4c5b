"""An embedding that needs no network and no model: hashed words and word pairs.

Good enough to find a passage that shares words with a question; it knows no synonyms. It is a
LangChain ``Embeddings``; ``ForLlamaIndex`` hands any of those to LlamaIndex.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

from langchain_core.embeddings import Embeddings
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

DIMENSION: Final = 512
_WORD: Final = re.compile(r"[a-z0-9]+")
_COMMON: Final = frozenset(
    _WORD.findall(
        "a an and are as at be by can do does for from has have how i if in into is it its me my "
        "not of on or our so than that the their them then there they this to was we what when "
        "where which who why will with you your"
    )
)


class OfflineEmbedding(Embeddings):
    """Deterministic vectors of ``DIMENSION`` numbers and length 1."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed several texts."""
        return [_embed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Embed one text."""
        return _embed(text)


class ForLlamaIndex(BaseEmbedding):
    """Any LangChain embedding, as LlamaIndex wants it."""

    _embeddings: Embeddings = PrivateAttr()

    def __init__(self, embeddings: Embeddings, **fields: Any) -> None:
        super().__init__(**fields)
        self._embeddings = embeddings

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embeddings.embed_query(text)

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embeddings.embed_documents(texts)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embeddings.embed_query(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await self._embeddings.aembed_query(query)


def _embed(text: str) -> list[float]:
    words = [_stem(word) for word in _WORD.findall(text.lower()) if word not in _COMMON]
    features = Counter([*words, *map(" ".join, pairwise(words))])
    vector = [0.0] * DIMENSION
    for feature, count in features.items():
        digest = crc32(feature.encode())
        sign = 1.0 if digest & 1 else -1.0  # collisions cancel out instead of adding up
        vector[(digest >> 1) % DIMENSION] += sign * (1 + math.log(count))
    length = math.sqrt(sum(number * number for number in vector)) or 1.0
    return [number / length for number in vector]


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word
