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
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    RemoveMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.none() | st.text("abcdefg_", min_size=1, max_size=4)
IDS = st.none() | st.text("abc123", min_size=1, max_size=3)
CALL_IDS = st.text("xyz", min_size=1, max_size=2)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
EXTRAS = st.just({}) | OBJECTS
BLOCKS: st.SearchStrategy[Any] = st.one_of(
    TEXTS,
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "reasoning", "reasoning": text}, TEXTS),
    st.just({"type": "image", "url": "https://example.org/a.png"}),
    st.just({"type": "image", "base64": "AAAA", "mime_type": "image/png"}),
    st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
    st.just({"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}),
    st.just({"type": "file", "file_id": "file-1"}),
    st.just({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
    st.just({"type": "thinking", "thinking": "hm", "signature": "s"}),
    st.just({"type": "non_standard", "value": {"any": [1, None]}}),
    st.builds(lambda value: {"provider": value}, JSON),
)
CONTENTS = TEXTS | st.lists(BLOCKS, max_size=3)
USAGES = st.none() | st.just(
    {
        "input_tokens": 3,
        "output_tokens": 4,
        "total_tokens": 7,
        "input_token_details": {"cache_read": 1},
    }
)
PROVIDERS = st.sampled_from([None, "openai", "anthropic", "google_genai", "somebody"])


@st.composite
def ai_messages(draw: st.DrawFn, call_ids: st.SearchStrategy[list[str]]) -> AIMessage:
    provider = draw(PROVIDERS)
    return AIMessage(
        draw(CONTENTS),
        tool_calls=[
            ToolCall(name=draw(NAMES) or "tool", args=draw(OBJECTS), id=call_id, type="tool_call")
            for call_id in draw(call_ids)
        ],
        invalid_tool_calls=draw(
            st.just([])
            | st.just(
                [
                    InvalidToolCall(
                        name="t", args="{", id="bad", error=None, type="invalid_tool_call"
                    )
                ]
            )
        ),
        usage_metadata=draw(USAGES),
        additional_kwargs=draw(st.just({}) | st.just({"reasoning_content": "hm"})),
        response_metadata={"model_provider": provider} if provider else {},
        name=draw(NAMES),
        id=draw(IDS),
    )


def made(
    kind: Callable[..., BaseMessage], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def tool_messages(call_id: st.SearchStrategy[str]) -> st.SearchStrategy[ToolMessage]:
    return made(
        ToolMessage,
        content=CONTENTS,
        tool_call_id=call_id,
        artifact=JSON,
        status=st.sampled_from(["success", "error"]),
        name=NAMES,
        id=IDS,
        additional_kwargs=EXTRAS,
    )


def chunk(text: str, call_id: str) -> AIMessageChunk:
    call = tool_call_chunk(name="t", args='{"x": 1}', id=call_id, index=0)
    return AIMessageChunk(text, tool_call_chunks=[call])


MESSAGES: st.SearchStrategy[BaseMessage] = st.one_of(
    made(HumanMessage, content=CONTENTS, name=NAMES, id=IDS, additional_kwargs=EXTRAS),
    made(SystemMessage, content=CONTENTS, id=IDS),
    ai_messages(st.lists(CALL_IDS, max_size=2)),
    tool_messages(CALL_IDS),
    st.builds(chunk, TEXTS, CALL_IDS),
    made(ChatMessage, content=CONTENTS, role=st.sampled_from(["user", "AI", "critic"])),
    made(FunctionMessage, content=CONTENTS, name=st.just("f"), id=IDS),
    made(RemoveMessage, id=st.just("gone")),
)
CONVERSATIONS = st.lists(MESSAGES, max_size=8)


@st.composite
def turns(draw: st.DrawFn) -> list[BaseMessage]:
    """A question and an agent's answer to it: every call is answered before the next step."""
    messages: list[BaseMessage] = [HumanMessage(draw(TEXTS), id=draw(IDS))]
    for _ in range(draw(st.integers(0, 2))):
        call_ids = draw(st.lists(CALL_IDS, min_size=1, max_size=3, unique=True))
        messages.append(draw(ai_messages(st.just(call_ids))))
        messages += [
            draw(tool_messages(st.just(call_id))) for call_id in draw(st.permutations(call_ids))
        ]
    messages.append(draw(ai_messages(st.just([]))))
    return messages


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
