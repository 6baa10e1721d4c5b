"""Read this repository's documents, answer questions from them, remember the conversation.

    CONVEX_URL=file:./mastra.db python examples/quickstart.py ["a question of yours" ...]

LlamaIndex fills a vector index, LangChain searches the same index and keeps the conversation as a
Mastra thread. Run it twice: the second run reads only documents that changed, and remembers the
first. With CONVEX_URL and CONVEX_ADMIN_KEY of a deployment, a Mastra agent can continue the thread.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from langchain_core.documents import Document as Passage
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core import Document
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import MarkdownNodeParser
from offline_embedding import ForLlamaIndex, OfflineEmbedding
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table

from convex_mastra import Backend, ConvexStore, ConvexVector, open_backend
from langchain_convex_mastra import ConvexChatMessageHistory, ConvexVectorStore
from llama_index_convex_mastra import ConvexDocumentStore
from llama_index_convex_mastra import ConvexVectorStore as LlamaIndexVectorStore

# A real model goes here, e.g. ``EMBEDDING = langchain_openai.OpenAIEmbeddings()``.
EMBEDDING: Embeddings = OfflineEmbedding()
INDEX: Final = "quickstart_docs"
THREAD: Final = "quickstart"
PERSON: Final = "reader"
ROOT: Final = Path(__file__).resolve().parents[1]
QUESTIONS: Final = (
    "What happens when a scan may have been cut short at 10,000 rows?",
    "Where does the admin key come from, and who can see it?",
    "Why is an operation a generator that yields effects?",
)

console = Console(width=96)


def main() -> None:
    """Run the three parts on one backend."""
    backend = open_backend()  # where CONVEX_URL says
    try:
        console.rule("[bold]convex-mastra")
        remember(backend)
        ingest(backend)
        converse(backend, sys.argv[1:] or QUESTIONS)
        show(backend)
    finally:
        backend.close()


def remember(backend: Backend) -> None:
    """Say what is known from earlier runs."""
    earlier = ConvexChatMessageHistory(THREAD, resource_id=PERSON, backend=backend).messages
    if not earlier:
        console.print("\nWe have not met before. Run me twice to see that I remember.")
        return
    last_question = [message for message in earlier if isinstance(message, HumanMessage)][-1]
    console.print(
        f"\nI remember you: {len(earlier)} messages. "
        f"Last you asked: [italic]{last_question.content}"
    )


def ingest(backend: Backend) -> None:
    """Read Markdown files into the vector index, through LlamaIndex; unchanged files are skipped."""
    paths = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("convex/*.md")})
    documents = [
        Document(
            id_=path.relative_to(ROOT).as_posix(),
            text=path.read_text(encoding="utf-8"),
            metadata={"file": path.relative_to(ROOT).as_posix()},
        )
        for path in paths
    ]
    pipeline = IngestionPipeline(
        transformations=[MarkdownNodeParser(), ForLlamaIndex(EMBEDDING)],
        docstore=ConvexDocumentStore(namespace=INDEX, backend=backend),
        vector_store=LlamaIndexVectorStore(index_name=INDEX, backend=backend),
        docstore_strategy=DocstoreStrategy.UPSERTS,
        disable_cache=True,
    )
    passages = pipeline.run(documents=documents)
    console.print(
        f"Read {len(documents)} documents; {len(passages)} passages are new or changed.\n"
    )


def converse(backend: Backend, questions: Sequence[str]) -> None:
    """Answer the questions from the index, through LangChain, and keep what was said."""
    found = ConvexVectorStore(EMBEDDING, index_name=INDEX, backend=backend)
    history = ConvexChatMessageHistory(
        THREAD, resource_id=PERSON, title="Quickstart", backend=backend
    )
    for question in questions:
        passage, score = found.similarity_search_with_score(question, k=1)[0]
        answer = excerpt(passage)
        history.add_messages([HumanMessage(question), AIMessage(answer)])
        console.print(f"[bold cyan]You:[/] {question}")
        source = f"{passage.metadata['file']}, similarity {score:.2f}"
        console.print(Panel(Markdown(answer), subtitle=f"[dim]{source}", subtitle_align="right"))


def excerpt(passage: Passage, length: int = 500) -> str:
    """Return the beginning of a passage, up to the end of a paragraph or a word."""
    text = passage.page_content.strip()
    if len(text) <= length:
        return text
    cut = text.rfind("\n\n", 0, length)
    return text[:cut] if cut > length // 3 else text[: text.rfind(" ", 0, length)] + " …"


def show(backend: Backend) -> None:
    """Print what is stored now, as Mastra sees it."""
    memory = ConvexStore(backend=backend).memory
    stats = ConvexVector(backend=backend).describe_index(INDEX)
    table = Table(title="What Mastra sees", title_justify="left", show_header=False)
    for thread in memory.list_threads(resource_id=PERSON).threads:
        page = memory.list_messages(thread.id, per_page=2, direction="DESC")
        table.add_row("thread", f"{thread.id} ({thread.title}), {page.total} messages")
        for message in reversed(page.messages):
            first_line = message.text.strip().splitlines()[0][:60]
            moment = f"{message.created_at:%Y-%m-%d %H:%M:%S}" if message.created_at else ""
            table.add_row(f"  {message.role}", f"{moment}  {first_line}")
    table.add_row("index", f"{INDEX}: {stats.count} vectors of {stats.dimension} numbers")
    console.print(table)


if __name__ == "__main__":
    main()
