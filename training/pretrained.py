"""Pre-training runs and clips to be tested in, the model that has learned nothing from those clips out."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.checkpoint import CONFIG_FILE
from models.errors import CheckpointError
from training.examples import Example
from training.footage_clips import FootageClip
from training.label_tables import DataError

SEEN_FILE = "seen.json"
MODEL_FOLDER = "model"


@dataclass(frozen=True, slots=True)
class PreTrained:
    """A pre-trained model and the recordings that it has learned from, each as FOLDER/file."""

    model: Path
    seen: frozenset[str]

    @classmethod
    def open(cls, run: Path) -> "PreTrained":
        """Read what a run folder of `pretrain` holds.

        Raises:
            CheckpointError: It does not say what it has learned from, or holds no model.
        """
        for file in (run / SEEN_FILE, run / MODEL_FOLDER / CONFIG_FILE):
            if not file.is_file():
                raise CheckpointError(
                    f"{run} holds no pre-trained model: {file.relative_to(run)} is missing."
                )
        return cls(run / MODEL_FOLDER, frozenset(json.loads((run / SEEN_FILE).read_text(encoding="utf-8"))))


def save_seen(clips: Iterable[FootageClip], run: Path) -> None:
    """Write down of which recordings a run learns."""
    names = sorted({_name(Path(clip.folder), Path(clip.file)) for clip in clips})
    (run / SEEN_FILE).write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")


def unseen_by(runs: Sequence[PreTrained], tested: Collection[Example]) -> Path | None:
    """Return the first model that has learned from no recording of the examples; None where no run is given.

    Raises:
        DataError: Every model knows some of them.
    """
    recordings = {_name(example.folder, Path(example.segment.file)) for example in tested}
    for run in runs:
        if not run.seen & recordings:
            return run.model
    if runs:
        known = min((run.seen & recordings for run in runs), key=len)
        raise DataError(
            f"Every pre-trained model has learned from what is tested, such as {min(known)}: "
            "pre-train without those groups, by --leave-out."
        )
    return None


def _name(folder: Path, recording: Path) -> str:
    """Return a recording's name, wherever its data folder lies."""
    return f"{folder.name}/{recording.relative_to(folder)}"
