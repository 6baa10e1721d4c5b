"""Mastra's Convex storage in Python: one memory, two languages.

``ConvexStore`` and ``ConvexVector`` read and write the tables that Mastra's ``@mastra/convex``
keeps, on a Convex deployment or on the embedded backend; ``Async…`` are their async twins.
"""

from importlib.metadata import version

from convex_mastra.backends import Backend, open_backend
from convex_mastra.config import Event, Options
from convex_mastra.documents import AsyncConvexDocuments, ConvexDocuments
from convex_mastra.domains import (
    AsyncBackgroundTasks,
    AsyncMemory,
    AsyncScores,
    AsyncWorkflows,
    BackgroundTasks,
    Memory,
    Scores,
    Workflows,
)
from convex_mastra.errors import (
    AuthenticationError,
    ClosedError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ConvexMastraError,
    FunctionError,
    FunctionNotFoundError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    OutcomeUnknownError,
    ProtocolError,
    RateLimitedError,
    RequestRejectedError,
    ScanLimitError,
    StorageError,
    TransportError,
    UnavailableError,
    UnsupportedOperationError,
)
from convex_mastra.ops.vector_indexes import IndexStats
from convex_mastra.ops.vector_reads import VectorRecord
from convex_mastra.ops.vector_search import VectorMatch
from convex_mastra.records import (
    BackgroundTask,
    BackgroundTaskPage,
    DateRange,
    Include,
    Message,
    MessagePage,
    MessageUpdate,
    Resource,
    Score,
    ScorePage,
    Thread,
    ThreadPage,
    WorkflowRun,
    WorkflowRunPage,
)
from convex_mastra.store import AsyncConvexStore, ConvexStore
from convex_mastra.vector import AsyncConvexVector, ConvexVector

__version__ = version("convex-mastra")

__all__ = [
    "AsyncBackgroundTasks",
    "AsyncConvexDocuments",
    "AsyncConvexStore",
    "AsyncConvexVector",
    "AsyncMemory",
    "AsyncScores",
    "AsyncWorkflows",
    "AuthenticationError",
    "Backend",
    "BackgroundTask",
    "BackgroundTaskPage",
    "BackgroundTasks",
    "ClosedError",
    "ConfigurationError",
    "ConnectError",
    "ConnectionLostError",
    "ConvexDocuments",
    "ConvexMastraError",
    "ConvexStore",
    "ConvexVector",
    "DateRange",
    "Event",
    "FunctionError",
    "FunctionNotFoundError",
    "Include",
    "IndexStats",
    "InvalidArgumentError",
    "LimitExceededError",
    "Memory",
    "Message",
    "MessagePage",
    "MessageUpdate",
    "NotFoundError",
    "Options",
    "OutcomeUnknownError",
    "ProtocolError",
    "RateLimitedError",
    "RequestRejectedError",
    "Resource",
    "ScanLimitError",
    "Score",
    "ScorePage",
    "Scores",
    "StorageError",
    "Thread",
    "ThreadPage",
    "TransportError",
    "UnavailableError",
    "UnsupportedOperationError",
    "VectorMatch",
    "VectorRecord",
    "WorkflowRun",
    "WorkflowRunPage",
    "Workflows",
    "__version__",
    "open_backend",
]
