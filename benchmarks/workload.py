"""The work that both clients do: messages, vectors, metadata, the same in every run.

Made from a seed, and written to files for the Node.js process, so that both sides send the same
values. Vectors are float32 numbers written as float64, as embedding models' clients return them:
as JSON such a number takes some 20 characters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.scale import Scale
from convex_mastra import Message
from convex_mastra.records import text_content

SEED: Final = 20_260_101
RESOURCE_ID: Final = "benchmark-user"
TEXT_CHARACTERS: Final = 100
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS: Final = (
    "the agent keeps what was said and finds it again by what it means not how it was put"
)


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent.

    Attributes:
        vectors: shape (n, dimension), of length 1 up to float32's rounding.
        queries: shape (m, dimension); each a stored vector with noise.
        vector_ids, metadata: one for each vector; a metadata is a text of 100 characters and two
            numbers.
        texts: of the messages of one thread.
    """

    vectors: npt.NDArray[np.float64]
    queries: npt.NDArray[np.float64]
    vector_ids: list[str]
    metadata: list[dict[str, Any]]
    texts: list[str]

    def messages(self, thread_id: str) -> list[Message]:
        """Return the messages as those of one thread, a second apart."""
        return [
            Message(
                id=f"{thread_id}-{number}",
                thread_id=thread_id,
                resource_id=RESOURCE_ID,
                role=_role(number),
                content=text_content(text),
                created_at=_created_at(number),
            )
            for number, text in enumerate(self.texts)
        ]

    def write(self, folder: Path) -> None:
        """Write ``work.json`` and ``vectors.f64`` for ``tests/node/bench/peer.ts``."""
        messages = [
            {
                "role": _role(number),
                "content": text_content(text),
                "createdAt": _created_at(number).isoformat(),
            }
            for number, text in enumerate(self.texts)
        ]
        work = {
            "dimension": self.vectors.shape[1],
            "resourceId": RESOURCE_ID,
            "messages": messages,
            "vectorIds": self.vector_ids,
            "metadata": self.metadata,
        }
        (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
        self.vectors.astype("<f8").tofile(folder / "vectors.f64")


def make(scale: Scale) -> Workload:
    """Return the workload of the servers at that scale."""
    vectors = unit_vectors(scale.vectors, scale.dimension)
    return Workload(
        vectors=vectors,
        queries=queries_near(vectors),
        vector_ids=[f"v{number}" for number in range(scale.vectors)],
        metadata=[metadata(number) for number in range(scale.vectors)],
        texts=[_text(number, 2 * TEXT_CHARACTERS) for number in range(scale.messages)],
    )


def unit_vectors(count: int, dimension: int) -> npt.NDArray[np.float64]:
    """Return random vectors of length 1, shape (count, dimension)."""
    made = np.random.default_rng(SEED).standard_normal((count, dimension), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float64)


def queries_near(vectors: npt.NDArray[np.float64], count: int = 50) -> npt.NDArray[np.float64]:
    """Return *count* vectors, each near one of *vectors*."""
    random = np.random.default_rng(SEED + 1)
    noise = random.standard_normal((count, vectors.shape[1])) * 0.02
    return vectors[random.integers(0, len(vectors), count)] + noise


def metadata(number: int) -> dict[str, Any]:
    """Return the metadata of one vector; *weight* is 0.5 for one half of them, 1.5 for the other."""
    return {"text": _text(number, TEXT_CHARACTERS), "page": number, "weight": number % 2 + 0.5}


def _role(number: int) -> str:
    return "assistant" if number % 2 else "user"


def _created_at(number: int) -> datetime:
    return _BEGIN + timedelta(seconds=number)


def _text(number: int, characters: int) -> str:
    return f"{number}: {_WORDS} {_WORDS} {_WORDS} {_WORDS}"[:characters]
