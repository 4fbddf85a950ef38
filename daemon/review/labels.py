"""What people say that events show in, one file that remembers it out: which label, whose, when given."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from daemon.feedback import FeedbackError
from daemon.payloads import EventMessage
from daemon.utc import utc_seconds
from models.checkpoint import Task
from models.files import write_file
from pipeline.analysis import NORMAL_LABEL
from pipeline.behaviour import BehaviourSettings

FILE_NAME = "labels.json"
# The daemon tells a behaviour's end so long after it was last seen.
END_DELAY_S = BehaviourSettings().merge_gap_s
# So much shorter than planned is as planned: pictures are some time apart.
TOLERANCE_S = 0.5


class LabelError(FeedbackError):
    """Raised when a label cannot be taken: of such an event, or because it cannot be kept."""


class Kept(BaseModel):
    """What is kept of what people say: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Part(Kept):
    """The seconds of an event's clip for which its label holds."""

    start_s: float = Field(ge=0)
    end_s: float = Field(gt=0)


class GivenLabel(Kept):
    """What somebody says that an event shows.

    `seen` is what the daemon took it for. `truths` is what follows, task → label: what was taken for a fight
    and is a fall is no fight, too. `part` is None until the clip is in the dataset.
    """

    event: str
    camera: str
    seen: str
    start_utc: str
    task: str
    label: str
    truths: dict[str, str]
    by: str | None
    given_utc: str
    part: Part | None = None

    @property
    def group(self) -> str:
        """Return what must stay on one side of a split: what one camera saw on one day."""
        return f"{self.camera} {self.start_utc[:10]}"


_ALL = TypeAdapter(tuple[GivenLabel, ...])


def read_labels(folder: Path) -> dict[str, GivenLabel]:
    """Return the labels of a dataset folder by event; none where it has no file.

    Raises:
        LabelError: The file is damaged; nothing may be written over it.
    """
    path = folder / FILE_NAME
    try:
        given = _ALL.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise LabelError(f"{path} cannot be read: repair it, or move it away to begin anew") from error
    return {one.event: one for one in given}


def write_labels(folder: Path, given: Iterable[GivenLabel]) -> None:
    """Replace the file in one step.

    Raises:
        LabelError: The disk does not take it; the file is as it was.
    """
    replace_text(folder / FILE_NAME, json.dumps([one.model_dump() for one in given], indent=1) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file in one step, so that what somebody said is on the disk; its folder may be missing.

    Raises:
        LabelError: The disk does not take it; the file is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text.encode(), durable=True)
    except OSError as error:
        raise LabelError(f"{path} cannot be written: {error.strerror}") from error


def tasks_of(label: str, tasks: Mapping[str, Task]) -> list[str]:
    """Return the tasks that have a label, those first whose labels publish."""
    having = [name for name, task in tasks.items() if label in task.labels and label != NORMAL_LABEL]
    return sorted(having, key=lambda name: not any(tasks[name].thresholds))


def truths_of(seen: str, task: str, label: str, *, tasks: Mapping[str, Task]) -> dict[str, str]:
    """Return what a label says, task → label: of the task that it is of, and of the one that was mistaken.

    Taken for a fight, said to be a crash: {"crash": "crash", "fight": "normal"}. That somebody walks, or
    that nothing crashed, says nothing of a fight.
    """
    names_another = NORMAL_LABEL in tasks[task].labels and label not in (seen, NORMAL_LABEL)
    mistaken = {
        other: NORMAL_LABEL
        for other in tasks_of(seen, tasks)
        if names_another and NORMAL_LABEL in tasks[other].labels
    }
    return {**mistaken, task: label}


def part_of(event: EventMessage, *, clip_s: float, rolls: tuple[float, float], sees_s: float) -> Part:
    """Return where in its clip an ended event is.

    `rolls` are how long the clip was to begin before the event and to end after it, `sees_s` how far back
    the model looks: an event begins when that much of it was seen. An event of 8 s in a clip of 20 s, with
    5 s before and after and some more to the keyframe, ends at 15 s and begins at 7 s; seen from 4 s back,
    and told to have ended 5 s late, its part is 3 to 10.
    """
    before_s, after_s = rolls
    ended_utc = event.end_utc or event.start_utc
    lasted_s = max(0.0, utc_seconds(ended_utc) - utc_seconds(event.start_utc))
    # One that was cut off at its longest is known by its beginning alone.
    is_whole = clip_s >= before_s + lasted_s + after_s - TOLERANCE_S
    begins_s = clip_s - after_s - lasted_s if is_whole else min(before_s, clip_s)
    ends_s = min(clip_s, max(begins_s, begins_s + lasted_s - END_DELAY_S))
    start_s = min(max(0.0, begins_s - sees_s), max(0.0, clip_s - 1.0))
    return Part(start_s=round(start_s, 2), end_s=round(max(ends_s, start_s + min(1.0, clip_s)), 2))
