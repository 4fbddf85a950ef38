"""People's labels on events in; answers, counts, and the events that are most worth a label out."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.archive_reader import ArchiveReader
from daemon.event_files import EventFiles
from daemon.event_log import BegunFilter
from daemon.feedback import FeedbackCommand, UnknownEventError
from daemon.payloads import EventMessage
from daemon.review.dataset import DatasetFolder
from daemon.review.labels import (
    GivenLabel,
    LabelError,
    part_of,
    read_labels,
    tasks_of,
    truths_of,
    write_labels,
)
from daemon.utc import utc_text
from models.checkpoint import Checkpoint
from pipeline.analysis import NORMAL_LABEL
from pipeline.clip_file import clip_length_s
from pipeline.clock import Clock
from pipeline.feedback import Verdict
from pipeline.types import EventKind

logger = logging.getLogger(__name__)

MOST_WORTH = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """A label that somebody chose."""

    task: str
    label: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many labelled events a task has of a label; only those `with_clip` can teach."""

    task: str
    label: str
    events: int
    with_clip: int


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What the page shows: counts, labelled events, newest first, and those to label next."""

    counts: tuple[Count, ...]
    given: tuple[GivenLabel, ...]
    worth: tuple[EventMessage, ...]
    size_bytes: float
    max_bytes: float
    folder: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whom the desk asks: past events, their clips, the model that runs, how clips are cut by camera."""

    archive: ArchiveReader
    clips: EventFiles
    checkpoint: Callable[[], Checkpoint]
    rolls: Callable[[str], tuple[float, float]]


