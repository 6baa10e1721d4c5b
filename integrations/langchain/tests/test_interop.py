"""Conversations and documents, read and written by npm's packages on the other side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata

from convex_mastra.timestamps import to_text
from integrations.langchain.tests.stores import Directions
from langchain_convex_mastra import (
    ConvexChatMessageHistory,
    ConvexThreadLoader,
    ConvexVectorStore,
)
from tests.interop.node import run_node
from tests.lanes import SERVED_LANES, Deployment
from tests.native import CONFIGS, INDEXES

pytestmark = pytest.mark.parametrize("deployment", SERVED_LANES, indirect=True, scope="session")

Unique = Callable[[str], str]
START = datetime(2026, 1, 2, 3, 4, 5, 0, UTC)
CALL = {"name": "weather", "args": {"city": "Oslo"}, "id": "c1", "type": "tool_call"}
OTHER_CALL = {"name": "time", "args": {"zone": "UTC"}, "id": "c2", "type": "tool_call"}
PENDING_CALL = {"name": "weather", "args": {"city": "Bergen"}, "id": "c3", "type": "tool_call"}


def on(deployment: Deployment, script: str = "store.ts", **request: Any) -> Any:
    place = {
        "url": deployment.url,
        "key": deployment.admin_key,
        "storageFunction": deployment.storage_function,
    }
    return run_node(script, place | request)


def history_on(deployment: Deployment, thread_id: str) -> ConvexChatMessageHistory:
    return ConvexChatMessageHistory(
        thread_id,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
    )


def test_mastra_reads_the_same_turns(deployment: Deployment, unique: Unique) -> None:
    thread_id = unique("t")
    batches: list[list[BaseMessage]] = [
        [SystemMessage("be kind"), HumanMessage("weather and time?")],
        [AIMessage("let me check", tool_calls=[CALL, OTHER_CALL], id=unique("run"))],
        [ToolMessage("12:00", tool_call_id="c2", artifact={"private": True})],
        [ToolMessage("no such city", tool_call_id="c1", status="error")],
        [AIMessage("It is noon.", usage_metadata=None)],
        [
            HumanMessage(
                [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image", "url": "https://example.org/a.png"},
                ]
            ),
            AIMessage(
                [
                    {"type": "thinking", "thinking": "a cat?", "signature": "sig"},
                    {"type": "text", "text": "A cat."},
                    {"type": "no_such_block", "any": 1},
                ],
                response_metadata={"model_provider": "anthropic"},
            ),
            ChatMessage(content="hm", role="critic"),
            FunctionMessage(name="f", content="42"),
            HumanMessage(""),
            AIMessage(""),
            ToolMessage("r", tool_call_id="nobody called", name="search"),
            AIMessage("", tool_calls=[PENDING_CALL]),
        ],
    ]
    with history_on(deployment, thread_id) as history:
        for batch in batches:
            history.add_messages(batch)
        assert history.messages == [message for batch in batches for message in batch]

    read = on(deployment, command="read", threadIds=[thread_id])
    assert [row["role"] for row in read["recalled"][thread_id]] == [
        "user", "assistant", "user", "assistant", "user", "assistant", "assistant",
    ]  # fmt: skip
    forms = run_node("messagelist.ts", {"messages": read["messages"][thread_id]})["forms"]
    thrown = {name: form for name, form in forms.items() if isinstance(form, dict)}
    assert thrown == {}, "no form of the conversation throws"

    prompt = forms["aiV5.prompt"]
    assert [message["role"] for message in prompt][:6] == [
        "user", "assistant", "tool", "assistant", "user", "assistant",
    ]  # fmt: skip
    said = [part for message in prompt for part in parts_of(message)]
    texts = [part["text"] for part in said if part["type"] == "text"]
    assert texts[:5] == [
        "weather and time?", "let me check", "It is noon.", "what is this?", "A cat.",
    ]  # fmt: skip
    calls = [part["toolCallId"] for part in said if part["type"] == "tool-call"]
    assert calls == ["c1", "c2", "nobody called"], "pending calls are in no prompt of Mastra's"
    outputs = {part["toolCallId"]: part["output"] for part in said if part["type"] == "tool-result"}
    assert outputs["c2"] == {"type": "text", "value": "12:00"}
    assert outputs["c1"] == {"type": "error-text", "value": "no such city"}
    assert "be kind" not in str(prompt)
    assert "https://example.org/a.png" in str(prompt)


def parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def test_python_reads_what_mastra_wrote(deployment: Deployment, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    question, answer = unique("m"), unique("m")
    invocation = {
        "state": "result",
        "toolCallId": "c1",
        "toolName": "weather",
        "args": {"city": "Oslo"},
        "result": {"temp": 1},
    }
    parts = [
        {"type": "text", "text": "let me check", "createdAt": 1_795_309_847_410},
        {"type": "tool-invocation", "toolInvocation": invocation},
        {"type": "step-start", "model": "mock/mock-model"},
        {"type": "text", "text": "It is 1C"},
    ]
    contents = {
        question: {"format": 2, "parts": [{"type": "text", "text": "hi"}], "content": "hi"},
        answer: {"format": 2, "parts": parts, "content": "It is 1C"},
    }
    on(
        deployment,
        command="write",
        threads=[
            {
                "id": thread_id,
                "resourceId": resource_id,
                "title": "",
                "createdAt": to_text(START),
                "updatedAt": to_text(START),
            }
        ],
        messages=[
            {
                "id": message_id,
                "threadId": thread_id,
                "resourceId": resource_id,
                "role": role,
                "type": "v2",
                "content": contents[message_id],
                "createdAt": to_text(START + timedelta(seconds=seconds)),
            }
            for seconds, (message_id, role) in enumerate(
                [(question, "user"), (answer, "assistant")]
            )
        ],
    )
    with history_on(deployment, thread_id) as history:
        history.add_messages([HumanMessage("and tomorrow?")])
        assert history.messages == [
            HumanMessage("hi", id=question),
            AIMessage("let me check", tool_calls=[CALL], id=answer),
            ToolMessage('{"temp": 1}', tool_call_id="c1", name="weather", id=f"{answer}#c1"),
            AIMessage("It is 1C", id=f"{answer}#1"),
            HumanMessage("and tomorrow?"),
        ]
    read = on(deployment, command="read", threadIds=[thread_id], resourceIds=[resource_id])
    assert len(read["messagesByResource"][resource_id]) == 3, "the new row is Mastra's resource's"


USAGE: UsageMetadata = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
REASONED = [
    {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "sig"}},
    {
        "type": "text",
        "text": "let me check",
        "annotations": [{"type": "citation", "url": "https://e.x", "title": "E", "start_index": 0}],
    },
]
TURN: list[BaseMessage] = [
    HumanMessage("weather?", additional_kwargs={"kept": 1.0}),
    AIMessage(
        REASONED,
        tool_calls=[{**CALL, "args": {"city": "Oslo", "days": 1.0, "large": 2**70}}],
        usage_metadata=USAGE,
        response_metadata={"model_provider": "anthropic", "output_version": "v1"},
    ),
    ToolMessage("1 C", tool_call_id="c1", artifact={"kept": [1, None]}),
    AIMessage("It is 1 C.", usage_metadata=USAGE),
    HumanMessage(
        [{"type": "text", "text": "and this?"}, {"type": "image", "url": "https://e.x/a.png"}]
    ),
]


@pytest.mark.parametrize("edit", ["continue", "ui"])
def test_exact_messages_survive_that_mastra_saves_them_again(
    deployment: Deployment, unique: Unique, edit: str
) -> None:
    thread_id = unique("t")
    with history_on(deployment, thread_id) as history:
        history.add_messages(TURN)
        assert on(deployment, "edits.ts", threadId=thread_id, edit=edit) == {"saved": 3}
        assert history.messages == TURN


def test_sources_in_both_directions(deployment: Deployment, unique: Unique) -> None:
    thread_id = unique("t")
    with history_on(deployment, thread_id) as history:
        history.add_messages(TURN)
        read = on(deployment, command="read", threadIds=[thread_id])
        forms = run_node("messagelist.ts", {"messages": read["messages"][thread_id]})["forms"]
        shown = [part for message in forms["aiV5.ui"] for part in message["parts"]]
        assert [part for part in shown if part["type"] == "source-url"] == [
            {"type": "source-url", "url": "https://e.x", "sourceId": "https://e.x", "title": "E"}
        ]
        source = {"sourceType": "url", "id": "s1", "url": "https://e.y", "title": "Y"}
        reply = message_of_mastra(
            unique("m"),
            thread_id,
            {"type": "text", "text": "See Y."},
            {"type": "source", "source": source},
        )
        on(deployment, "edits.ts", threadId=thread_id, edit="continue", replies=[reply])
        assert history.messages[-1].content_blocks == [
            {
                "type": "text",
                "text": "See Y.",
                "annotations": [
                    {"type": "citation", "url": "https://e.y", "id": "s1", "title": "Y"}
                ],
            }
        ]
        assert history.messages[:-1] == TURN


def message_of_mastra(message_id: str, thread_id: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": message_id,
        "threadId": thread_id,
        "resourceId": thread_id,
        "role": "assistant",
        "content": {"format": 2, "parts": parts},
        "createdAt": to_text(datetime.now(UTC) + timedelta(minutes=1)),
    }


def test_mastra_answers_and_goes_on_with_a_turn_of_langchain(
    deployment: Deployment, unique: Unique
) -> None:
    thread_id, row_id = unique("t"), unique("m")
    call = AIMessage(
        "let me check", tool_calls=[CALL], id=row_id, usage_metadata=USAGE, name="helper"
    )
    outcome = {
        "type": "tool-invocation",
        "toolInvocation": {
            "state": "result",
            "toolCallId": "c1",
            "toolName": "weather",
            "args": {"city": "Oslo"},
            "result": {"t": 1},
        },
    }
    reply = message_of_mastra(row_id, thread_id, {"type": "text", "text": "It is 1 C."})
    with history_on(deployment, thread_id) as history:
        history.add_messages([HumanMessage("weather?"), call])
        on(
            deployment,
            "edits.ts",
            threadId=thread_id,
            edit="continue",
            outcomes=[outcome],
            replies=[reply],
        )
        read = history.messages
        assert read[:3] == [
            HumanMessage("weather?"),
            call,
            ToolMessage('{"t": 1}', tool_call_id="c1", name="weather", id=f"{row_id}#c1"),
        ]
        assert [message.text for message in read[3:]] == ["It is 1 C."]
        thanks = [HumanMessage("thanks"), AIMessage("You are welcome.", usage_metadata=USAGE)]
        history.add_messages(thanks)
        assert history.messages == [*read, *thanks]


@pytest.mark.parametrize("metadata", [{}, {"metadata": {"langchain": None}}])
def test_an_edit_by_mastra_wins(
    deployment: Deployment, unique: Unique, metadata: dict[str, Any]
) -> None:
    thread_id, row_id = unique("t"), unique("m")
    turn = [AIMessage("", tool_calls=[CALL], id=row_id, usage_metadata=USAGE), *TURN[2:4]]
    with history_on(deployment, thread_id) as history:
        history.add_messages(turn)
        read = on(deployment, command="read", threadIds=[thread_id])
        (row,) = read["messages"][thread_id]
        parts = [*row["content"]["parts"][:-1], {"type": "text", "text": "It is warm."}]
        content = {"parts": parts, "content": "It is warm.", **metadata}
        on(
            deployment,
            "edits.ts",
            threadId=thread_id,
            edit="update",
            updates=[{"id": row_id, "content": content}],
        )
        edited = history.messages
        assert edited == [
            AIMessage("", tool_calls=[CALL], id=row_id),
            ToolMessage("1 C", tool_call_id="c1", name="weather", id=f"{row_id}#c1"),
            AIMessage("It is warm.", id=f"{row_id}#1"),
        ]
        history.add_messages(TURN)
        assert history.messages == [*edited, *TURN]


def test_documents_in_both_directions(deployment: Deployment, unique: Unique) -> None:
    index_name = unique("docs")
    embedding = DeterministicFakeEmbedding(size=4)
    vector = embedding.embed_query("hello")
    with ConvexVectorStore(
        embedding,
        index_name=index_name,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
    ) as store:
        store.add_texts(["hello"], [{"source": "a.md", "page": 3, "ratio": 1.0}], ids=["py"])
        on(
            deployment,
            command="write",
            indexes=[
                {
                    "indexName": index_name,
                    "dimension": 4,
                    "vectors": [
                        {
                            "id": "js",
                            "vector": [-number for number in vector],
                            "metadata": {"text": "chunk", "source": "b.md"},
                        }
                    ],
                }
            ],
        )
        assert store.similarity_search("hello") == [
            Document(
                id="py",
                page_content="hello",
                metadata={"source": "a.md", "page": 3, "ratio": 1.0},
            ),
            Document(id="js", page_content="chunk", metadata={"source": "b.md"}),
        ]
    query = {"indexName": index_name, "queryVector": vector, "filter": {"page": {"$gte": 3}}}
    ((hit,),) = on(deployment, command="read", queries=[query])["queries"]
    assert hit["id"] == "py"
    assert (hit["metadata"]["text"], hit["metadata"]["source"]) == ("hello", "a.md")


def test_threads_that_mastra_wrote_are_loaded(deployment: Deployment, unique: Unique) -> None:
    resource_id = unique("r")
    first, second = unique("t"), unique("t")
    question, answer, picture, other = unique("m"), unique("m"), unique("m"), unique("m")
    invocation = {
        "state": "result",
        "toolCallId": "c1",
        "toolName": "weather",
        "args": {"city": "Oslo"},
        "result": {"temp": 1},
    }
    contents: dict[str, tuple[str, str, dict[str, Any]]] = {
        question: (first, "user", {"parts": [{"type": "text", "text": "weather?"}]}),
        answer: (
            first,
            "assistant",
            {
                "parts": [
                    {"type": "step-start"},
                    {"type": "reasoning", "reasoning": "", "details": []},
                    {"type": "text", "text": "let me check"},
                    {"type": "tool-invocation", "toolInvocation": invocation},
                    {"type": "step-start"},
                    {"type": "text", "text": "It is 1C"},
                ]
            },
        ),
        picture: (
            first,
            "user",
            {"parts": [{"type": "file", "mimeType": "image/png", "data": "AAAA"}]},
        ),
        other: (second, "user", {"parts": [{"type": "text", "text": "thanks"}]}),
    }
    on(
        deployment,
        command="write",
        threads=[
            {
                "id": thread_id,
                "resourceId": resource_id,
                "title": title,
                "metadata": {"kind": title},
                "createdAt": to_text(START + timedelta(days=days)),
                "updatedAt": to_text(START),
            }
            for days, (thread_id, title) in enumerate([(first, "Oslo"), (second, "Thanks")])
        ],
        messages=[
            {
                "id": message_id,
                "threadId": thread_id,
                "resourceId": resource_id,
                "role": role,
                "type": "v2",
                "content": {"format": 2, **content},
                "createdAt": to_text(START + timedelta(seconds=seconds)),
            }
            for seconds, (message_id, (thread_id, role, content)) in enumerate(contents.items())
        ],
    )

    def load(**options: Any) -> list[Document]:
        with ConvexThreadLoader(
            resource_id=resource_id,
            deployment_url=deployment.url,
            admin_auth_token=deployment.admin_key,
            storage_function=deployment.storage_function,
            **options,
        ) as loader:
            return loader.load()

    assert [(one.id, one.page_content) for one in load()] == [
        (question, "weather?"),
        (answer, "let me check\nIt is 1C"),
        (other, "thanks"),
    ]
    assert load()[1].metadata == {
        "thread_id": first,
        "resource_id": resource_id,
        "title": "Oslo",
        "message_id": answer,
        "role": "assistant",
        "created_at": to_text(START + timedelta(seconds=1)),
    }
    assert [(one.id, one.page_content) for one in load(mode="thread", include_tools=False)] == [
        (first, "Human: weather?\nAI: let me check\nAI: It is 1C"),
        (second, "Human: thanks"),
    ]
    assert [one.id for one in load(mode="thread", metadata={"kind": "Thanks"})] == [second]
    [document] = load(mode="thread", metadata={"kind": "Oslo"})
    assert document.page_content.splitlines() == [
        "Human: weather?",
        f"AI: let me check{[CALL]}",
        'Tool: {"temp": 1}',
        "AI: It is 1C",
    ]


class Letters(Embeddings):
    """The embedding of ``letters.ts``: how often each class of letters occurs in a text."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        counts = [0.01] * 8
        for letter in text.lower():
            counts[ord(letter) % 8] += 1
        return counts


