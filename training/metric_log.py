"""Metrics per step in, a file of JSON lines that survives crashes and resumed runs out."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.files import write_file
from training.measures import F64, NAN

STEP = "step"


class MetricLog:
    """The lines of one file, `{"step": 3, "train/loss": 0.7}`; no metric stands twice at one step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[dict[str, Any]] = []
        self._known: set[tuple[int, str]] = set()

    def open(self, *, after_step: int | None = None) -> None:
        """Read what is there; lines beyond `after_step` go, as does one that a crash left half written."""
        kept, all_whole = _read(self._path)
        self._lines = [line for line in kept if after_step is None or line[STEP] <= after_step]
        self._known = {(line[STEP], name) for line in self._lines for name in line}
        if len(self._lines) < len(kept) or not all_whole:
            write_file(self._path, "".join(map(_text, self._lines)).encode(), durable=False)

    def append(self, step: int, values: Mapping[str, float]) -> dict[str, float]:
        """Write and return the values that are not there yet at this step."""
        fresh = {name: float(value) for name, value in values.items() if (step, name) not in self._known}
        if fresh:
            line = {STEP: step, **{name: None if math.isnan(one) else one for name, one in fresh.items()}}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_text(line))
            self._lines.append(line)
            self._known.update((step, name) for name in fresh)
        return fresh

    def curves(self) -> dict[str, tuple[F64, F64]]:
        """Return each metric's steps, rising, and values (N,)."""
        points: dict[str, dict[int, float]] = {}
        for line in self._lines:
            for name, value in line.items():
                if name != STEP:
                    points.setdefault(name, {})[line[STEP]] = NAN if value is None else value
        return {name: _arrays(sorted(of_name.items())) for name, of_name in points.items()}


def _arrays(points: list[tuple[int, float]]) -> tuple[F64, F64]:
    steps, values = zip(*points, strict=True)
    return np.array(steps, np.float64), np.array(values, np.float64)


def _read(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """Return the lines up to the first that is not whole, and whether all are."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = list(_parse(text))
    return lines, len(lines) == text.count("\n") and (not text or text.endswith("\n"))


def _parse(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines(keepends=True):
        try:
            record = json.loads(line)
        except ValueError:
            return
        if not line.endswith("\n"):
            return
        yield record


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, allow_nan=False) + "\n"
