"""A checkpoint with thresholds and ordinary footage in, the events that it would have published out.

By the scores and the very code that the daemon decides with, at the frame rates of several cameras: movement
between two frames looks different at each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.runtime import Encoder
from pipeline.behaviour import BehaviourSettings
from training.data_folder import DataFolder
from training.features import FeatureStore
from training.normal_footage import NormalFootage, Scores, score_footage
from training.thresholds import FalseAlarms, Promise, ScoreSeries, count_false_alarms

CONFIDENCE = Promise(per_hour=1.0)  # only its confidence counts here


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability a label of a task counts."""

    task: str
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class LabelAlarms:
    """The events of one label at one frame rate, None for that of the recordings; by recording, if any.

    `false_alarms` has the hours that count, and the rate that so many events in them still allow at 95 %.
    """

    threshold: Threshold
    camera_fps: float | None
    false_alarms: FalseAlarms
    recordings: Mapping[str, int]

    @property
    def per_hour(self) -> float:
        """Return the events an hour that were seen."""
        hours = self.false_alarms.hours
        return self.false_alarms.events / hours if hours else 0.0


def count_alarms(
    encoder: Encoder, store: FeatureStore, footage: NormalFootage, *, camera_fps: float | None
) -> list[LabelAlarms]:
    """Count the events of every label that has a threshold; what `footage` leaves out for a task is no alarm.

    Raises:
        SourceError: A recording cannot be read.
    """
    sent = store.as_sent_at(camera_fps)
    found = []
    for task, of in encoder.checkpoint.tasks.items():
        if set(of.thresholds) == {None}:
            continue
        scores = _score(encoder, sent, footage, task=task)
        for column, (label, threshold) in enumerate(zip(of.labels, of.thresholds, strict=True)):
            if threshold is not None:
                alarms = {
                    name: _count([one.series(task, column) for one in pieces], threshold)
                    for name, pieces in scores.items()
                }
                found.append(_of_label(Threshold(task, label, threshold), camera_fps, alarms))
    return found


def _of_label(
    threshold: Threshold, camera_fps: float | None, alarms: Mapping[str, FalseAlarms]
) -> LabelAlarms:
    """Add up the recordings' alarms."""
    events = sum(one.events for one in alarms.values())
    hours = sum(one.hours for one in alarms.values())
    return LabelAlarms(
        threshold,
        camera_fps,
        FalseAlarms(events, hours, CONFIDENCE.upper_rate(events, hours)),
        {name: one.events for name, one in alarms.items() if one.events},
    )


def _score(
    encoder: Encoder, store: FeatureStore, footage: NormalFootage, *, task: str
) -> dict[str, list[Scores]]:
    """Return the scores of each recording by its path."""
    return {
        str(folder.path / name): score_footage(
            encoder,
            store,
            _only(footage, DataFolder(folder.path, tuple(folder.segments_of(name)))),
            task=task,
        )
        for folder in footage.folders
        for name in folder.files
    }


def _only(footage: NormalFootage, folder: DataFolder) -> NormalFootage:
    return NormalFootage([folder], footage.without, footage.without_for)


def _count(series: Sequence[ScoreSeries], threshold: float) -> FalseAlarms:
    return count_false_alarms(series, threshold, promise=CONFIDENCE, settings=BehaviourSettings())
