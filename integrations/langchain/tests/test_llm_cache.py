"""``ConvexCache`` on every lane, under both faces, with Mastra's cache function and without."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.caches import BaseCache
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.load import dumps
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    Generation,
    GenerationChunk,
)
from langchain_core.prompts import PromptTemplate
from pydantic import BaseModel

from convex_mastra import (
    ConnectError,
    ConvexDocuments,
    ConvexServerCache,
    InvalidArgumentError,
    Options,
    open_backend,
)
from convex_mastra.timestamps import Clock
from convex_mastra.wire import CACHE_FUNCTION, storage_call
from langchain_convex_mastra import ConvexCache
from langchain_convex_mastra.cached_texts import CACHED_BYTES, PARTITION
from langchain_convex_mastra.llm_cache import _key
from tests.lanes import FACES, Deployment, with_older_lanes

Unique = Callable[[str], str]
NO_FUNCTION = "mastra/none:handle"
SETTINGS = "model=fake"
CALL = {"name": "weather", "args": {"city": "Oslo", "$n": 3}, "id": "c1", "type": "tool_call"}
ANSWERS: list[list[Generation]] = [
    [],
    [Generation(text="")],
    [Generation(text="one"), GenerationChunk(text="two"), Generation(text="three")],
    [Generation(text="Grüße \N{GRINNING FACE} \u2028 \x00 \ud800", generation_info={"ü": [1, 1.0]})],
    [Generation(text="x", generation_info={"lc": 1, "type": "constructor", "id": ["langchain"]})],
    [Generation(text="x", generation_info={"deep": {"lc": 2}, "big": 2**70, "none": None})],
    [
        ChatGeneration(
            message=AIMessage(
                "let me check",
                tool_calls=[CALL],
                invalid_tool_calls=[{"name": "t", "args": "{", "id": "x", "error": "bad"}],
                usage_metadata={
                    "input_tokens": 3,
                    "output_tokens": 4,
                    "total_tokens": 7,
                    "input_token_details": {"cache_read": 1},
                },
                response_metadata={"model_name": "m", "$schema": "größe", "logprobs": [-0.5, 1.0]},
                additional_kwargs={"refusal": None, "x": {"1": [True, None]}},
                id="run-1",
                name="bob",
            ),
            generation_info={"finish_reason": "tool_calls"},
        )
    ],
    [
        ChatGeneration(
            message=AIMessage(
                [
                    {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
                    {"type": "text", "text": "see", "annotations": [{"type": "citation"}]},
                    {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
                    "plain",
                ]
            )
        )
    ],
    [
        ChatGenerationChunk(
            message=AIMessageChunk(
                "part", tool_call_chunks=[{"name": "w", "args": '{"a', "id": "c", "index": 0}]
            )
        )
    ],
    [ChatGeneration(message=message) for message in (
        HumanMessage("h"),
        SystemMessage("s"),
        ChatMessage(content="c", role="critic"),
        FunctionMessage(name="f", content="42"),
        ToolMessage("t", tool_call_id="c1", artifact={"raw": [1, None]}, status="error"),
        RemoveMessage(id="r"),
    )],
    [ChatGenerationChunk(message=message) for message in (
        HumanMessageChunk(content="h"),
        SystemMessageChunk(content="s"),
        ChatMessageChunk(content="c", role="critic"),
        FunctionMessageChunk(name="f", content="42"),
        ToolMessageChunk(content="t", tool_call_id="c1"),
    )],
]  # fmt: skip


class Caches:
    """Caches of one key prefix on one backend, of one face, whose methods are all awaited."""

    def __init__(self, deployment: Deployment, face: str, function: str, prefix: str) -> None:
        self.events: list[str] = []
        self.backend = open_backend(
            deployment.url,
            deployment.admin_key,
            options=Options(on_event=lambda event: self.events.append(event.operation)),
        )
        self.storage_function = deployment.storage_function
        self.prefix = prefix
        self.function = function
        self.has_function = function == CACHE_FUNCTION and not deployment.is_older
        self.documents = ConvexDocuments(
            backend=self.backend, storage_function=self.storage_function
        )
        self._is_async = face == "async"
        self.cache = self.open()

    def open(self, *, ago_s: float = 0, **options: Any) -> ConvexCache:
        """Another cache, as of some time ago."""
        cache = ConvexCache(
            **{
                "key_prefix": self.prefix,
                "cache_function": self.function,
                "storage_function": self.storage_function,
                "backend": self.backend,
            }
            | options
        )
        texts = cache._connection
        texts._target = replace(texts._target, clock=Clock(lambda: time.time() - ago_s))
        return cache

    async def lookup(
        self, prompt: str, settings: str = SETTINGS, cache: ConvexCache | None = None
    ) -> list[Generation] | None:
        cache = cache or self.cache
        if self._is_async:
            return await cache.alookup(prompt, settings)
        return cache.lookup(prompt, settings)

    async def update(
        self,
        prompt: str,
        answer: Sequence[Generation],
        settings: str = SETTINGS,
        cache: ConvexCache | None = None,
    ) -> None:
        cache = cache or self.cache
        if self._is_async:
            await cache.aupdate(prompt, settings, answer)
        else:
            cache.update(prompt, settings, answer)

    async def clear(self, cache: ConvexCache | None = None) -> None:
        cache = cache or self.cache
        if self._is_async:
            await cache.aclear()
        else:
            cache.clear()

    def entry(self, key: str) -> Any:
        """What Mastra's cache holds under a key; its prefix is that of the cache."""
        if not self.has_function:
            return None
        return ConvexServerCache(backend=self.backend, key_prefix=self.prefix).get(key)

    def stored(self) -> dict[str, str]:
        """The documents, by key."""
        return self.documents.list_documents(f"{PARTITION}/{self.prefix}")

    def requests(self) -> list[str]:
        sent = list(self.events)
        self.events.clear()
        return sent


