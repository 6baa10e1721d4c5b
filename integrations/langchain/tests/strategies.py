"""Arbitrary LangChain conversations, for Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    InvalidToolCall,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolCall,
    ToolMessage,
    ToolMessageChunk,
)
from langchain_core.messages.tool import tool_call_chunk

from integrations.langchain.tests.blocks import BLOCKS, JSON, OBJECTS, TEXTS

NAMES = st.none() | st.text("abcdefg_", min_size=1, max_size=4)
IDS = st.none() | st.text("abc123", min_size=1, max_size=3)
CALL_IDS = st.text("xyz", min_size=1, max_size=2)
EXTRAS = st.just({}) | OBJECTS
CONTENTS = TEXTS | st.lists(BLOCKS, max_size=3)
TEXT_BLOCKS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
PLAIN_CONTENTS = TEXTS | st.lists(
    TEXTS
    | TEXT_BLOCKS
    | st.sampled_from(
        [
            {"type": "image", "url": "https://example.org/a.png"},
            {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
            {"type": "file", "base64": "AAAA", "mime_type": "application/pdf"},
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
            {
                "type": "text",
                "text": "cited",
                "annotations": [{"type": "citation", "url": "https://e.x", "title": "T"}],
            },
        ]
    ),
    max_size=3,
)
PLAIN_RESULTS = TEXTS | st.lists(TEXTS | TEXT_BLOCKS, max_size=2)
USAGES = st.none() | st.fixed_dictionaries(
    {"input_tokens": st.just(3), "output_tokens": st.just(4), "total_tokens": st.just(7)},
    optional={
        "input_token_details": st.just({"cache_read": 1, "audio": 0}),
        "output_token_details": st.just({"reasoning": 2}),
    },
)
PROVIDERS = st.sampled_from(
    [None, "openai", "anthropic", "google_genai", "bedrock_converse", "groq", "somebody"]
)
KWARGS = st.sampled_from(
    [
        {},
        {"reasoning_content": "hm"},
        {"reasoning_content": ""},
        {"refusal": None, "audio": {"id": "a", "data": "AAAA"}},
        {"function_call": {"name": "f", "arguments": "{}"}},
        {
            "tool_calls": [
                {
                    "id": "raw",
                    "type": "function",
                    "function": {"name": "t", "arguments": '{"x": 1}'},
                }
            ]
        },
    ]
)
INVALID_CALLS = st.lists(
    st.builds(
        lambda name, args, call_id, error: InvalidToolCall(
            name=name, args=args, id=call_id, error=error, type="invalid_tool_call"
        ),
        NAMES,
        st.none() | TEXTS,
        st.none() | CALL_IDS,
        st.none() | TEXTS,
    ),
    max_size=1,
)


@st.composite
def ai_messages(
    draw: st.DrawFn,
    call_ids: st.SearchStrategy[list[str]],
    contents: st.SearchStrategy[Any] = CONTENTS,
) -> AIMessage:
    provider = draw(PROVIDERS)
    content = draw(contents)
    metadata = {"model_provider": provider} if provider else {}
    if draw(st.booleans()) and all(isinstance(block, dict) for block in content):
        metadata["output_version"] = "v1"
    return AIMessage(
        content,
        tool_calls=[
            ToolCall(name=draw(NAMES) or "tool", args=draw(OBJECTS), id=call_id, type="tool_call")
            for call_id in draw(call_ids)
        ],
        invalid_tool_calls=draw(INVALID_CALLS),
        usage_metadata=draw(USAGES),
        additional_kwargs=draw(KWARGS),
        response_metadata=metadata | draw(EXTRAS),
        name=draw(NAMES),
        id=draw(IDS),
    )


def made(
    kind: Callable[..., BaseMessage], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def tool_messages(
    call_id: st.SearchStrategy[str],
    kind: type[ToolMessage] = ToolMessage,
    contents: st.SearchStrategy[Any] = CONTENTS,
) -> st.SearchStrategy[ToolMessage]:
    return made(
        kind,
        content=contents,
        tool_call_id=call_id,
        artifact=JSON,
        status=st.sampled_from(["success", "error"]),
        name=NAMES,
        id=IDS,
        additional_kwargs=EXTRAS,
        response_metadata=EXTRAS,
    )


@st.composite
def ai_chunks(draw: st.DrawFn) -> AIMessageChunk:
    calls = [
        tool_call_chunk(
            name=draw(NAMES),
            args=draw(st.sampled_from([None, "", '{"x": 1}', '{"x": '])),
            id=draw(st.none() | CALL_IDS),
            index=draw(st.none() | st.integers(0, 2)),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return AIMessageChunk(
        draw(CONTENTS),
        tool_call_chunks=calls,
        usage_metadata=draw(USAGES),
        chunk_position=draw(st.sampled_from([None, "last"])),
        response_metadata=draw(EXTRAS),
        id=draw(IDS),
    )


ROLES = st.sampled_from(["user", "AI", "critic", "system", "tool", "signal"])
MESSAGES: st.SearchStrategy[BaseMessage] = st.one_of(
    made(
        HumanMessage,
        content=CONTENTS,
        name=NAMES,
        id=IDS,
        additional_kwargs=EXTRAS,
        response_metadata=EXTRAS,
        not_of_langchain=JSON,
    ),
    made(SystemMessage, content=CONTENTS, name=NAMES, id=IDS, additional_kwargs=EXTRAS),
    ai_messages(st.lists(CALL_IDS, max_size=2)),
    tool_messages(CALL_IDS),
    ai_chunks(),
    tool_messages(CALL_IDS, ToolMessageChunk),
    made(HumanMessageChunk, content=CONTENTS, id=IDS),
    made(SystemMessageChunk, content=CONTENTS, id=IDS),
    made(ChatMessage, content=CONTENTS, role=ROLES, id=IDS),
    made(ChatMessageChunk, content=CONTENTS, role=ROLES),
    made(FunctionMessage, content=CONTENTS, name=st.just("f"), id=IDS),
    made(FunctionMessageChunk, content=CONTENTS, name=st.just("f")),
    made(RemoveMessage, id=st.sampled_from(["gone", "__remove_all__"])),
)
CONVERSATIONS = st.lists(MESSAGES, max_size=8)


@st.composite
def turns(
    draw: st.DrawFn,
    contents: st.SearchStrategy[Any] = CONTENTS,
    results: st.SearchStrategy[Any] = CONTENTS,
    call_prefix: str = "",
) -> list[BaseMessage]:
    """A question and an agent's answer to it: every call is answered before the next step."""
    messages: list[BaseMessage] = [HumanMessage(draw(contents), id=draw(IDS))]
    for step in range(draw(st.integers(0, 2))):
        ids = draw(st.lists(CALL_IDS, min_size=1, max_size=3, unique=True))
        call_ids = [f"{call_prefix}{step}{call_id}" if call_prefix else call_id for call_id in ids]
        messages.append(draw(ai_messages(st.just(call_ids), contents)))
        messages += [
            draw(tool_messages(st.just(call_id), contents=results))
            for call_id in draw(st.permutations(call_ids))
        ]
    messages.append(draw(ai_messages(st.just([]), contents)))
    return messages


def plain_turns(call_prefix: str) -> st.SearchStrategy[list[BaseMessage]]:
    """Turns as agents of any provider have them, with tool calls whose ids are unique."""
    return turns(PLAIN_CONTENTS, PLAIN_RESULTS, call_prefix)


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[BaseMessage]]:
    """Turns of an agent, as they reach a history: cut into batches anywhere."""
    messages = [message for turn in draw(st.lists(turns(), max_size=3)) for message in turn]
    batches: list[list[BaseMessage]] = [[]]
    for message in messages:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(message)
    return batches
