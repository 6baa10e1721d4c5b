"""``store.workflows``: runs of workflows and their snapshots, one line an operation and face.

The docstrings are those of ``convex_mastra.ops``.
"""

from __future__ import annotations

from convex_mastra.face import Face, blocking, nonblocking
from convex_mastra.ops import workflow_merges, workflows


class Workflows(Face):
    """Workflow runs, blocking. Source: WorkflowsConvex of @mastra/convex 1.5.2."""

    persist_workflow_snapshot = blocking(workflows.persist_workflow_snapshot)
    load_workflow_snapshot = blocking(workflows.load_workflow_snapshot)
    update_workflow_results = blocking(workflow_merges.update_workflow_results)
    update_workflow_state = blocking(workflow_merges.update_workflow_state)
    list_workflow_runs = blocking(workflows.list_workflow_runs)
    get_workflow_run_by_id = blocking(workflows.get_workflow_run_by_id)
    delete_workflow_run_by_id = blocking(workflows.delete_workflow_run_by_id)
    dangerously_clear_all = blocking(workflows.dangerously_clear_all)


class AsyncWorkflows(Face):
    """Workflow runs, async. Source: WorkflowsConvex of @mastra/convex 1.5.2."""

    persist_workflow_snapshot = nonblocking(workflows.persist_workflow_snapshot)
    load_workflow_snapshot = nonblocking(workflows.load_workflow_snapshot)
    update_workflow_results = nonblocking(workflow_merges.update_workflow_results)
    update_workflow_state = nonblocking(workflow_merges.update_workflow_state)
    list_workflow_runs = nonblocking(workflows.list_workflow_runs)
    get_workflow_run_by_id = nonblocking(workflows.get_workflow_run_by_id)
    delete_workflow_run_by_id = nonblocking(workflows.delete_workflow_run_by_id)
    dangerously_clear_all = nonblocking(workflows.dangerously_clear_all)
