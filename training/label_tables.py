"""A data folder's labels.csv or segments.csv in, its segments out; a bad row is named by line and column."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from models.errors import VideobertdError

LABELS_FILE = "labels.csv"
SEGMENTS_FILE = "segments.csv"
TIMES = ("start_s", "end_s")


class DataError(VideobertdError):
    """Raised when a data folder cannot be used; names file, line, column, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a recording, with what is known of it.

    `file` is relative to the data folder, a video or a folder of numbered images; `label` is None where
    nobody has said; segments of one `group` (a scene, a recording, a day) never stand on both sides of a
    split. The part spans `start_s` ≤ t < `end_s`, to the end where that is None.
    """

    file: str
    label: str | None
    group: str
    start_s: float = 0.0
    end_s: float | None = None

    @property
    def name(self) -> str:
        """Return the file, with the times where it is not the whole: "a.mp4", "a.mp4@5.4-8.4"."""
        if self.start_s == 0 and self.end_s is None:
            return self.file
        end = "" if self.end_s is None else f"{self.end_s:g}"
        return f"{self.file}@{self.start_s:g}-{end}"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold the label and the group: a table may know several, such as recording and day."""

    label: str = "label"
    group: str = "group"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a table; knows how to complain about its cells."""

    table: Path
    line: int
    cells: Mapping[str, str]

    def error(self, column: str, allowed: str) -> DataError:
        value = self.cells.get(column)
        return DataError(f"{self.table}, line {self.line}, column {column}: {value!r} must be {allowed}.")

    def text(self, column: str, allowed: str) -> str:
        if not self.cells[column]:
            raise self.error(column, allowed)
        return self.cells[column]

    def seconds(self, column: str) -> float | None:
        """Return a time, None where the cell is empty."""
        if not self.cells[column]:
            return None
        try:
            time_s = float(self.cells[column])
        except ValueError:
            time_s = math.nan
        if not 0 <= time_s < math.inf:
            raise self.error(column, "a number of seconds, 0 or more")
        return time_s


def read_table(table: Path, columns: Columns) -> list[Segment]:
    """Read labels.csv or segments.csv, whose files lie beside it; an empty label means that none is known.

    Raises:
        DataError: The table cannot be read, a column is missing, a row is wrong or says what another said.
    """
    has_times = table.name == SEGMENTS_FILE
    first_line: dict[Segment | str, int] = {}
    segments = []
    for row in _rows(table, ("file", columns.label, columns.group, *(TIMES if has_times else ()))):
        segment = _segment(row, columns, has_times=has_times)
        # A clip has one label; parts of a recording may overlap, but not be the same.
        said = segment if has_times else segment.file
        if said in first_line:
            raise row.error("file", f"new: line {first_line[said]} has it already")
        first_line[said] = row.line
        segments.append(segment)
    if not segments:
        raise DataError(f"{table} has no row below its header.")
    return segments


def _rows(table: Path, needed: tuple[str, ...]) -> Iterator[_Row]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or ()]
            if missing := [column for column in needed if column not in header]:
                raise DataError(
                    f"{table}, line 1: the columns {', '.join(header)} lack {', '.join(missing)};"
                    f" needed are {', '.join(needed)}."
                )
            reader.fieldnames = header
            for cells in reader:
                if None in cells or None in cells.values():
                    raise DataError(f"{table}, line {reader.line_num}: must have {len(header)} cells.")
                yield _Row(table, reader.line_num, {name: cell.strip() for name, cell in cells.items()})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read: {error}.") from error


def _segment(row: _Row, columns: Columns, *, has_times: bool) -> Segment:
    start_s = (row.seconds("start_s") or 0.0) if has_times else 0.0
    end_s = row.seconds("end_s") if has_times else None
    if end_s is not None and end_s <= start_s:
        raise row.error("end_s", f"after start_s, {start_s:g}, or empty for the end of the file")
    return Segment(
        file=_file(row),
        label=row.cells[columns.label] or None,
        group=row.text(columns.group, "the name of a group"),
        start_s=start_s,
        end_s=end_s,
    )


def _file(row: _Row) -> str:
    allowed = f"a video or a folder of images below {row.table.parent}"
    path = PurePosixPath(row.text("file", allowed))
    if path.is_absolute() or ".." in path.parts or not (row.table.parent / path).exists():
        raise row.error("file", allowed)
    return str(path)
