"""Every number this library obeys, with its unit and its source.

Called by the operations, which meet a limit before sending, and by the embedded backend,
which enforces the same limits on what reaches it. Knows nothing of rows or requests.

Sources: CB = get-convex/convex-backend (crates/… at 94a42c3), MC = @mastra/convex 1.5.2
(dist/server), OURS = chosen here, for the reason beside it.
"""

from __future__ import annotations

from typing import Final

MIB: Final = 1024 * 1024

# --- values and documents (CB crates/value, crates/common/src/document.rs) -------------------
DOCUMENT_SIZE_BYTES: Final = 1 * MIB
DOCUMENT_SYSTEM_BYTES: Final = 61
"""What ``_id`` (38) and ``_creationTime`` (23) add to every document."""
DOCUMENT_DEPTH: Final = 16
VALUE_DEPTH: Final = 64
ARGUMENTS_DEPTH: Final = 2
"""Arguments travel as an object inside an array; both count as levels of an argument's value."""
ARRAY_LENGTH: Final = 8192
OBJECT_FIELDS: Final = 1024
FIELD_NAME_BYTES: Final = 1024
EXACT_INTEGER: Final = 2**53
"""Convex holds every JSON number as a float64; integers are exact up to here."""

# --- one transaction (CB crates/common/src/knobs.rs) -----------------------------------------
TRANSACTION_WRITE_BYTES: Final = 16 * MIB
TRANSACTION_READ_BYTES: Final = 16 * MIB
TRANSACTION_DOCUMENTS_WRITTEN: Final = 16_000
TRANSACTION_DOCUMENTS_READ: Final = 32_000
TRANSACTION_INDEX_RANGES: Final = 4_096
REQUEST_BODY_BYTES: Final = 16 * MIB + 2_000

# --- the storage handler (MC server/storage) --------------------------------------------------
SCAN_ROWS: Final = 10_000
"""``queryTable`` and ``load`` by other keys stop here without saying so."""
LOAD_MANY_IDS: Final = 10
CLEAR_TABLE_ROWS: Final = 25
CACHE_BATCHES: Final = 1_000
"""Requests that one operation of the server cache may take, of 25 rows each (MC dist/index.js)."""

# --- vectors ------------------------------------------------------------------------------------
VECTOR_DIMENSION: Final = ARRAY_LENGTH
"""A scanned vector is an array; Convex's native vector indexes allow 2 to 4096."""

# native vector indexes (CB crates/common/src/bootstrap_model/index, crates/vector/src)
NATIVE_DIMENSION_MIN: Final = 2
NATIVE_DIMENSION_MAX: Final = 4_096
NATIVE_FILTER_FIELDS: Final = 16
NATIVE_FILTER_TERMS: Final = 64
NATIVE_RESULTS: Final = 256
NATIVE_RESULTS_DEFAULT: Final = 10
NATIVE_COUNT: Final = 10_000
"""``describe`` counts no further, and says so (MC server/native-vector)."""
NATIVE_BATCH_ROWS: Final = 100
"""Rows of one write (MC dist/vector/native)."""
IDENTIFIER_LENGTH: Final = 64

MATRIX_CACHE_BYTES: Final = 512 * MIB
"""Of float32 matrices that one embedded database holds (OURS); the one in use always stays."""

# --- how requests are cut (OURS) ----------------------------------------------------------------
WRITE_BATCH_ROWS: Final = 1_000
"""Each upsert reads one index range (4,096 allowed) and the handler has one second of JavaScript."""
WRITE_BATCH_BYTES: Final = 4 * MIB
"""A quarter of a transaction's 16 MiB: patching also reads the old rows, and a free deployment
accepts 4 MiB of writes a second."""
WRITE_BATCH_JSON_BYTES: Final = 12 * MIB
"""The body limit counts JSON text, which is up to 2.4 times the Convex size of a vector."""
DELETE_BATCH_IDS: Final = 1_000
DOCUMENT_PAGE_ROWS: Final = 4_096
"""Half of what the array of an answer holds (8,192); halved where so many are too large."""
DOCUMENT_LOAD_KEYS: Final = 500
DOCUMENT_LIST_PARTITIONS: Final = 100
"""Of our functions, which cost a range of the index for each: an eighth, and less, of what one
transaction may read; halved where their rows are too large."""
VECTOR_PAGE_BYTES: Final = 4 * MIB
"""What one page of a vector scan aims at, of the 16 MiB a transaction may read and return."""
VECTOR_PAGE_ROWS_MAX: Final = 1_024
VECTOR_ROW_OVERHEAD_BYTES: Final = 1_024
"""Room left in a page for a vector's id and metadata, whose size is unknown beforehand."""

# --- the client (OURS) --------------------------------------------------------------------------
TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 10.0
RETRY_BUDGET_S: Final = 30.0
RETRY_ATTEMPTS: Final = 6
RETRY_WAIT_INITIAL_S: Final = 0.1
RETRY_WAIT_MAX_S: Final = 2.0
"""Convex's own retries back off from 100 ms to 2 s; there is no Retry-After header anywhere."""
MAX_IN_FLIGHT: Final = 16
"""The concurrent mutations of a free or self-hosted deployment."""
MESSAGES_PER_PAGE: Final = 40
THREADS_PER_PAGE: Final = 100
SCORES_PER_PAGE: Final = 100
