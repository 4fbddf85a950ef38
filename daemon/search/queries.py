"""Queries of searches in, checked values out: those of programs, and those of the page's form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from daemon.archive import FIRST_YEAR, LAST_YEAR, ArchiveFilter, parse_filter, to_query
from daemon.event_log import BegunFilter
from daemon.queries import Query, digits
from pipeline.types import EventKind

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
MAX_WORDS_LETTERS = 200
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 1, 1)


def _written(text: object) -> object:
    """Let only a day in digits pass: pydantic would also take a time of day, or seconds since 1970."""
    if isinstance(text, str) and not _DAY.fullmatch(text):
        raise ValueError("must be a day such as 2026-11-24")
    return text


def _our_years(day: date) -> date:
    """Return the nearest day that an event can have begun on, which finds the same."""
    return min(max(day, FIRST_DAY), LAST_DAY)


Day = Annotated[date, BeforeValidator(_written), AfterValidator(_our_years)]


class SimilarQuery(Query):
    """Which events may be found."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(digits)] = Field(
        default=DEFAULT_LIMIT, description="Give so many at most."
    )
    camera: str | None = Field(default=None, description="Of this camera only.")
    kind: EventKind | None = Field(default=None, description="Of this kind only.")
    label: str | None = Field(default=None, description="Of this label only.")
    since: Day | None = Field(default=None, description="Begun on this day or later, where the daemon is.")
    until: Day | None = Field(default=None, description="Begun on this day or earlier.")

    @property
    def which(self) -> BegunFilter:
        """The filter of the log; days that are the wrong way round find nothing."""
        since = to_query(ArchiveFilter(since=self.since.isoformat() if self.since else ""))
        until = to_query(ArchiveFilter(until=self.until.isoformat() if self.until else ""))
        return BegunFilter(
            camera=self.camera,
            kind=self.kind,
            label=self.label,
            since_utc_s=since.since_utc_s,
            until_utc_s=until.until_utc_s,
        )


class WordsQuery(SimilarQuery):
    """What is looked for, and which events may be found."""

    words: str = Field(
        min_length=1,
        max_length=MAX_WORDS_LETTERS,
        description="What is written of them, or what they look like.",
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's form asks for; `words` are empty where nothing is."""

    words: str
    wanted: ArchiveFilter
    which: BegunFilter


def parse_form(query: Mapping[str, str]) -> Asked:
    """Check the fields of the page's form: `words`, and the filters of the archive, which may be empty.

    Raises:
        ValueError: One sentence about the first value that cannot be used.
    """
    wanted = parse_filter({name: text for name, text in query.items() if name != "words"})
    if wanted.before:
        raise ValueError("a search has no further pages: say until when")
    words = query.get("words", "").strip()
    if len(words) > MAX_WORDS_LETTERS or not words.isprintable():
        raise ValueError(f"words must be at most {MAX_WORDS_LETTERS} printable letters")
    return Asked(words, wanted, to_query(wanted))
