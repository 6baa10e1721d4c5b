"""``store.memory``: threads, messages and resources, one line an operation and face.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import message_writes, messages, resources, threads


class Memory(Face):
    """Threads, messages and resources, blocking. Source: MemoryConvex of @mastra/convex 1.5.2."""

    save_thread = blocking(threads.save_thread)
    get_thread_by_id = blocking(threads.get_thread_by_id)
    update_thread = blocking(threads.update_thread)
    delete_thread = blocking(threads.delete_thread)
    list_threads = blocking(threads.list_threads)
    save_messages = blocking(message_writes.save_messages)
    list_messages = blocking(messages.list_messages)
    list_messages_by_resource_id = blocking(messages.list_messages_by_resource_id)
    list_messages_by_id = blocking(messages.list_messages_by_id)
    update_messages = blocking(message_writes.update_messages)
    delete_messages = blocking(message_writes.delete_messages)
    save_resource = blocking(resources.save_resource)
    get_resource_by_id = blocking(resources.get_resource_by_id)
    update_resource = blocking(resources.update_resource)
    dangerously_clear_all = blocking(threads.dangerously_clear_all)


class AsyncMemory(Face):
    """Threads, messages and resources, async. Source: MemoryConvex of @mastra/convex 1.5.2."""

    save_thread = nonblocking(threads.save_thread)
    get_thread_by_id = nonblocking(threads.get_thread_by_id)
    update_thread = nonblocking(threads.update_thread)
    delete_thread = nonblocking(threads.delete_thread)
    list_threads = nonblocking(threads.list_threads)
    save_messages = nonblocking(message_writes.save_messages)
    list_messages = nonblocking(messages.list_messages)
    list_messages_by_resource_id = nonblocking(messages.list_messages_by_resource_id)
    list_messages_by_id = nonblocking(messages.list_messages_by_id)
    update_messages = nonblocking(message_writes.update_messages)
    delete_messages = nonblocking(message_writes.delete_messages)
    save_resource = nonblocking(resources.save_resource)
    get_resource_by_id = nonblocking(resources.get_resource_by_id)
    update_resource = nonblocking(resources.update_resource)
    dangerously_clear_all = nonblocking(threads.dangerously_clear_all)