@pytest_asyncio.fixture(params=[CACHE_FUNCTION, NO_FUNCTION], ids=["mastras", "documents"])
async def caches(
    request: pytest.FixtureRequest, deployment: Deployment, face: str, unique: Unique
) -> AsyncIterator[Caches]:
    made = Caches(deployment, face, request.param, unique("prefix"))
    yield made
    await made.backend.aclose()


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


def sized(size_bytes: int, letter: str = "x") -> list[Generation]:
    """An answer whose text is of that size."""
    return [Generation(text=letter * size_bytes)]


@with_older_lanes
async def test_everything_comes_back(caches: Caches) -> None:
    for position, answer in enumerate(ANSWERS):
        assert await caches.lookup(f"prompt {position}") is None
        await caches.update(f"prompt {position}", answer)
    for position, answer in enumerate(ANSWERS):
        found = await caches.lookup(f"prompt {position}")
        assert found == answer
        assert type(found) is list
        for one, other in zip(found, answer, strict=True):
            assert type(one) is type(other)
            assert json.loads(dumps(one)) == json.loads(dumps(other))
            if isinstance(other, ChatGeneration):
                assert isinstance(one, ChatGeneration)
                assert type(one.message) is type(other.message)


async def test_a_parsed_model_comes_back_as_its_fields(caches: Caches) -> None:
    class City(BaseModel):
        name: str

    message = AIMessage("", additional_kwargs={"parsed": City(name="Oslo")})
    await caches.update("p", [ChatGeneration(message=message)])
    found = await caches.lookup("p")
    assert found is not None
    assert isinstance(found[0], ChatGeneration)
    assert found[0].message.additional_kwargs == {"parsed": {"name": "Oslo"}}


async def test_prompt_and_settings_tell_answers_apart(caches: Caches) -> None:
    pairs = [
        ("ab", "c"),
        ("a", "bc"),
        ("c", "ab"),
        ("", "abc"),
        ('a"', ","),
        ("a", '",'),
        ("a", ""),
    ]
    pairs += [("p", "s" * 50_000), ("p", "s" * 50_000 + "t"), ("\ud800", "ü"), ("ü", "\ud800")]
    for position, (prompt, settings) in enumerate(pairs):
        await caches.update(prompt, [Generation(text=str(position))], settings)
    for position, (prompt, settings) in enumerate(pairs):
        assert await caches.lookup(prompt, settings) == [Generation(text=str(position))]


@with_older_lanes
async def test_an_answer_expires(caches: Caches) -> None:
    for answer in (sized(10), sized(2 * CACHED_BYTES), sized(1_500_000)):
        await caches.update("p", answer, cache=caches.open(ttl_s=3600, ago_s=3000))
        assert await caches.lookup("p") == answer
        await caches.update("p", answer, cache=caches.open(ttl_s=3600, ago_s=4000))
        assert await caches.lookup("p") is None
        assert caches.stored() == {}, "what expired is deleted when it is met"
        assert caches.entry(_key("p", SETTINGS)) is None
        await caches.update("p", answer, cache=caches.open(ttl_s=None, ago_s=10**8))
        assert await caches.lookup("p") == answer
        await caches.update("p", answer, cache=caches.open(ttl_s=0, ago_s=10**8))
        assert await caches.lookup("p") == answer


