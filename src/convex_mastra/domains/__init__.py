"""Mastra's storage domains, a module each: the operations of one as methods of both faces."""

from convex_mastra.domains.memory import AsyncMemory, Memory
from convex_mastra.domains.workflows import AsyncWorkflows, Workflows

__all__ = ["AsyncMemory", "AsyncWorkflows", "Memory", "Workflows"]
