"""LangChain's ``index`` and ``aindex`` with ``ConvexRecordManager`` and ``ConvexVectorStore``."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.indexing import InMemoryRecordManager, aindex, index
from langchain_core.vectorstores import InMemoryVectorStore

from convex_mastra import ConvexVector, open_backend
from convex_mastra.backends import Backend
from integrations.langchain.tests.record_managers import manager_on
from langchain_convex_mastra import ConvexRecordManager, ConvexVectorStore
from tests.faulty import FAULTS, Fault, FaultyBackend, outcome
from tests.lanes import Deployment, with_older_lanes

Unique = Callable[[str], str]
pytestmark = with_older_lanes
EMBEDDING = DeterministicFakeEmbedding(size=4)
CLEANUPS = [None, "incremental", "full", "scoped_full"]


def documents(*texts: str) -> list[Document]:
    """Documents ``source/anything``, each of the source its text begins with."""
    return [Document(page_content=text, metadata={"source": text.split("/")[0]}) for text in texts]


RUNS: list[tuple[str, list[Document], bool]] = [
    ("new", documents("a/1", "a/2", "b/1", "b/2", "c/1"), False),
    ("the same again", documents("a/1", "a/2", "b/1", "b/2", "c/1"), False),
    ("one changed, one gone, one new", documents("a/1", "a/2 changed", "b/1", "c/1", "d/1"), False),
    ("a source gone", documents("a/1", "a/2 changed", "b/1", "d/1"), False),
    ("in another order, with repeats", documents("d/1", "b/1", "a/1", "b/1"), False),
    ("embedded anew", documents("a/1", "d/1"), True),
    ("nothing", [], False),
    ("back again", documents("a/1", "b/2", "c/1"), False),
]


class Loader:
    """An application that indexes documents: a record manager and a vector store of one backend."""

    def __init__(self, deployment: Deployment, backend: Any, name: str, face: str) -> None:
        self.face = face
        self.backend = backend
        self.records = manager_on(deployment, backend, name)
        self.store = ConvexVectorStore(
            EMBEDDING,
            index_name=name,
            backend=backend,
            storage_function=deployment.storage_function,
        )

    def index(self, docs: Iterable[Document], **options: Any) -> Any:
        """The result of ``index``, or a coroutine of ``aindex``."""
        call: Any = {"sync": index, "async": aindex}[self.face]
        options = {"source_id_key": "source", "key_encoder": "sha256", "batch_size": 2, **options}
        return call(docs, self.records, self.store, **options)

    async def run(self, docs: Iterable[Document], **options: Any) -> Any:
        result = self.index(docs, **options)
        return await result if asyncio.iscoroutine(result) else result

    def stored(self) -> list[str]:
        """The texts in the vector store."""
        vectors = ConvexVector(backend=self.backend, storage_function=self.store_function)
        found = vectors.list_vectors(self.store.index_name)
        return sorted(record.metadata["text"] for record in found if record.metadata)

    def check_lists(self) -> None:
        """Of all documents stored or listed, those that are recorded are the ones listed."""
        vectors = ConvexVector(backend=self.backend, storage_function=self.store_function)
        listed = self.records.list_keys()
        ids = {record.id for record in vectors.list_vectors(self.store.index_name)} | set(listed)
        recorded = self.records.exists(sorted(ids))
        known = [key for key, is_known in zip(sorted(ids), recorded, strict=True) if is_known]
        assert known == sorted(listed)

    def recorded(self) -> list[str]:
        """The texts whose keys the record manager lists."""
        found = self.store.get_by_ids(self.records.list_keys())
        return sorted(document.page_content for document in found)

    @property
    def store_function(self) -> str:
        return self.records._connection.storage_function


@pytest.mark.parametrize("cleanup", CLEANUPS)
async def test_results_are_those_of_langchains_own(
    cleanup: Any, face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    name = unique("docs")
    model, model_store = InMemoryRecordManager("model"), InMemoryVectorStore(EMBEDDING)
    for what, docs, force in RUNS:
        options = {"cleanup": cleanup, "force_update": force}
        # A client each time: nothing depends on what one has seen.
        loader = Loader(deployment, backend, name, face)
        result = await loader.run(docs, **options)
        assert result == index(
            docs,
            model,
            model_store,
            source_id_key="source",
            key_encoder="sha256",
            batch_size=2,
            **options,
        ), what
        in_model = sorted(entry["text"] for entry in model_store.store.values())
        assert loader.stored() == loader.recorded() == in_model, what


async def test_a_second_run_skips_everything(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    loader = Loader(deployment, backend, unique("docs"), face)
    docs = documents(*(f"{number // 6}/{number:02}" for number in range(30)))
    first = await loader.run(docs, cleanup="incremental", batch_size=12)
    assert first == {"num_added": 30, "num_updated": 0, "num_skipped": 0, "num_deleted": 0}
    again = await loader.run(docs, cleanup="incremental", batch_size=12)
    assert again == {"num_added": 0, "num_updated": 0, "num_skipped": 30, "num_deleted": 0}
    forced = await loader.run(docs, cleanup="incremental", batch_size=12, force_update=True)
    assert forced == {"num_added": 0, "num_updated": 30, "num_skipped": 0, "num_deleted": 0}
    fewer = await loader.run(docs[:12], cleanup="full", batch_size=12, cleanup_batch_size=3)
    assert fewer == {"num_added": 0, "num_updated": 0, "num_skipped": 12, "num_deleted": 18}
    assert loader.stored() == loader.recorded() == sorted(doc.page_content for doc in docs[:12])


@pytest.mark.parametrize("cleanup", ["full", "scoped_full", "incremental"])
async def test_a_client_whose_clock_is_wrong(
    cleanup: Any,
    face: str,
    backend: Backend,
    deployment: Deployment,
    unique: Unique,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, now = unique("docs"), time.time
    texts = ["a/1", "a/2", "a/3", "a/4", "a/5"]
    for turn, drift_s in enumerate([86_400.0, 0.0, -86_400.0, 0.0, 86_400.0]):
        monkeypatch.setattr(time, "time", lambda drift_s=drift_s: now() + drift_s)
        loader = Loader(deployment, backend, name, face)
        result = await loader.run(documents(*texts[turn:]), cleanup=cleanup, batch_size=5)
        assert result["num_deleted"] == (1 if turn else 0)
        assert loader.stored() == loader.recorded() == texts[turn:]


@pytest.mark.parametrize("cleanup", CLEANUPS)
async def test_two_loaders_at_once(
    cleanup: Any, face: str, deployment: Deployment, unique: Unique
) -> None:
    """Of sources that are their own and common ones; in full mode of the same, or one deletes."""
    # A source that is spread over batches is deleted and added again in incremental mode.
    name, options = unique("docs"), {"cleanup": cleanup, "batch_size": 20}
    common = documents(*(f"common/{number}" for number in range(4)))
    own = [documents(*(f"{who}/{number}" for number in range(6))) for who in "ab"]
    loads = [common, common] if cleanup == "full" else [common + own[0], own[1] + common]
    async with AsyncExitStack() as stack:
        loaders = []
        for _ in loads:
            backend = open_backend(deployment.url, deployment.admin_key)
            stack.push_async_callback(backend.aclose)
            loaders.append(Loader(deployment, backend, name, face))
        work = list(zip(loaders, loads, strict=True))
        if face == "async":
            await asyncio.gather(*(loader.run(docs, **options) for loader, docs in work))
        else:
            in_threads(*(partial(loader.index, docs, **options) for loader, docs in work))
        wanted = sorted({doc.page_content for docs in loads for doc in docs})
        assert loaders[0].stored() == loaders[1].recorded() == wanted
        again = await loaders[0].run(documents(*wanted), **options)
        assert (again["num_skipped"], again["num_deleted"]) == (len(wanted), 0)


def in_threads(*calls: Callable[[], Any]) -> None:
    errors: list[BaseException] = []

    def run(call: Callable[[], Any]) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_interrupted_half_way_and_repeated(
    fault: Fault, face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    """Wherever it stops, the same run again ends as if nothing had happened."""
    before, after = documents("a/1", "b/1", "b/2"), documents("a/1", "a/2", "b/2 changed")
    total = math.inf
    # On the embedded backend at every third request, and with four faults so at each; beyond a
    # socket, where all is slower, at some.
    step = 3 if deployment.lane == "embedded" else 19
    at = FAULTS.index(fault) + 1
    while at <= total:
        name = unique("docs")
        await Loader(deployment, backend, name, face).run(before, cleanup="full")
        faulty = FaultyBackend(backend, fails_at=at, fault=fault)
        broken = Loader(deployment, faulty, name, face)
        stopped = await outcome(lambda broken=broken: broken.index(after, cleanup="incremental"))
        if stopped is None and len(faulty.sent) < at:
            total = len(faulty.sent)
        Loader(deployment, backend, name, face).check_lists()
        for docs in (after, before):
            loader = Loader(deployment, backend, name, face)
            await loader.run(docs, cleanup="full")
            wanted = sorted(doc.page_content for doc in docs)
            assert loader.stored() == loader.recorded() == wanted, (at, faulty.sent[-3:])
        at += step
    assert total > 30


async def test_time_must_not_go_back(
    face: str, backend: Backend, deployment: Deployment, unique: Unique
) -> None:
    """A deployment restored from a backup, or a laptop whose clock was set: better no clean-up."""
    loader = Loader(deployment, backend, unique("docs"), face)
    ahead_s = loader.records.get_time() + 3600

    class Ahead(ConvexRecordManager):
        def get_time(self) -> float:
            return ahead_s

        async def aget_time(self) -> float:
            return ahead_s

    loader.records = Ahead("n", backend=backend, storage_function=deployment.storage_function)
    with pytest.raises(ValueError, match=r"time_at_least is .* but the deployment's time is"):
        await loader.run(documents("a/1"), cleanup="full")