async def test_large_answers(caches: Caches) -> None:
    frame = len(dumps(sized(0)[0])) + 40
    for size in (CACHED_BYTES - frame, CACHED_BYTES, 1_100_000, 2_500_000):
        await caches.update(str(size), sized(size))
        assert await caches.lookup(str(size)) == sized(size)
    in_documents = set(caches.stored())
    assert len(in_documents) == (3 if caches.has_function else 4)


async def test_large_and_small_in_turn(caches: Caches) -> None:
    sizes = [10, 300_000, 20, 1_500_000, 300_001, 30, 300_000, 1_500_001, 5]
    for size in sizes:
        await caches.update("p", sized(size))
        assert await caches.lookup("p") == sized(size)
    await caches.clear()
    assert await caches.lookup("p") is None
    assert caches.stored() == {}


async def test_what_the_cache_names_is_what_counts(caches: Caches) -> None:
    if not caches.has_function:
        return
    await caches.update("p", sized(300_000, "a"))
    [(document_key, document)] = caches.stored().items()
    await caches.update("p", sized(300_000, "b"))
    assert caches.stored().keys() == {document_key}
    # A writer of the first answer comes late: its document, then another's, is not the entry's.
    caches.documents.put_many(f"{PARTITION}/{caches.prefix}", {document_key: document})
    assert await caches.lookup("p") is None
    await caches.update("p", sized(10))
    assert await caches.lookup("p") == sized(10)
    # Nor does one who does without the function find it, however late the document.
    caches.documents.put_many(f"{PARTITION}/{caches.prefix}", {document_key: document})
    assert await caches.lookup("p") == sized(10)
    without = caches.open(cache_function=NO_FUNCTION)
    assert await caches.lookup("p", cache=without) is None


@with_older_lanes
async def test_clear_deletes_these_answers_only(caches: Caches) -> None:
    others = [
        caches.open(key_prefix=caches.prefix + suffix)
        for suffix in (":", "/x", "#", "%23", "é" * 1000)
    ]
    # Its own name, although it looks like what stands for the longest of the others.
    digest = sha256(others[-1].key_prefix.encode()).hexdigest()
    others.append(caches.open(key_prefix=f"~{digest}"))
    for cache in (caches.cache, *others):
        await caches.update("small", sized(10), cache=cache)
        await caches.update("large", sized(1_100_000), cache=cache)
    await caches.clear()
    assert await caches.lookup("small") is None
    assert await caches.lookup("large") is None
    assert caches.stored() == {}
    for cache in others:
        assert await caches.lookup("small", cache=cache) == sized(10)
        assert await caches.lookup("large", cache=cache) == sized(1_100_000)
        await caches.clear(cache)
        assert await caches.lookup("small", cache=cache) is None


async def test_clear_takes_many_large_answers(caches: Caches) -> None:
    """As many as the deployment looks at in one call, each as large as the cache holds."""
    size = CACHED_BYTES - 500
    for number in range(27):
        await caches.update(str(number), sized(size))
    if caches.has_function:
        assert caches.stored() == {}
    await caches.clear()
    for number in (0, 13, 26):
        assert await caches.lookup(str(number)) is None


async def test_mastras_own_cache_is_left_alone(caches: Caches) -> None:
    if caches.has_function:
        mastras = ConvexServerCache(backend=caches.backend)
        mastras.set("k", 1)
        await caches.clear(caches.open(key_prefix="langchain:llm:"))
        assert mastras.get("k") == 1


FOREIGN: list[Any] = [
    None,
    7,
    [[]],
    {},
    {"sha256": 5},
    {"sha256": "no such document"},
    {"other": "x"},
    "",
    "no JSON",
    "{}",
    "[1]",
    '["text"]',
    '[{"text": "x", "type": "Generation"}]',
    f"[{dumps(PromptTemplate.from_template('x'))}]",
    dumps([Generation(text="x", generation_info={"a": PromptTemplate.from_template("x")})]),
    f"[{dumps(AIMessage('a message is no generation'))}]",
    '[{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "output", "Generation"]}]',
    '[{"lc": 1, "type": "secret", "id": ["PATH"]}]',
    '[{"lc": 1, "type": "not_implemented", "id": ["builtins", "object"]}]',
    '[{"lc": 1, "type": "constructor", "id": ["subprocess", "Popen"], "kwargs": {"args": "id"}}]',
    "[" * 100_000,
]


