"""Vectors of events in, the nearest ones out: every one is compared, so nothing is missed.

A hundred thousand of 64 bytes are compared in little time (docs/performance.md): an approximate
index would be faster, and would have to be tuned, rebuilt after deletions, and trusted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from daemon.event_log import BegunFilter
from models.clip_vector import F32, unpack

Bools = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)

# Rows are turned into float32 by so many at a time: they and the result stay in the processor's cache.
ROWS_AT_ONCE = 4096
FIRST_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """What an event is found by beside its vector."""

    id: str
    camera: str
    kind: str
    label: str
    start_utc_s: float


@dataclass(frozen=True, slots=True)
class Near:
    """An event and how near it is: the cosine, or what a direction of any length makes of it."""

    id: str
    score: float


class VectorTable:
    """The vectors of one model, in memory; not thread-safe."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._rows: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._vectors = np.zeros((FIRST_ROWS, 0), np.int8)
        self._lengths = np.zeros(FIRST_ROWS, np.float32)
        self._starts_s = np.zeros(FIRST_ROWS)
        self._codes = np.zeros((FIRST_ROWS, 3), np.int32)  # camera, kind, label

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def size_bytes(self) -> int:
        """Return what the arrays take in memory."""
        arrays = (self._vectors, self._lengths, self._starts_s, self._codes)
        return sum(array.nbytes for array in arrays)

    def put(self, entry: Entry, packed: bytes) -> None:
        """Add an event, or give a known one another vector."""
        vector = unpack(packed)
        if not len(self):
            self._vectors = np.zeros((len(self._vectors), len(vector)), np.int8)
        row = self._rows.setdefault(entry.id, len(self))
        if row == len(self):
            self._ids.append(entry.id)
            self._grow()
        self._vectors[row] = vector
        self._lengths[row] = np.linalg.norm(vector.astype(np.float32)) or 1.0
        self._starts_s[row] = entry.start_utc_s
        self._codes[row] = [self._code(name) for name in (entry.camera, entry.kind, entry.label)]

    def drop(self, ids: Iterable[str]) -> None:
        """Forget events; the last row takes the place of each."""
        for event_id in ids:
            row = self._rows.pop(event_id, None)
            if row is None:
                continue
            last, moved = len(self) - 1, self._ids.pop()
            if row != last:
                for array in (self._vectors, self._lengths, self._starts_s, self._codes):
                    array[row] = array[last]
                self._ids[row] = moved
                self._rows[moved] = row

    def vector(self, event_id: str) -> F32 | None:
        """Return an event's direction (D,), of length 1; None where it has none."""
        row = self._rows.get(event_id)
        return None if row is None else self._vectors[row].astype(np.float32) / self._lengths[row]

    def nearest(
        self, direction: F32, which: BegunFilter, *, limit: int, without: str = ""
    ) -> tuple[Near, ...]:
        """Return the `limit` events nearest to a direction (D,) that match, the nearest first."""
        allowed = self._matching(which)
        if without in self._rows:
            allowed[self._rows[without]] = False
        rows = np.flatnonzero(allowed)
        if not len(rows):
            return ()
        scores = self._scores(direction)[rows]
        count = min(limit, len(rows))
        first = np.argpartition(-scores, count - 1)[:count]
        order = first[np.argsort(-scores[first], kind="stable")]
        return tuple(Near(self._ids[rows[place]], float(scores[place])) for place in order)

    def _scores(self, direction: F32) -> F32:
        count = len(self)
        scores = np.empty(count, np.float32)
        for first in range(0, count, ROWS_AT_ONCE):
            part = slice(first, min(first + ROWS_AT_ONCE, count))
            np.matmul(self._vectors[part].astype(np.float32), direction, out=scores[part])
        return np.asarray(scores / self._lengths[:count])

    def _matching(self, which: BegunFilter) -> Bools:
        count = len(self)
        starts_s, codes = self._starts_s[:count], self._codes[:count]
        allowed = np.ones(count, np.bool_)
        if which.since_utc_s is not None:
            allowed &= starts_s >= which.since_utc_s
        if which.until_utc_s is not None:
            allowed &= starts_s < which.until_utc_s
        for column, name in enumerate((which.camera, which.kind, which.label)):
            if name is not None:
                allowed &= codes[:, column] == self._names.get(str(name), -1)
        if which.cameras is not None:
            allowed &= np.isin(codes[:, 0], [self._names.get(name, -1) for name in which.cameras])
        return allowed

    def _code(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def _grow(self) -> None:
        """Make room for as many rows again where there is none for the newest."""
        if len(self) <= len(self._vectors):
            return
        self._vectors = _doubled(self._vectors)
        self._lengths = _doubled(self._lengths)
        self._starts_s = _doubled(self._starts_s)
        self._codes = _doubled(self._codes)


def _doubled(array: NDArray[Number]) -> NDArray[Number]:
    return np.concatenate([array, np.zeros_like(array)])
