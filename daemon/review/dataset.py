"""Labels and clips in, a folder for each task out, in the very form that `videobert-train finetune` takes.

<data_dir>/dataset/labels.json          every label, whose and when: the other files follow from it
<data_dir>/dataset/<task>/<event>.mp4   the clips, which retention leaves alone
<data_dir>/dataset/<task>/segments.csv  file,label,group,start_s,end_s
"""

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from daemon.review.labels import GivenLabel, LabelError, replace_text
from models.files import replaced_file

TABLE = "segments.csv"
COLUMNS = ("file", "label", "group", "start_s", "end_s")
SUFFIX = ".mp4"


class DatasetFolder:
    """The files of labelled events; whoever calls takes care that nobody else does."""

    def __init__(self, folder: Path, max_bytes: float) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    @property
    def size_bytes(self) -> int:
        """How much all of it takes; a clip that two tasks share counts once."""
        sizes = {}
        for path in self.folder.rglob("*"):
            try:
                status = path.stat()
            except OSError:  # it went in this moment
                continue
            if path.is_file():
                sizes[status.st_ino] = status.st_size
        return sum(sizes.values())

    def path(self, task: str, event_id: str) -> Path:
        """Return where an event's clip lies for a task."""
        return self.folder / task / f"{event_id}{SUFFIX}"

    def keep(self, given: GivenLabel, clip: Path) -> None:
        """Keep a clip for every task that its label says something of.

        Raises:
            LabelError: There is no room left for it.
        """
        missing = [path for task in given.truths if not (path := self.path(task, given.event)).exists()]
        if not missing:
            return
        try:
            size_bytes = clip.stat().st_size
            if self.size_bytes + size_bytes > self.max_bytes:
                raise LabelError(
                    f"the dataset has no room for another clip: {self.size_bytes / 1e9:.2f} GB of"
                    f" {self.max_bytes / 1e9:g} GB are taken; remove labels or raise storage.keep_dataset_gb"
                )
            for path in missing:
                path.parent.mkdir(parents=True, exist_ok=True)
                _link(clip, path)
        except OSError as error:
            raise LabelError(f"the clip cannot be kept: {error.strerror}") from error

    def write(self, all_given: Iterable[GivenLabel]) -> None:
        """Bring every table up to date, and remove the clips that no label needs any more.

        Raises:
            LabelError: A table cannot be written; it is as it was.
        """
        rows: dict[str, list[tuple[object, ...]]] = {table.parent.name: [] for table in self._tables()}
        for given in all_given:
            if given.part is not None:
                times = (given.part.start_s, given.part.end_s)
                for task, label in given.truths.items():
                    row = (f"{given.event}{SUFFIX}", label, given.group, *times)
                    rows.setdefault(task, []).append(row)
        for task, of_task in rows.items():
            self._write_table(task, of_task)

    def _tables(self) -> list[Path]:
        return list(self.folder.glob(f"*/{TABLE}"))

    def _write_table(self, task: str, rows: list[tuple[object, ...]]) -> None:
        path = self.folder / task / TABLE
        if rows:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
            if not (path.exists() and path.read_bytes() == text.getvalue().encode()):
                replace_text(path, text.getvalue())
        else:  # a table without a row is an error for whoever reads it
            path.unlink(missing_ok=True)
        needed = {row[0] for row in rows}
        for clip in path.parent.glob(f"*{SUFFIX}"):
            if clip.name not in needed:
                clip.unlink(missing_ok=True)


def _link(clip: Path, target: Path, *, link: Callable[[Path, Path], None] = os.link) -> None:
    """Give a clip a second name, so that it outlives its first; copy it where that cannot be."""
    with replaced_file(target, durable=False) as partial:  # a clip that is lost costs one label
        try:
            link(clip, partial)
        except OSError:
            shutil.copyfile(clip, partial)
