"""Arbitrary content blocks of LangChain messages, for Hypothesis.

Every standard block of ``langchain_core.messages.content`` with its optional fields, blocks of the
form before it (``source_type``), providers' own blocks, and blocks that keep to no form.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


def opaque(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The same strategy under a short name: what Hypothesis prints of them grows with nesting."""

    @st.composite
    def one(draw: st.DrawFn) -> Any:
        return draw(strategy)

    return one()


TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates are texts too
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
JSON = opaque(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    )
)
OBJECTS = opaque(st.dictionaries(TEXTS, JSON, max_size=3))
URLS = TEXTS | st.sampled_from(
    [
        "https://example.org/a.png",
        "http://10.0.0.1:8080/a?b=c#d",
        "gs://bucket/a",
        "s3://bucket/a",
        "ftp://example.org/a",
        "file:///a.png",
        "/a.png",
        "//example.org/a",
        "https://",
        "https://a b/",
        "http://1.2.3.400/",
        "data:image/png;base64,AAAA",
        "data:text/plain,hello",
        "data:,",
        "data:;base64,AAAA",
        "javascript:alert(1)",
    ]
)
BASE64 = st.sampled_from(["AAAA", "AA==", "AAA=", "A", "AAA", "_-8=", "no base64!", "", "AA\nAA"])
MIME_TYPES = TEXTS | st.sampled_from(
    ["image/png", "image/svg+xml", "text/plain; charset=utf-8", "application/pdf", "image", ""]
)


def block(kind: str, required: dict[str, Any], **optional: Any) -> st.SearchStrategy[Any]:
    common = {"id": TEXTS, "index": st.integers(0, 3) | TEXTS, "extras": OBJECTS} | optional
    for name in required:
        common.pop(name, None)
    return opaque(st.fixed_dictionaries({"type": st.just(kind), **required}, optional=common))


CITATIONS = block(
    "citation",
    {"url": URLS},
    title=TEXTS,
    start_index=st.integers(0, 9),
    end_index=st.integers(0, 9),
    cited_text=TEXTS,
)
ANNOTATIONS = st.lists(
    CITATIONS | CITATIONS | block("non_standard_annotation", {"value": OBJECTS}) | OBJECTS,
    min_size=1,
    max_size=3,
)


def files(kind: str) -> st.SearchStrategy[Any]:
    more = {
        "mime_type": MIME_TYPES,
        "filename": TEXTS,
        "extras": st.builds(lambda name: {"filename": name}, TEXTS) | OBJECTS,
    }
    file_ids = st.sampled_from(["file-1", "files/abc", ""])
    return st.one_of(
        block(kind, {"url": URLS}, **more),
        block(kind, {"base64": BASE64}, **more),
        block(kind, {}, file_id=file_ids, url=URLS, base64=BASE64, **more),
    )


STANDARD = st.one_of(
    block("text", {"text": TEXTS}),
    block("text", {"text": TEXTS, "annotations": ANNOTATIONS}),
    block(
        "reasoning",
        {},
        reasoning=TEXTS,
        extras=st.builds(lambda text: {"signature": text}, TEXTS) | OBJECTS,
    ),
    *(files(kind) for kind in ("image", "audio", "video", "file")),
    block("text-plain", {}, text=TEXTS, url=URLS, base64=BASE64, title=TEXTS, context=TEXTS),
    block("tool_call", {"name": TEXTS, "args": OBJECTS, "id": st.none() | TEXTS}),
    block(
        "tool_call_chunk",
        {"name": st.none() | TEXTS, "args": st.none() | TEXTS, "id": st.none() | TEXTS},
    ),
    block(
        "invalid_tool_call",
        {
            "name": st.none() | TEXTS,
            "args": st.none() | TEXTS,
            "id": st.none() | TEXTS,
            "error": st.none() | TEXTS,
        },
    ),
    block("server_tool_call", {"name": TEXTS, "args": OBJECTS, "id": TEXTS}),
    block("server_tool_call_chunk", {}, name=TEXTS, args=TEXTS),
    block(
        "server_tool_result",
        {"tool_call_id": TEXTS, "status": st.sampled_from(["success", "error"])},
        output=JSON,
    ),
    block("non_standard", {"value": OBJECTS}),
)
BEFORE_STANDARD = st.one_of(
    *(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["image", "audio", "file"]),
                "source_type": st.just(source_type),
                field: values,
            },
            optional={"mime_type": MIME_TYPES, "metadata": OBJECTS},
        )
        for source_type, field, values in [
            ("url", "url", URLS),
            ("base64", "data", BASE64),
            ("text", "text", TEXTS),
            ("id", "id", TEXTS),
        ]
    )
)
PROVIDERS_OWN = st.sampled_from(
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": "https://example.org/a.png"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "tool_use", "id": "x", "name": "t", "input": {}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "text",
            "text": "a",
            "citations": [
                {
                    "type": "web_search_result_location",
                    "url": "https://example.org",
                    "title": "T",
                    "cited_text": "a",
                }
            ],
        },
        {
            "type": "text",
            "text": "a",
            "annotations": [{"type": "url_citation", "url": "https://e.x", "title": "T"}],
        },
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"reasoning_content": {"text": "hm"}},
        {"cachePoint": {"type": "default"}},
        {"type": "function_call", "name": "t", "arguments": "{}", "call_id": "x", "id": "fc"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "id": "rs"},
    ]
)
KINDS = st.sampled_from(
    ["text", "text-plain", "reasoning", "image", "file", "tool_call", "citation"]
)
FORMLESS = st.dictionaries(TEXTS, JSON, max_size=3) | st.fixed_dictionaries(
    {"type": KINDS | JSON},
    optional=dict.fromkeys(
        ["text", "reasoning", "extras", "annotations", "url", "base64", "mime_type", "id"], JSON
    ),
)
BLOCKS = opaque(st.one_of(TEXTS, STANDARD, BEFORE_STANDARD, PROVIDERS_OWN, FORMLESS))
