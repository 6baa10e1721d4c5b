"""Mastra's storage domains, a module each: the operations of one as methods of both faces."""

from convex_mastra.domains.memory import AsyncMemory, Memory

__all__ = ["AsyncMemory", "Memory"]
