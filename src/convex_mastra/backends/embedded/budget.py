"""What one call of a function may read and write, counted as Convex counts it.

Owned by a ``Transaction``. Limits and wording: get-convex/convex-backend
crates/database/src/reads.rs, crates/database/src/writes.rs and crates/common/src/knobs.rs.
"""

from __future__ import annotations

from typing import Final

from convex_mastra import limits
from convex_mastra.backends.embedded.js import Thrown

_HELP: Final = (
    "Consider using smaller limits in your queries, paginating your queries, or using indexed "
    "queries with a selective index range expressions."
)


class Budget:
    """Counts of one call; each method throws when its limit is passed."""

    __slots__ = (
        "bytes_read",
        "bytes_written",
        "documents_read",
        "documents_written",
        "index_ranges",
    )

    def __init__(self) -> None:
        self.bytes_read = 0
        self.bytes_written = 0
        self.documents_read = 0
        self.documents_written = 0
        self.index_ranges = 0

    def range(self) -> None:
        """Count a query or a get."""
        self.index_ranges += 1
        if self.index_ranges > limits.TRANSACTION_INDEX_RANGES:
            raise Thrown(
                "Too many reads in a single function execution (limit: "
                f"{limits.TRANSACTION_INDEX_RANGES}). {_HELP}"
            )

    def read(self, size_bytes: int) -> None:
        """Count a document that was read, also one that a filter then dropped."""
        self.documents_read += 1
        self.bytes_read += size_bytes
        if self.documents_read > limits.TRANSACTION_DOCUMENTS_READ:
            raise Thrown(
                "Too many documents read in a single function execution (limit: "
                f"{limits.TRANSACTION_DOCUMENTS_READ}). {_HELP}"
            )
        if self.bytes_read > limits.TRANSACTION_READ_BYTES:
            raise Thrown(
                "Too many bytes read in a single function execution (limit: "
                f"{limits.TRANSACTION_READ_BYTES} bytes). {_HELP}"
            )

    def can_read(self, size_bytes: int) -> bool:
        """Whether ``read`` of a document would pass."""
        return (
            self.documents_read < limits.TRANSACTION_DOCUMENTS_READ
            and self.bytes_read + size_bytes <= limits.TRANSACTION_READ_BYTES
        )

    def write(self, size_bytes: int) -> None:
        """Count a document that is written; a deleted one has no size."""
        self.documents_written += 1
        self.bytes_written += size_bytes
        if self.documents_written > limits.TRANSACTION_DOCUMENTS_WRITTEN:
            raise Thrown(
                "Too many writes in a single function execution (limit: "
                f"{limits.TRANSACTION_DOCUMENTS_WRITTEN})"
            )
        if self.bytes_written > limits.TRANSACTION_WRITE_BYTES:
            raise Thrown(
                "Too many bytes written in a single function execution (limit: "
                f"{limits.TRANSACTION_WRITE_BYTES} bytes)"
            )
