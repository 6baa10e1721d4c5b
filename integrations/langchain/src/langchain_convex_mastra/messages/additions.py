"""What goes on with a stored row, and how it gets into it: any number of times, in any order.

``split`` finds which of new messages continue stored rows: an ``Addition`` for each row, which the
journal keeps. ``settle`` gives rows what they lack of a journal. A row notes the ids of what it
holds, so settling again changes nothing, and whoever overwrites a row takes the note along with
the messages. Pure; called by ``adding``, ``continuation``, ``conversation`` and ``journal``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, message_to_dict

from convex_mastra import Message
from convex_mastra.jsontext import dumps
from langchain_convex_mastra.messages.drafts import Draft, unanswered
from langchain_convex_mastra.messages.exact import (
    added_ids,
    stored_annotation,
    valid_entries,
)
from langchain_convex_mastra.messages.from_mastra import calls_of
from langchain_convex_mastra.messages.pending import is_pending
from langchain_convex_mastra.messages.turns import opened

ID_LENGTH: Final = 32
PASSED: Final = "-"
"""Before the id of an addition that a row does without, because Mastra wrote the row anew."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Messages that go on with a stored row: they get into it together.

    Attributes:
        id: unique; also the id of the row they get if there is no place for them in theirs.
        row_id: the row they go on with.
        messages: the outcomes of calls of that row, then the AI message that goes on, and so forth.
        at: when they were added, by their writer's clock.
    """

    id: str
    row_id: str
    messages: Sequence[BaseMessage]
    at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be written so that rows hold a journal.

    Attributes:
        rows: stored rows with what they lacked.
        apart: additions that have no place in their row, and no row of their own yet.
    """

    rows: list[Message] = field(default_factory=list)
    apart: list[Addition] = field(default_factory=list)


def split(
    messages: Sequence[BaseMessage], *, calls: Mapping[str, str], turn: str | None, at: datetime
) -> tuple[list[Addition], list[BaseMessage]]:
    """Return what of *messages* goes on with stored rows, and the rest, which begins new ones.

    Pending tool messages, which only stand for an answer, are in neither.

    Args:
        calls: ids of the stored rows whose tool calls have no outcome yet, by tool call id.
        turn: id of the stored row whose turn an AI message, if it comes first, continues.
    """
    messages = [message for message in messages if not is_pending(message)]
    found: list[tuple[str, list[BaseMessage]]] = []
    waiting, row_id = dict(calls), turn
    draft, has_step = Draft("assistant"), False  # what was found last, in a row of its own
    for message in messages:
        if not isinstance(message, AIMessage | ToolMessage):
            row_id = None
        elif has_step:
            row_id = row_id if draft.takes(message) else None
        elif isinstance(message, ToolMessage):
            row_id = waiting.pop(message.tool_call_id, None)
        else:
            has_step = True
        if row_id is not None and (not found or found[-1][0] != row_id):
            found.append((row_id, []))
            draft = Draft("assistant")
        if row_id is None or not draft.has_room([message]):
            break
        draft.take(message)
        found[-1][1].append(message)
    additions = [Addition(_new_id(row, run), row, run, at) for row, run in found if run]
    return additions, messages[sum(len(run) for _, run in found) :]


def own_row(addition: Addition, *, thread_id: str, resource_id: str) -> Message:
    """Return the row of an addition that has no place in the row it goes on with."""
    draft = Draft("assistant")
    for message in addition.messages:
        draft.take(message)
    return draft.as_row(thread_id, resource_id, set()).replace(id=addition.id)


def settle(
    rows: Mapping[str, Message],
    journal: Iterable[Addition],
    *,
    resource_id: str,
    own: Collection[str] = (),
) -> Settled:
    """Give *rows* what they lack of *journal*.

    An outcome answers only a call that has none: the first one counts. Where someone changed a
    row's parts, the parts win, except that a call without an outcome gets it. Of a row in which
    nothing of ours is left, only calls without an outcome, and a turn that still waits for its
    next step, are filled.

    Args:
        rows: stored rows of one thread, by id; additions to others are passed over.
        resource_id: whose rows that have no owner become.
        own: ids of additions that the caller answers for: they are never passed over.
    """
    settled = Settled()
    groups: dict[str, list[Addition]] = {}
    for addition in journal:
        groups.setdefault(addition.row_id, []).append(addition)
    for row_id, group in groups.items():
        row = rows.get(row_id)
        if row is None or not isinstance(row.content, Mapping):
            apart = [addition for addition in group if addition.id in own]
        elif _is_settled(row, group):
            apart = []
        else:
            merge = _Merge(row)
            apart = [
                addition
                for addition in group
                if not merge.add(
                    addition, is_own=addition.id in own, has_own_row=addition.id in rows
                )
            ]
            if merge.draft.is_changed:
                settled.rows.append(merge.draft.as_row(row.thread_id, resource_id, set()))
        settled.apart.extend(addition for addition in apart if addition.id not in rows)
    return settled


class _Merge:
    """A stored row that is given what it lacks."""

    def __init__(self, row: Message) -> None:
        self.draft = opened(row)
        self._is_intact = valid_entries(row.content) is not None
        self._is_foreign = stored_annotation(row.content) is None

    def add(self, addition: Addition, *, is_own: bool, has_own_row: bool) -> bool:
        """Give the row what it lacks of *addition*, and return whether it had the place."""
        draft = self.draft
        passed = f"{PASSED}{addition.id}"
        is_known = addition.id in draft.added or (passed in draft.added and not is_own)
        if is_known and self._is_intact:
            return True
        results = _results(addition.messages)
        steps = addition.messages[len(results) :]
        waiting = set(unanswered(draft.parts))
        answers = [result for result in results if result.tool_call_id in waiting]
        if is_known:
            return self._take(answers)
        if has_own_row:
            return self._take(note=addition.id)
        if self._is_foreign and not is_own and not (answers or (steps and draft.after_result)):
            return self._take(note=passed)
        calls = {call["id"] for call in calls_of(draft.parts)}
        if all(result.tool_call_id in calls for result in results) and draft.has_room(
            [*answers, *steps]
        ):
            return self._take(answers, steps, note=addition.id)
        self._take(note=addition.id)
        return False

    def _take(
        self,
        answers: Sequence[ToolMessage] = (),
        steps: Sequence[BaseMessage] = (),
        *,
        note: str | None = None,
    ) -> bool:
        for answer in answers:
            self.draft.answer(answer)
        for message in steps:
            self.draft.take(message)
        if note is not None:
            self.draft.added.append(note)
            self.draft.is_changed = True
        return True


def _is_settled(row: Message, group: Sequence[Addition]) -> bool:
    """Whether a row holds all of *group*, and nobody changed it: then it is not opened."""
    missing = {addition.id for addition in group}.difference(added_ids(row.content))
    return not missing and valid_entries(row.content) is not None


def _new_id(row_id: str, messages: Sequence[BaseMessage]) -> str:
    """The same for the same messages, so that adding them again after a failure adds nothing."""
    if any(isinstance(message, AIMessage) and not message.id for message in messages):
        return uuid4().hex  # two that say the same may be meant
    text = dumps([row_id, *map(message_to_dict, messages)], "messages")
    return sha256(text.encode()).hexdigest()[:ID_LENGTH]


def _results(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """The tool messages that *messages* begin with."""
    results = []
    for message in messages:
        if not isinstance(message, ToolMessage):
            break
        results.append(message)
    return results