def test_what_an_agent_recalls_are_documents(deployment: Deployment, unique: Unique) -> None:
    thread_id, resource_id = unique("t"), unique("r")
    first, second, long = unique("m"), unique("m"), unique("m")
    long_text = " ".join(f"word{number}" for number in range(4_000))
    request = {
        "url": deployment.url,
        "key": deployment.admin_key,
        "threadId": thread_id,
        "resourceId": resource_id,
        "messages": [
            {"id": first, "role": "user", "text": "where is the cat"},
            {"id": second, "role": "assistant", "text": "zzz zzz"},
            {"id": long, "role": "user", "text": long_text},
        ],
        "search": "zzzz zz",
    }
    remembered = run_node("recall.ts", request)
    assert "memory_messages_8" in remembered["indexes"]
    assert remembered["recalled"] == [second]
    here = {"thread_id": thread_id}
    with ConvexVectorStore(
        Letters(),
        index_name="memory_messages_8",
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
        storage_function=deployment.storage_function,
    ) as store:
        (best,) = store.similarity_search("zzzz zz", k=1, filter=here)
        assert best.page_content == "zzz zzz"
        said = best.metadata
        assert (said["message_id"], said["resource_id"], said["role"]) == (
            second, resource_id, "assistant",
        )  # fmt: skip
        found = store.similarity_search(
            "word", k=20, filter=[here, lambda one: "word1" in one.page_content]
        )
        assert len(found) > 1, "a long message has several vectors"
        assert {document.page_content for document in found} == {long_text}
        assert {document.metadata["message_id"] for document in found} == {long}
        diverse = store.max_marginal_relevance_search("zzz cat", k=2, lambda_mult=0.1, filter=here)
        assert len({document.metadata["message_id"] for document in diverse}) == 2
        assert len(store.list_documents(here)) == len(found) + 2
        store.delete(filter={"message_id": second})
    again = run_node("recall.ts", {**request, "messages": []})
    assert again["recalled"] != [second]