class ReviewDesk:
    """Keeps labels and the dataset that follows from them; any thread may call."""

    def __init__(self, dataset: DatasetFolder, witnesses: Witnesses, clock: Clock) -> None:
        self._dataset = dataset
        self._witnesses = witnesses
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """The labels to choose from, by task."""
        return {name: task.labels for name, task in self._witnesses.checkpoint().tasks.items()}

    def label_of(self, event_id: str) -> GivenLabel | None:
        """Return what was said of an event."""
        with self._lock:
            return self._read().get(event_id)

    def own_choice(self, label: str, verdict: Verdict) -> Choice | None:
        """Return what "right" or "not an alarm" means for a behaviour; None where its task cannot say it."""
        tasks = self._witnesses.checkpoint().tasks
        for task in tasks_of(label, tasks):
            if verdict == Verdict.WAS_AN_ALARM:  # the event's page says it as a text
                return Choice(task, label)
            if NORMAL_LABEL in tasks[task].labels:
                return Choice(task, NORMAL_LABEL)
        return None

    def judge(self, command: FeedbackCommand, label: str) -> None:
        """Take a verdict on a behaviour as the label that it means.

        Raises:
            LabelError: It means none, or it cannot be kept.
        """
        choice = self.own_choice(label, command.verdict)
        if choice is None:
            raise LabelError(f"the model's tasks have no label that says {command.verdict} of {label}")
        self.give(command.event, choice, by=command.by)

    def give(self, event_id: str, choice: Choice, *, by: str | None) -> GivenLabel:
        """Keep what an event shows, in place of what was said before; its clip goes into the dataset.

        Raises:
            ValueError: There is no such task or label.
            UnknownEventError: There is no such event.
            LabelError: The event cannot have a label, or there is no room.
        """
        tasks = self._witnesses.checkpoint().tasks
        if choice.task not in tasks or choice.label not in tasks[choice.task].labels:
            known = "; ".join(f"{name}: {', '.join(task.labels)}" for name, task in tasks.items())
            raise ValueError(f"there is no label {choice.label!r} of task {choice.task!r}; there are {known}")
        event = self._event(event_id)
        given = GivenLabel(
            event=event.id,
            camera=event.camera,
            seen=event.label,
            start_utc=event.start_utc,
            task=choice.task,
            label=choice.label,
            truths=truths_of(event.label, choice.task, choice.label, tasks=tasks),
            by=by,
            given_utc=utc_text(self._clock.utc_s()),
        )
        with self._lock:
            given = self._with_clip(given)
            others = self._read()
            others.pop(event_id, None)
            self._write([*others.values(), given])
        logger.info("event %s of camera %s: %s %s", event_id, event.camera, choice.task, choice.label)
        return given

    def take_back(self, event_id: str) -> None:
        """Forget what was said of an event; its clip leaves the dataset.

        Raises:
            UnknownEventError: Nothing was said of it.
            LabelError: The disk does not take it.
        """
        with self._lock:
            others = self._read()
            if others.pop(event_id, None) is None:
                raise UnknownEventError(f"event {event_id!r} has no label")
            self._write(list(others.values()))
        logger.info("event %s has no label any more", event_id)

    def refresh(self) -> tuple[GivenLabel, ...]:
        """Take in the clips that were not there yet when their events were labelled; return all labels.

        Raises:
            LabelError: The dataset cannot be read or written.
        """
        with self._lock:
            before = tuple(self._read().values())
            after = tuple(given if given.part else self._completed(given) for given in before)
            if after != before:
                write_labels(self._dataset.folder, after)
            self._dataset.write(after)
        return after

    def overview(self, cameras: Collection[str] | None = None) -> ReviewView:
        """Return what the page shows of these cameras, or of all.

        Raises:
            LabelError: The dataset cannot be read or written.
        """
        given = [one for one in self.refresh() if cameras is None or one.camera in cameras]
        return ReviewView(
            counts=_counts(given),
            given=tuple(sorted(given, key=lambda one: one.given_utc, reverse=True)),
            worth=self._worth({one.event for one in given}, cameras),
            size_bytes=self._dataset.size_bytes,
            max_bytes=self._dataset.max_bytes,
            folder=str(self._dataset.folder),
        )

    def _event(self, event_id: str) -> EventMessage:
        messages = self._witnesses.archive.messages(event_id)
        if not messages:
            raise UnknownEventError(f"there is no event {event_id!r}, or it is older than events are kept")
        if messages[-1].kind is EventKind.CAMERA:
            raise LabelError(f"event {event_id} is about the camera itself, of which no model learns")
        return messages[-1]

    def _with_clip(self, given: GivenLabel) -> GivenLabel:
        """Keep the clip of an event that has ended, and say which part of it the label is about."""
        clip = self._witnesses.clips.find(given.event)
        messages = self._witnesses.archive.messages(given.event)
        if clip is None or not messages or messages[-1].end_utc is None:
            return given
        checkpoint = self._witnesses.checkpoint()
        try:
            clip_s = clip_length_s(clip)
        except OSError as error:
            logger.warning("the clip of event %s teaches nothing: %s", given.event, error)
            return given
        self._dataset.keep(given, clip)
        part = part_of(
            messages[-1],
            clip_s=clip_s,
            rolls=self._witnesses.rolls(given.camera),
            sees_s=checkpoint.num_frames / checkpoint.sample_fps,
        )
        return given.model_copy(update={"part": part})

    def _completed(self, given: GivenLabel) -> GivenLabel:
        try:
            return self._with_clip(given)
        except LabelError as error:  # no room: the label stays, and waits
            logger.warning("event %s: %s", given.event, error)
            return given

    def _worth(self, known: set[str], cameras: Collection[str] | None) -> tuple[EventMessage, ...]:
        """Return events with a clip but no label: behaviours nearest to their threshold, then anomalies."""
        limits = None if cameras is None else tuple(sorted(cameras))
        found = []
        for kind in (EventKind.BEHAVIOUR, EventKind.ANOMALY):
            page = self._witnesses.archive.page(BegunFilter(kind=kind, cameras=limits))
            events = [event for event in page.events if event.id not in known]
            found += sorted(events, key=self._certainty)
        with_clip = (event for event in found if self._witnesses.clips.find(event.id) is not None)
        return tuple(event for event, _ in zip(with_clip, range(MOST_WORTH), strict=False))

    def _certainty(self, event: EventMessage) -> float:
        """Return how far a behaviour came above the threshold; anomalies are alike, and keep their order."""
        tasks = self._witnesses.checkpoint().tasks
        for name in tasks_of(event.label, tasks):
            threshold = tasks[name].thresholds[tasks[name].labels.index(event.label)]
            return event.score - (threshold or 0.0)
        return 0.0

    def _read(self) -> dict[str, GivenLabel]:
        return read_labels(self._dataset.folder)

    def _write(self, given: Collection[GivenLabel]) -> None:
        """Write the labels, then all that follows from them: what a crash leaves undone is done next time."""
        write_labels(self._dataset.folder, given)
        self._dataset.write(given)


def _counts(given: Collection[GivenLabel]) -> tuple[Count, ...]:
    said = Counter(pair for one in given for pair in one.truths.items())
    clips = Counter(pair for one in given if one.part for pair in one.truths.items())
    return tuple(Count(task, label, said[task, label], clips[task, label]) for task, label in sorted(said))


def dataset_folder(data_dir: Path) -> Path:
    """Return where the dataset lies."""
    return data_dir / "dataset"
