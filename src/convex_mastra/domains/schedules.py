"""``store.schedules``: schedules and their history, one line an operation and face.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import schedule_triggers, schedules


class Schedules(Face):
    """Schedules and triggers, blocking. Source: SchedulesConvex of @mastra/convex 1.5.2."""

    create_schedule = blocking(schedules.create_schedule)
    get_schedule = blocking(schedules.get_schedule)
    list_schedules = blocking(schedules.list_schedules)
    list_due_schedules = blocking(schedules.list_due_schedules)
    update_schedule = blocking(schedules.update_schedule)
    update_schedule_next_fire = blocking(schedules.update_schedule_next_fire)
    delete_schedule = blocking(schedules.delete_schedule)
    record_trigger = blocking(schedule_triggers.record_trigger)
    list_triggers = blocking(schedule_triggers.list_triggers)
    dangerously_clear_all = blocking(schedules.dangerously_clear_all)


class AsyncSchedules(Face):
    """Schedules and triggers, async. Source: SchedulesConvex of @mastra/convex 1.5.2."""

    create_schedule = nonblocking(schedules.create_schedule)
    get_schedule = nonblocking(schedules.get_schedule)
    list_schedules = nonblocking(schedules.list_schedules)
    list_due_schedules = nonblocking(schedules.list_due_schedules)
    update_schedule = nonblocking(schedules.update_schedule)
    update_schedule_next_fire = nonblocking(schedules.update_schedule_next_fire)
    delete_schedule = nonblocking(schedules.delete_schedule)
    record_trigger = nonblocking(schedule_triggers.record_trigger)
    list_triggers = nonblocking(schedule_triggers.list_triggers)
    dangerously_clear_all = nonblocking(schedules.dangerously_clear_all)