def test_native_documents_in_both_directions(deployment: Deployment) -> None:
    native = INDEXES["docs"]
    on_native = {"url": deployment.url, "key": deployment.admin_key, "indexes": CONFIGS}
    metadata = [
        {"text": "chunk", "source": "b.md", "tag": "js", "page": 1},
        {"text": "other", "source": "b.md", "tag": "js", "page": 2},
    ]
    upsert = {
        "indexName": "docs",
        "vectors": [[1, 0], [0, 1]],
        "ids": ["j", "s"],
        "metadata": metadata,
    }
    run_node("native.ts", {**on_native, "steps": [{"method": "upsert", "args": upsert}]})
    with ConvexVectorStore(
        Directions(),
        native_index=native,
        deployment_url=deployment.url,
        admin_auth_token=deployment.admin_key,
    ) as store:
        chunk = {"source": "b.md", "tag": "js", "page": 1}
        expected = Document(id="j", page_content="chunk", metadata=chunk)
        assert store.similarity_search("1,0", k=1) == [expected]
        assert store.get_by_ids(["j"]) == [expected]
        assert store.similarity_search("0,1", filter={"tag": "js", "page": {"$lt": 2}}) == [
            expected
        ]
        store.add_texts(["1,0.5"], [{"tag": "py", "ratio": 1.0, "größe": 2}], ids=["p"])
        query = {"indexName": "docs", "queryVector": [1, 0.5], "filter": {"tag": "py"}}
        read = {**on_native, "steps": [{"method": "query", "args": query}]}
        ((hit,),) = run_node("native.ts", read)
        assert hit["id"] == "p"
        assert (hit["metadata"]["text"], hit["metadata"]["ratio"]) == ("1,0.5", 1)
        (mine,) = store.list_documents({"tag": "py"})
        assert mine.metadata == {"tag": "py", "ratio": 1.0, "größe": 2}
        assert type(mine.metadata["ratio"]) is float
        store.delete(["j", "s", "p"])
