"""What people say of alarms in, what alarms no more out: things like a dismissed one are excused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.types import Sight

F32 = NDArray[np.float32]

# More than anybody will ever say of one camera; the oldest lesson is forgotten first.
MAX_LESSONS = 500
# Signatures are scaled so that a distance of 1 is still the same kind of thing at about the same place.
SAME_THING = 1.0
# What is so many times as strong as anything that was dismissed alarms all the same.
STRONGER = 1.5


class Verdict(StrEnum):
    """What a person says of an event."""

    NOT_AN_ALARM = "not_an_alarm"
    WAS_AN_ALARM = "was_an_alarm"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One person's word on one event: `sights` is what was seen of it, `began_s` when it began."""

    event_id: str
    verdict: Verdict
    began_s: float
    sights: tuple[Sight, ...]


class Lessons:
    """All lessons of a camera, the newest word on each event; not thread-safe."""

    def __init__(self) -> None:
        self._lessons: dict[str, Lesson] = {}

    def __len__(self) -> int:
        return len(self._lessons)

    def take(self, lesson: Lesson) -> bool:
        """Learn what was said of an event, in place of what was said before; say whether that is news."""
        before = self._lessons.pop(lesson.event_id, None)
        self._lessons[lesson.event_id] = lesson
        while len(self._lessons) > MAX_LESSONS:
            del self._lessons[next(iter(self._lessons))]
        return before != lesson

    def excuse(self, sight: Sight) -> bool:
        """Say whether this is the same as something dismissed, and nothing that was confirmed is as near.

        It is not the same where it is clearly stronger.
        """
        dismissed = self._distance(sight, Verdict.NOT_AN_ALARM)
        return dismissed <= SAME_THING and dismissed < self._distance(sight, Verdict.WAS_AN_ALARM)

    def _distance(self, sight: Sight, verdict: Verdict) -> float:
        """Return how far the nearest sight of that verdict lies; infinite where there is none."""
        known = [
            other.signature
            for lesson in self._lessons.values()
            if lesson.verdict is verdict
            for other in lesson.sights
            if other.part == sight.part
            and len(other.signature) == len(sight.signature)
            and (verdict is Verdict.WAS_AN_ALARM or sight.strength <= STRONGER * other.strength)
        ]
        if not known or not sight.signature:
            return float("inf")
        return float(np.linalg.norm(np.array(known) - np.array(sight.signature), axis=1).min())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all lessons by name: one row a sight, its lesson named by number."""
        lessons = list(self._lessons.values())
        rows = [(number, sight) for number, lesson in enumerate(lessons) for sight in lesson.sights]
        width = max((len(sight.signature) for _, sight in rows), default=0)
        padded = [[*sight.signature, *[np.nan] * (width - len(sight.signature))] for _, sight in rows]
        return {
            "events": np.array([lesson.event_id for lesson in lessons], np.str_),
            "verdicts": np.array([str(lesson.verdict) for lesson in lessons], np.str_),
            "began_s": np.array([lesson.began_s for lesson in lessons], np.float64),
            "owners": np.array([number for number, _ in rows], np.int32),
            "parts": np.array([sight.part for _, sight in rows], np.str_),
            "strengths": np.array([sight.strength for _, sight in rows], np.float32),
            "signatures": np.array(padded, np.float32).reshape(len(rows), width),
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: There is no such verdict, or the arrays do not belong together.
        """
        sights: dict[int, list[Sight]] = {}
        columns = (arrays[name] for name in ("owners", "parts", "signatures", "strengths"))
        for owner, part, row, strength in zip(*columns, strict=True):
            signature = tuple(float(value) for value in row[~np.isnan(row)])
            sights.setdefault(int(owner), []).append(Sight(str(part), signature, float(strength)))
        rows = zip(arrays["events"], arrays["verdicts"], arrays["began_s"], strict=True)
        lessons = [
            Lesson(str(event_id), Verdict(str(verdict)), float(began_s), tuple(sights.get(number, ())))
            for number, (event_id, verdict, began_s) in enumerate(rows)
        ]
        self._lessons = {lesson.event_id: lesson for lesson in lessons}


class Sights:
    """The different things that an event showed, so that any of them can be recognised later."""

    # Nearer to one that is kept is nothing new; so many say enough.
    NEWS, MOST = 0.5, 16

    def __init__(self) -> None:
        self._kept: list[Sight] = []

    def see(self, sight: Sight) -> None:
        """Keep a sight, unless there are enough; of one that is kept already, keep how strong it was."""
        if not sight.signature:
            return
        for number, other in enumerate(self._kept):
            if _distance(sight, other) <= self.NEWS:
                strongest = max(sight.strength, other.strength)
                self._kept[number] = replace(other, strength=strongest)
                return
        if len(self._kept) < self.MOST:
            self._kept.append(sight)

    @property
    def kept(self) -> tuple[Sight, ...]:
        """Return them in the order they came."""
        return tuple(self._kept)


def _distance(one: Sight, other: Sight) -> float:
    """Return the Euclidean distance of two signatures of one part; infinite for two parts."""
    if one.part != other.part or len(one.signature) != len(other.signature):
        return float("inf")
    return float(np.linalg.norm(np.subtract(one.signature, other.signature)))
