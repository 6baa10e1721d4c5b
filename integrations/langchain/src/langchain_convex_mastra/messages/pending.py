"""Tool calls of Mastra that have no outcome yet, as tool messages.

Chat models demand an answer to every tool call. A call that was suspended, waits for approval, or
was never answered gets a placeholder: a plain sentence for the model, and under
``artifact["mastra"]`` what Mastra knows of it. It is never stored. Called by ``from_mastra`` (to
make them), ``turns`` (to tell them) and ``drafts`` (to settle what was answered).

Source: what agents of @mastra/core 1.71 keep of such calls (addToolMetadata, removeToolMetadata).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from typing import Any, Final

from langchain_core.messages import BaseMessage, ToolMessage

from langchain_convex_mastra.messages.blocks import only_parts

KEY: Final = "mastra"
Details = dict[str, Any]

_KEPT_BY_CALL: Final = {"suspendedTools": "suspended", "pendingToolApprovals": "approval-requested"}
_KEPT_IN_PARTS: Final = {
    "data-tool-call-suspended": "suspended",
    "data-tool-call-approval": "approval-requested",
}
_NAMES: Final = {
    "runId": "run_id",
    "delegatedRunId": "delegated_run_id",
    "suspendPayload": "suspend_payload",
    "resumeSchema": "resume_schema",
    "taskId": "task_id",
}
_SENTENCES: Final = {
    "call": "The tool call has no result yet.",
    "partial-call": "The tool call has no result yet.",
    "suspended": "The tool call is suspended: it waits for input, and has no result yet.",
    "approval-requested": "The tool call waits for approval, and has no result yet.",
    "approval-responded": "The tool call was approved, and has no result yet.",
    "background": "The tool call runs in the background, and has no result yet.",
}


def is_pending(message: BaseMessage) -> bool:
    """Whether a message only stands for the answer to a tool call that has none yet.

    Reading a conversation gives such a ``ToolMessage`` (status ``error``) for each call by Mastra
    that is unanswered, suspended or waits for approval. ``artifact["mastra"]`` says what is known:
    ``state``, and where Mastra has them ``run_id``, ``suspend_payload``, ``resume_schema``,
    ``approval_id``, ``approved``, ``reason``, ``task_id``. Histories do not store it; add a
    ``ToolMessage`` with the real result instead.
    """
    if not isinstance(message, ToolMessage) or not isinstance(message.artifact, Mapping):
        return False
    details = message.artifact.get(KEY)
    # A copy that was given a real content is an answer.
    return isinstance(details, Mapping) and message.content == _sentence(details)


def placeholder(call: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return content, status and artifact of the tool message for an unanswered invocation.

    Args:
        known: what the row keeps of it, of ``kept_by_row``.
    """
    state = str(call.get("state"))
    details = {"state": state, **known}
    if state.startswith("approval-"):
        details["state"] = state
    approval = call.get("approval")
    if isinstance(approval, Mapping):
        names = {"id": "approval_id", "approved": "approved", "reason": "reason"}
        details |= {names[name]: value for name, value in approval.items() if name in names}
    return {"content": _sentence(details), "status": "error", "artifact": {KEY: details}}


def kept_by_row(content: Any) -> dict[str, Details]:
    """Return what a row's content keeps of its unanswered calls, by tool call id."""
    kept: dict[str, Details] = {}
    for call_id, task in _kept(content, "backgroundTasks"):
        kept[call_id] = {"state": "background", **_details(task)}
    for part in only_parts(content.get("parts") if isinstance(content, Mapping) else None):
        if (state := _KEPT_IN_PARTS.get(part["type"])) and isinstance(part.get("data"), Mapping):
            data = part["data"]
            if not data.get("resumed"):
                kept[str(data.get("toolCallId"))] = {"state": state, **_details(data)}
    for name, state in _KEPT_BY_CALL.items():
        for call_id, entry in _kept(content, name):
            kept[call_id] = {"state": state, **_details(entry)}
    return kept


def settled(content: Mapping[str, Any], answered: Set[str]) -> dict[str, Any]:
    """Return a content that no longer asks for what was *answered*, as Mastra settles it.

    Args:
        content: one whose parts are parts, and whose metadata is an object.
    """
    parts, metadata = [], dict(content["metadata"])
    for part in content["parts"]:
        data = part.get("data")
        if part["type"] in _KEPT_IN_PARTS and isinstance(data, Mapping):
            resumed = str(data.get("toolCallId")) in answered
            parts.append({**part, "data": {**data, "resumed": True}} if resumed else part)
        else:
            parts.append(part)
    for name in _KEPT_BY_CALL:
        if any(call_id in answered for call_id, _ in _kept(content, name)):
            entries = metadata.pop(name)
            left = {key: kept for key, kept in entries.items() if _id(key, kept) not in answered}
            if left:
                metadata[name] = left
    return {**content, "parts": parts, "metadata": metadata}


def _kept(content: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    entries = metadata.get(name) if isinstance(metadata, Mapping) else None
    for key, entry in entries.items() if isinstance(entries, Mapping) else ():
        if isinstance(entry, Mapping):
            yield _id(key, entry), entry


def _id(key: str, entry: Any) -> str:
    named = entry.get("toolCallId") if isinstance(entry, Mapping) else None
    return named if isinstance(named, str) else key


def _details(entry: Mapping[str, Any]) -> Details:
    details = {_NAMES[name]: value for name, value in entry.items() if name in _NAMES}
    schema = details.get("resume_schema")
    if isinstance(schema, str):
        with suppress(ValueError):  # then it is kept as the text it is
            details["resume_schema"] = json.loads(schema)
    return details


def _sentence(details: Mapping[str, Any]) -> str | None:
    if details.get("approved") is False:
        reason = details.get("reason")
        return f"The tool call was denied: {reason}" if reason else "The tool call was denied."
    return _SENTENCES.get(str(details.get("state")))
