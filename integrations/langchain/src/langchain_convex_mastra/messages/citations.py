"""Citations of LangChain's text blocks, and sources of Mastra.

LangChain says of a text which sources it cites, as annotations of the block; Mastra has a part for
each source, after the text that it was found for, and shows it beside the message. Called by
``to_mastra`` and ``from_mastra``.

Source: agents of @mastra/core 1.71 store a model's ``source`` chunks so (buildMessagesFromChunks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_convex_mastra.messages.blocks import (
    Block,
    Part,
    block_of_part,
    mappings,
    text_of,
)

_LINKS: Final = ("https://", "http://")


def sources_of(block: Mapping[str, Any]) -> list[Part]:
    """Return a source part for each page that a text block cites, in their order."""
    sources: dict[str, dict[str, Any]] = {}
    for annotation in mappings(block.get("annotations")):
        url = text_of(annotation, "url")
        if annotation.get("type") == "citation" and url.startswith(_LINKS) and url not in sources:
            sources[url] = {"sourceType": "url", "id": text_of(annotation, "id") or url, "url": url}
            if title := text_of(annotation, "title"):
                sources[url]["title"] = title
    return [{"type": "source", "source": source} for source in sources.values()]


def blocks_of_steps(parts: Sequence[Part]) -> list[tuple[Part, Block | None]]:
    """Return each part with the block that says what it says, if it has content.

    A source is an annotation of the text before it in its step; if there is none, of the first
    text after it. One without any text stays in the row.
    """
    read: list[tuple[Part, Block | None]] = []
    text: Block | None = None
    early: list[Block] = []
    for part in parts:
        block = block_of_part(part)
        if part.get("type") == "step-start":
            text, early = None, []
        elif block is not None and block["type"] == "text":
            text = block
            if early:
                text["annotations"], early = early, []
        elif (citation := _citation(part)) is not None:
            waiting = early if text is None else text.setdefault("annotations", [])
            waiting.append(citation)
        read.append((part, block))
    return read


def _citation(part: Part) -> Block | None:
    kind, citation = part.get("type"), {"type": "citation"}
    if kind == "source":
        source = part.get("source")
        if not (url := text_of(source, "url")):
            return None
        citation["url"] = url
        names = {"id": text_of(source, "id"), "title": text_of(source, "title")}
        if names["id"] == url:  # as written here, and by Mastra's user interface
            del names["id"]
        return citation | {name: text for name, text in names.items() if text}
    if kind != "source-document" or not (title := text_of(part, "title", "filename")):
        return None
    names = {"id": text_of(part, "sourceId"), "title": title}
    extras = {"mime_type": text_of(part, "mediaType"), "filename": text_of(part, "filename")}
    found = citation | {name: text for name, text in names.items() if text}
    extras = {name: text for name, text in extras.items() if text}
    return found | ({"extras": extras} if extras else {})
