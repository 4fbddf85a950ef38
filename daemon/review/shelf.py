"""The models of a data folder in, which there are and which is to run out.

<data_dir>/models/<n>/refit.json   what was measured before and after
<data_dir>/models/<n>/model/       the checkpoint, where one of its tasks is better
<data_dir>/models/chosen           the number of the one to run; none for the one that the settings name
"""

from dataclasses import dataclass
from pathlib import Path

from daemon.review.labels import LabelError, replace_text
from models.checkpoint import DESCRIPTION_FILE
from models.errors import CheckpointError
from models.refit_report import MODEL_FOLDER, RefitReport, read_report

CHOSEN_FILE = "chosen"
# The model that the daemon came with, or that the settings name.
BASE = 0


@dataclass(frozen=True, slots=True)
class ShelvedModel:
    """What a refit has made: `has_model` where one of its tasks is better than before."""

    number: int
    report: RefitReport
    has_model: bool


class ModelShelf:
    """The models that were made here; any thread may call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def models(self) -> tuple[ShelvedModel, ...]:
        """All of them, the newest first; one whose report cannot be read is left out."""
        found = []
        for number in sorted(self._numbers(), reverse=True):
            try:
                report = read_report(self.folder / str(number))
            except CheckpointError:
                continue
            found.append(ShelvedModel(number, report, self._has_model(number)))
        return tuple(found)

    @property
    def chosen(self) -> int:
        """The number of the model to run."""
        try:
            text = (self.folder / CHOSEN_FILE).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return BASE
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else BASE

    @property
    def next_number(self) -> int:
        """A number that none has had."""
        return max(self._numbers(), default=BASE) + 1

    def path(self, number: int) -> Path:
        """Return a model's folder.

        Raises:
            CheckpointError: There is no such model.
        """
        if not self._has_model(number):
            raise CheckpointError(f"There is no model {number} in {self.folder}.")
        return self.folder / str(number) / MODEL_FOLDER

    def choose(self, number: int) -> None:
        """Remember for the next start which model is to run.

        Raises:
            CheckpointError: The disk does not take it.
        """
        try:
            replace_text(self.folder / CHOSEN_FILE, f"{number}\n")
        except LabelError as error:
            raise CheckpointError(str(error)) from error

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = (path.name for path in self.folder.iterdir() if path.is_dir())
        return [int(name) for name in names if name.isascii() and name.isdigit()]

    def _has_model(self, number: int) -> bool:
        return (self.folder / str(number) / MODEL_FOLDER / DESCRIPTION_FILE).is_file()
