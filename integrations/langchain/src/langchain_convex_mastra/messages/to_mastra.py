"""What a LangChain message says, in Mastra's parts.

Human, AI and system messages become text, reasoning, file and tool-invocation parts; a tool
message becomes the outcome of the tool invocation that called for it. What has no part is left
out here; ``exact`` keeps it. Called by ``turns``.

Source: what agents of @mastra/core 1.71 store, recorded from running ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langchain_convex_mastra.messages.blocks import Part, part_of_block, text_of
from langchain_convex_mastra.messages.citations import sources_of

UNKNOWN_TOOL: Final = "unknown"
"""The tool's name in a result whose call nobody stored."""
CALLED: Final = frozenset({"call", "partial-call", "approval-requested", "approval-responded"})
"""States of a tool invocation that has no outcome yet."""

SIGNING_PROVIDERS: Final = frozenset({"anthropic"})
"""Those whose reasoning is signed, under the name that both LangChain and the AI SDK call them."""


def parts_of(message: BaseMessage) -> list[Part]:
    """Return the parts of a message that is no tool message, its tool calls in state ``call``."""
    calls = list(message.tool_calls) if isinstance(message, AIMessage) else []
    parts = []
    for block in _blocks(message):
        if block.get("type") == "tool_call":
            called = [call for call in calls if call["id"] == block.get("id")]
            if called:
                calls.remove(called[0])
                parts.append(_call_part(called[0]))
        elif (part := part_of_block(block)) is not None:
            parts.append(_signed(part, message))
            if isinstance(message, AIMessage):
                parts += sources_of(block)
    return parts + [_call_part(call) for call in calls]


def outcome_of(message: ToolMessage) -> Part:
    """Return the fields that a tool message adds to its tool invocation."""
    if message.status == "error":
        return {"state": "output-error", "errorText": str(message.text)}
    return {"state": "result", "result": message.content}


def result_part(message: ToolMessage) -> Part:
    """Return a whole tool invocation for a tool message whose call is not known."""
    invocation = {
        "toolCallId": message.tool_call_id,
        "toolName": message.name or UNKNOWN_TOOL,
        "args": {},
        **outcome_of(message),
    }
    return {"type": "tool-invocation", "toolInvocation": invocation}


def text_of_last_step(parts: Sequence[Part]) -> str:
    """Return what Mastra keeps as ``content.content``: the text after the last step-start."""
    texts: list[str] = []
    for part in parts:
        if part.get("type") == "step-start":
            texts.clear()
        elif part.get("type") == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return "\n".join(texts)


def _signed(part: Part, message: BaseMessage) -> Part:
    """Return a part of reasoning so that the AI SDK sends its signature back to the provider."""
    provider = text_of(message.response_metadata, "model_provider")
    if part["type"] != "reasoning" or provider not in SIGNING_PROVIDERS:
        return part
    signature = text_of(part["details"][0], "signature")
    return part | {"providerMetadata": {provider: {"signature": signature}}} if signature else part


def _call_part(call: Mapping[str, Any]) -> Part:
    invocation = {
        "state": "call",
        "toolCallId": call["id"] or f"call-{uuid4()}",
        "toolName": call["name"],
        "args": call["args"],
    }
    return {"type": "tool-invocation", "toolInvocation": invocation}


def _blocks(message: BaseMessage) -> Sequence[Mapping[str, Any]]:
    if message.content == "" and not message.additional_kwargs:
        return ()
    try:
        blocks = [block for block in message.content_blocks if isinstance(block, Mapping)]
        # A standard block is none of a provider's, whose rules make it a value of unknown form.
        values = [block.get("value") for block in blocks]
        return [
            value if block.get("type") == "non_standard" and isinstance(value, Mapping) else block
            for block, value in zip(blocks, values, strict=True)
        ]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # LangChain translates a provider's blocks by that provider's rules; one that breaks them
        # must still be saved, and its exact form is.
        return ({"type": "text", "text": str(message.text)},) if message.text else ()
