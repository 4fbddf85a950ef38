"""An event, or words, in; past events like it, or of which they are said, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from daemon.archive_reader import ArchiveReader
from daemon.event_log import BegunFilter
from daemon.payloads import EventMessage
from daemon.search.index import SearchIndex
from daemon.search.vectors import Near
from models.word_table import WordTable

NO_MODEL = "The checkpoint in use has nothing to compare clips by: videobert-train search adds it."
NO_VECTOR = "There is no clip of it to compare: it is about the camera itself, or another model saw it."
UNKNOWN_WORDS = "None of these words is known, so nothing was looked for by what it looks like."
NOT_MEASURED = "How well this checkpoint finds clips by words has not been measured."


@dataclass(frozen=True, slots=True)
class Hit:
    """An event and how alike it is, 0 to 1."""

    event: EventMessage
    likeness: float


@dataclass(frozen=True, slots=True)
class Alike:
    """Events like one, the most alike first; `remark` says why there can be none."""

    hits: tuple[Hit, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class WordsFound:
    """Events of which all words are written, newest first, and those that look like what they say.

    `nearest` is the taught label that the words are nearest to; `trust` says how far to believe the latter.
    """

    said: tuple[EventMessage, ...]
    alike: Alike
    nearest: str = ""
    trust: str = ""


class Search(Protocol):
    """Whoever finds past events; asked from several web threads at once."""

    def similar(self, event_id: str, which: BegunFilter, *, limit: int) -> Alike | None:
        """Return events like one, None where that is not known."""

    def words(self, text: str, which: BegunFilter, *, limit: int) -> WordsFound:
        """Return events of which words are written, and those that look like it."""


class SearchDesk:
    """Looks things up in the index, and what was found in the log."""

    def __init__(self, index: SearchIndex, archive: ArchiveReader, words: WordTable | None) -> None:
        self._index = index
        self._archive = archive
        self._words = words

    @property
    def problem(self) -> str:
        """Why the index cannot be used; empty where it can."""
        return self._index.problem

    def similar(self, event_id: str, which: BegunFilter, *, limit: int) -> Alike | None:
        """Return events like one, None where that is not known."""
        if self._archive.camera_of(event_id) is None:
            return None
        if not self._index.has_vectors:
            return Alike(remark=NO_MODEL)
        vector = self._index.vector(event_id)
        if vector is None:
            return Alike(remark=NO_VECTOR)
        return Alike(self._hits(self._index.nearest(vector, which, limit=limit, without=event_id)))

    def words(self, text: str, which: BegunFilter, *, limit: int) -> WordsFound:
        """Return events of which words are written, and those that look like it."""
        said = self._archive.newest(self._index.said(text, which, limit=limit))
        if self._words is None:
            return WordsFound(said, Alike(remark=NO_MODEL))
        query, reading = self._words.query(text), self._words.reading(text)
        if query is None or reading is None:
            return WordsFound(said, Alike(remark=UNKNOWN_WORDS))
        near = self._index.nearest(query.direction, which, limit=limit)
        hits = self._hits([Near(one.id, one.score + query.constant) for one in near])
        return WordsFound(said, Alike(hits), reading.nearest, self._words.trust or NOT_MEASURED)

    def prune(self) -> int:
        """Forget the events that the log has forgotten; return how many there were."""
        return self._index.prune()

    def _hits(self, near: Sequence[Near]) -> tuple[Hit, ...]:
        """Return what is known of events that are alike at all, and still in the log."""
        likeness = {one.id: round(min(one.score, 1.0), 3) for one in near if one.score > 0}
        return tuple(Hit(event, likeness[event.id]) for event in self._archive.newest(likeness))
