"""Mastra's storage domains, a module each: the operations of one as methods of both faces."""

from convex_mastra.domains.background_tasks import AsyncBackgroundTasks, BackgroundTasks
from convex_mastra.domains.channels import AsyncChannels, Channels
from convex_mastra.domains.memory import AsyncMemory, Memory
from convex_mastra.domains.schedules import AsyncSchedules, Schedules
from convex_mastra.domains.scores import AsyncScores, Scores
from convex_mastra.domains.workflows import AsyncWorkflows, Workflows

__all__ = [
    "AsyncBackgroundTasks",
    "AsyncChannels",
    "AsyncMemory",
    "AsyncSchedules",
    "AsyncScores",
    "AsyncWorkflows",
    "BackgroundTasks",
    "Channels",
    "Memory",
    "Schedules",
    "Scores",
    "Workflows",
]
