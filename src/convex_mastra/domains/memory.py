"""``store.memory``: threads, messages, resources and observational memory, one line each.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import (
    message_writes,
    messages,
    observational_memory,
    observations,
    recent_messages,
    reflections,
    resources,
    threads,
)


class Memory(Face):
    """Mastra's memory, blocking. Source: MemoryConvex of @mastra/convex 1.5.2."""

    save_thread = blocking(threads.save_thread)
    get_thread_by_id = blocking(threads.get_thread_by_id)
    update_thread = blocking(threads.update_thread)
    delete_thread = blocking(threads.delete_thread)
    list_threads = blocking(threads.list_threads)
    save_messages = blocking(message_writes.save_messages)
    list_messages = blocking(messages.list_messages)
    list_recent_messages = blocking(recent_messages.list_recent_messages)
    list_messages_by_resource_id = blocking(messages.list_messages_by_resource_id)
    list_messages_by_id = blocking(messages.list_messages_by_id)
    update_messages = blocking(message_writes.update_messages)
    delete_messages = blocking(message_writes.delete_messages)
    save_resource = blocking(resources.save_resource)
    get_resource_by_id = blocking(resources.get_resource_by_id)
    update_resource = blocking(resources.update_resource)
    get_observational_memory = blocking(observational_memory.get_observational_memory)
    get_observational_memory_history = blocking(
        observational_memory.get_observational_memory_history
    )
    initialize_observational_memory = blocking(observational_memory.initialize_observational_memory)
    insert_observational_memory_record = blocking(
        observational_memory.insert_observational_memory_record
    )
    update_observational_memory_config = blocking(
        observational_memory.update_observational_memory_config
    )
    clear_observational_memory = blocking(observational_memory.clear_observational_memory)
    update_active_observations = blocking(observations.update_active_observations)
    update_buffered_observations = blocking(observations.update_buffered_observations)
    swap_buffered_to_active = blocking(observations.swap_buffered_to_active)
    set_observing_flag = blocking(observations.set_observing_flag)
    set_buffering_observation_flag = blocking(observations.set_buffering_observation_flag)
    set_pending_message_tokens = blocking(observations.set_pending_message_tokens)
    create_reflection_generation = blocking(reflections.create_reflection_generation)
    update_buffered_reflection = blocking(reflections.update_buffered_reflection)
    swap_buffered_reflection_to_active = blocking(reflections.swap_buffered_reflection_to_active)
    set_reflecting_flag = blocking(reflections.set_reflecting_flag)
    set_buffering_reflection_flag = blocking(reflections.set_buffering_reflection_flag)
    dangerously_clear_all = blocking(threads.dangerously_clear_all)


class AsyncMemory(Face):
    """Mastra's memory, async. Source: MemoryConvex of @mastra/convex 1.5.2."""

    save_thread = nonblocking(threads.save_thread)
    get_thread_by_id = nonblocking(threads.get_thread_by_id)
    update_thread = nonblocking(threads.update_thread)
    delete_thread = nonblocking(threads.delete_thread)
    list_threads = nonblocking(threads.list_threads)
    save_messages = nonblocking(message_writes.save_messages)
    list_messages = nonblocking(messages.list_messages)
    list_recent_messages = nonblocking(recent_messages.list_recent_messages)
    list_messages_by_resource_id = nonblocking(messages.list_messages_by_resource_id)
    list_messages_by_id = nonblocking(messages.list_messages_by_id)
    update_messages = nonblocking(message_writes.update_messages)
    delete_messages = nonblocking(message_writes.delete_messages)
    save_resource = nonblocking(resources.save_resource)
    get_resource_by_id = nonblocking(resources.get_resource_by_id)
    update_resource = nonblocking(resources.update_resource)
    get_observational_memory = nonblocking(observational_memory.get_observational_memory)
    get_observational_memory_history = nonblocking(
        observational_memory.get_observational_memory_history
    )
    initialize_observational_memory = nonblocking(
        observational_memory.initialize_observational_memory
    )
    insert_observational_memory_record = nonblocking(
        observational_memory.insert_observational_memory_record
    )
    update_observational_memory_config = nonblocking(
        observational_memory.update_observational_memory_config
    )
    clear_observational_memory = nonblocking(observational_memory.clear_observational_memory)
    update_active_observations = nonblocking(observations.update_active_observations)
    update_buffered_observations = nonblocking(observations.update_buffered_observations)
    swap_buffered_to_active = nonblocking(observations.swap_buffered_to_active)
    set_observing_flag = nonblocking(observations.set_observing_flag)
    set_buffering_observation_flag = nonblocking(observations.set_buffering_observation_flag)
    set_pending_message_tokens = nonblocking(observations.set_pending_message_tokens)
    create_reflection_generation = nonblocking(reflections.create_reflection_generation)
    update_buffered_reflection = nonblocking(reflections.update_buffered_reflection)
    swap_buffered_reflection_to_active = nonblocking(reflections.swap_buffered_reflection_to_active)
    set_reflecting_flag = nonblocking(reflections.set_reflecting_flag)
    set_buffering_reflection_flag = nonblocking(reflections.set_buffering_reflection_flag)
    dangerously_clear_all = nonblocking(threads.dangerously_clear_all)
