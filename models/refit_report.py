"""What `videobert-train refit` says of a model before and after: written by training, read by the daemon."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import CheckpointError
from models.files import write_file

REPORT_FILE = "refit.json"
PROGRESS_FILE = "progress.json"
MODEL_FOLDER = "model"


class Part(BaseModel):
    """A part of the report: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figures(Part):
    """How well a model does on held-out clips; None is what they do not define.

    `caught` and `false` are the shares of clips that reach the published label's threshold, of those that
    show it and of the others.
    """

    accuracy: float | None
    macro_f1: float | None
    auc: float | None
    log_loss: float | None
    caught: float | None
    false: float | None


class TaskRefit(Part):
    """One task: the clips it was judged on, both models there, and what was decided.

    `gain` is by how much the log loss fell, every label counting the same, and `gain_low` … `gain_high` the
    95 % interval over resampled groups; `fixed` and `broken` count decisions. `strength` is how far the clips
    were believed, 0 for not at all.
    """

    clips: dict[str, int]
    groups: int
    before: Figures | None = None
    after: Figures | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    fixed: int = 0
    broken: int = 0
    strength: float = 0.0
    is_better: bool
    reason: str


class RefitReport(Part):
    """All tasks that have labels; where one is better there is a model of `version` beside the report."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    base: str
    version: str
    tasks: dict[str, TaskRefit]

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    @property
    def better(self) -> tuple[str, ...]:
        """The tasks that the new model does better."""
        return tuple(name for name, task in self.tasks.items() if task.is_better)

    def save(self, folder: Path) -> None:
        """Write the report into a folder, in one step."""
        text = self.model_dump_json(by_alias=True, indent=2) + "\n"
        write_file(folder / REPORT_FILE, text.encode(), durable=False)


class Progress(Part):
    """How far a refit has come: `done` of `total` steps, and what it does now."""

    done: int = 0
    total: int = 0
    doing: str = ""

    def save(self, file: Path) -> None:
        """Write it, in one step: whoever reads at the same time finds a whole one."""
        write_file(file, (self.model_dump_json() + "\n").encode(), durable=False)


def read_report(folder: Path) -> RefitReport:
    """Read a folder's report.

    Raises:
        CheckpointError: There is none, or it cannot be read.
    """
    path = folder / REPORT_FILE
    try:
        return RefitReport.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CheckpointError(
            f"{path} cannot be read: it is missing, damaged or of another version."
        ) from error


def read_progress(file: Path) -> Progress:
    """Read how far it is; nothing done where nothing is said."""
    try:
        return Progress.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return Progress()