async def test_a_foreign_entry_is_a_miss(caches: Caches) -> None:
    key = _key("p", SETTINGS)
    mastras = ConvexServerCache(backend=caches.backend, key_prefix=caches.prefix)
    for value in FOREIGN:
        if caches.has_function:
            mastras.set(key, value)
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            for document in (text, f"0\n{text}", f"{'9' * 5000}\n{text}"):
                caches.documents.put_many(f"{PARTITION}/{caches.prefix}", {key: document})
                assert await caches.lookup("p") is None, document[:80]
        assert await caches.lookup("p") is None, str(value)[:80]
    if caches.has_function:
        for fill in (lambda: mastras.list_push(key, 1), lambda: mastras.increment(key)):
            mastras.delete(key)
            fill()
            assert await caches.lookup("p") is None
    await caches.update("p", sized(3))
    assert await caches.lookup("p") == sized(3)


async def test_parts_that_are_gone_are_a_miss(caches: Caches) -> None:
    await caches.update("p", sized(1_500_000))
    partition = f"{PARTITION}/{caches.prefix}"
    # As if it was written while another client cleared the cache.
    caches.backend.send(
        storage_call(caches.storage_function, "clearTable", f"{partition}#parts", {})
    )
    assert await caches.lookup("p") is None
    await caches.update("p", sized(1_500_000))
    assert await caches.lookup("p") == sized(1_500_000)


class OwnMessage(AIMessage):
    pass


class OwnGeneration(Generation):
    pass


@pytest.mark.parametrize(
    ("generation", "text"),
    [
        ("text", r"^return_val\[1\] is str, not"),
        (OwnGeneration(text="x"), r"^return_val\[1\] is of type OwnGeneration"),
        (
            ChatGeneration(message=OwnMessage("x")),
            r"^return_val\[1\]\.message is of type OwnMessage",
        ),
        (
            ChatGeneration(message=AIMessage("x", response_metadata={"a": [0, {"at": time}]})),
            r"^return_val\[1\]\.message\.response_metadata\.a\[1\]\.at is of type ",
        ),
        (Generation(text="x", generation_info={"b": b"secret"}), r"generation_info\.b is of type"),
        (Generation(text="x", generation_info={"lc": time}), r"\(TypeError\)"),
        (
            Generation(text="x", generation_info={"a": {"lc": 1}, "b": {1: {(): 1}}}),
            r"generation_info\.b\.1 is of type",
        ),
        (
            ChatGeneration(message=AIMessage("x", additional_kwargs={"a": {1: "one"}})),
            r"additional_kwargs\.a\.1 is of type int, as a key",
        ),
    ],
    ids=["text", "generation", "message", "module", "bytes", "escaped", "keys", "number as a key"],
)
def test_what_would_not_come_back_is_refused(generation: Any, text: str) -> None:
    sent: list[Any] = []
    with ConvexCache(deployment_url=":memory:", options=Options(on_event=sent.append)) as cache:
        with pytest.raises(InvalidArgumentError, match=text) as caught:
            cache.update("p", SETTINGS, [Generation(text="fine"), generation])
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert caught.value.field is not None
        assert caught.value.field.startswith("return_val[1]")
        assert sent == []
        assert cache.lookup("p", SETTINGS) is None


@with_older_lanes
async def test_requests(caches: Caches) -> None:
    await caches.lookup("p")
    assert caches.requests()[0] == "get mastra_cache"
    assert caches.backend.abilities[caches.function] is caches.has_function
    for cache in (caches.cache, caches.open()):  # one backend, one memory of what is deployed
        await caches.update("p", sized(10), cache=cache)
        await caches.lookup("p", cache=cache)
        assert len(caches.requests()) == 2
    await caches.update("p", sized(CACHED_BYTES))
    await caches.lookup("p")
    assert len(caches.requests()) == (4 if caches.has_function else 2)


async def test_writers_side_by_side(caches: Caches, face: str) -> None:
    answers = [sized(size) for size in (10, 300_000, 20, 300_001, 1_200_000, 30)]

    async def write(answer: list[Generation]) -> None:
        if face == "async":
            await caches.update("p", answer)
        else:
            await asyncio.to_thread(caches.cache.update, "p", SETTINGS, answer)

    await asyncio.gather(*map(write, answers))
    found = await caches.lookup("p")
    assert found is None or found in answers
    await caches.update("p", answers[3])
    assert await caches.lookup("p") == answers[3]


@pytest.fixture
def as_llm_cache() -> Iterator[Callable[[BaseCache], None]]:
    before = get_llm_cache()
    yield set_llm_cache
    set_llm_cache(before)


