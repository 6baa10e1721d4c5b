"""Mastra's storage domains, a module each: the operations of one as methods of both faces."""

from convex_mastra.domains.background_tasks import AsyncBackgroundTasks, BackgroundTasks
from convex_mastra.domains.memory import AsyncMemory, Memory
from convex_mastra.domains.scores import AsyncScores, Scores
from convex_mastra.domains.workflows import AsyncWorkflows, Workflows

__all__ = [
    "AsyncBackgroundTasks",
    "AsyncMemory",
    "AsyncScores",
    "AsyncWorkflows",
    "BackgroundTasks",
    "Memory",
    "Scores",
    "Workflows",
]
