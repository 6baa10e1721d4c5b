"""The saver's flows on one backend, each for both faces.

Called by ``saver`` alone; shared by a saver and its copies.
"""

from __future__ import annotations

from langgraph.checkpoint.base import CheckpointTuple

from convex_mastra.face import AsyncClient, SyncClient, blocking, nonblocking
from convex_mastra.flow import Flow
from convex_mastra.ops.target import Target
from langchain_convex_mastra.checkpoints import (
    copying,
    delta,
    pending,
    pruning,
    putting,
    reading,
    removal,
)
from langchain_convex_mastra.checkpoints.desk import Desk
from langchain_convex_mastra.checkpoints.history import History


def _read_on(target: Target, desk: Desk, history: History) -> Flow[list[CheckpointTuple]]:
    return history.read_on(target, desk)


class CheckpointClient(SyncClient, AsyncClient):
    """The flows, bound to a backend."""

    read_tuple = blocking(reading.read_tuple)
    read_on = blocking(_read_on)
    read_delta = blocking(delta.read_delta_history)
    put = blocking(putting.put_checkpoint)
    put_writes = blocking(pending.put_writes)
    delete_thread = blocking(removal.delete_thread)
    delete_for_runs = blocking(removal.delete_for_runs)
    prune = blocking(pruning.prune)
    copy_thread = blocking(copying.copy_thread)

    aread_tuple = nonblocking(reading.read_tuple)
    aread_on = nonblocking(_read_on)
    aread_delta = nonblocking(delta.read_delta_history)
    aput = nonblocking(putting.put_checkpoint)
    aput_writes = nonblocking(pending.put_writes)
    adelete_thread = nonblocking(removal.delete_thread)
    adelete_for_runs = nonblocking(removal.delete_for_runs)
    aprune = nonblocking(pruning.prune)
    acopy_thread = nonblocking(copying.copy_thread)