def chat_model(*answers: AIMessage) -> GenericFakeChatModel:
    """A model that has these answers, and fails beyond."""
    return GenericFakeChatModel(messages=iter(answers))


async def test_a_chat_model_is_asked_once(
    caches: Caches, face: str, as_llm_cache: Callable[[BaseCache], None]
) -> None:
    as_llm_cache(caches.open(ttl_s=60))
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    model = chat_model(AIMessage("one", usage_metadata=usage, tool_calls=[CALL]), AIMessage("two"))

    async def ask(question: str) -> AIMessage:
        answer = await model.ainvoke(question) if face == "async" else model.invoke(question)
        assert isinstance(answer, AIMessage)
        return answer

    first = await ask("What is Convex?")
    again = await ask("What is Convex?")
    assert (again.content, again.tool_calls) == ("one", first.tool_calls)
    assert again.id == first.id
    assert again.usage_metadata is not None
    assert again.usage_metadata["total_tokens"] == 3
    assert (await ask("And Mastra?")).content == "two"
    with pytest.raises((StopIteration, RuntimeError)):
        await ask("a third question reaches the model")

    model = chat_model(AIMessage("three"), AIMessage("four"))
    await caches.clear()
    as_llm_cache(caches.open(ttl_s=60, ago_s=120))
    assert (await ask("What is Convex?")).content == "three"
    as_llm_cache(caches.open(ttl_s=60))  # by now it expired
    assert (await ask("What is Convex?")).content == "four"


async def test_a_cache_of_one_model(caches: Caches, face: str) -> None:
    model = FakeListLLM(responses=["one", "two"], cache=caches.cache)

    async def ask() -> str:
        return await model.ainvoke("question") if face == "async" else model.invoke("question")

    assert [await ask(), await ask()] == ["one", "one"]
    await caches.clear()
    assert await ask() == "two"


async def test_sync_works_inside_a_running_loop(caches: Caches) -> None:
    caches.cache.update("p", SETTINGS, sized(300_000))
    assert caches.cache.lookup("p", SETTINGS) == sized(300_000)
    assert await caches.cache.alookup("p", SETTINGS) == sized(300_000)
    caches.cache.clear()
    assert await caches.cache.alookup("p", SETTINGS) is None


async def test_clear_takes_no_arguments(caches: Caches) -> None:
    await caches.update("p", sized(1))
    with pytest.raises(TypeError, match="llm_string"):
        caches.cache.clear(llm_string="x")
    with pytest.raises(TypeError, match="llm_string"):
        await caches.cache.aclear(llm_string="x")
    assert await caches.lookup("p") == sized(1)


async def test_failures_are_raised() -> None:
    options = Options(retry_attempts=1)
    with ConvexCache(
        deployment_url="http://127.0.0.1:9", admin_auth_token="secret|key", options=options
    ) as cache:
        assert "secret" not in repr(cache)
        assert cache.key_prefix == "langchain:llm:"
        with pytest.raises(ConnectError):
            cache.lookup("p", "s")
        with pytest.raises(ConnectError):
            await cache.alookup("p", "s")
        with pytest.raises(ConnectError):
            cache.update("p", "s", sized(1))


def test_what_cannot_be_constructed() -> None:
    for bad in ({"ttl_s": -1}, {"ttl_s": "60"}, {"key_prefix": None}, {"key_prefix": "\ud800"}):
        with pytest.raises(InvalidArgumentError):
            ConvexCache(**{"deployment_url": ":memory:"} | bad)


def test_threads_share_one_cache(deployment: Deployment, unique: Unique) -> None:
    caches = Caches(deployment, "sync", NO_FUNCTION, unique("prefix"))
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for round_ in range(5):
                caches.cache.update(f"{number}", SETTINGS, sized(round_ + 1))
                assert caches.cache.lookup(f"{number}", SETTINGS) == sized(round_ + 1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    caches.backend.close()
    assert failures == []


def test_no_prefix_is_taken_for_the_digest_of_a_longer_one() -> None:
    long = "p" * 1000
    names = {"deployment_url": ":memory:", "cache_function": NO_FUNCTION}
    with ConvexCache(key_prefix=long, **names) as cache:
        other = ConvexCache(
            key_prefix=f"~{sha256(long.encode()).hexdigest()}",
            backend=cache.backend,
            cache_function=NO_FUNCTION,
        )
        cache.update("p", SETTINGS, [Generation(text="kept")])
        other.clear()
        assert cache.lookup("p", SETTINGS) == [Generation(text="kept")]
