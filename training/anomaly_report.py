"""The scores of a session and the truth about its frames in, the report of `videobert-train anomaly` out.

`python -m training.anomaly_report docs/reports` writes the JSON Schema.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from training.anomaly_folder import Truth
from training.anomaly_measures import (
    EARLY_S,
    PER_HOUR,
    ClipEvents,
    FrameMeasures,
    Labelled,
    Span,
    frame_intervals,
    match,
    measure_frames,
    share_found_at,
)
from training.anomaly_scores import ClipScores, Session
from training.intervals import DRAWS
from training.measures import F64
from training.report import IntervalReport, Number, Part
from training.reports import schema_of, write_json

SCHEMA_FILE = "anomaly.schema.json"
DEFAULT_SIGMA_FRAMES = 3.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the scores came about: what is not in them, and what measures need to know."""

    checkpoint: str
    encoder: str
    train_clips: int
    learns_on: bool = True
    sigma_frames: float = DEFAULT_SIGMA_FRAMES
    early_s: float = EARLY_S


class RankingReport(Part):
    """How one kind of score ranks the frames."""

    auc: Number
    auc_offline: Number
    ap: Number
    recall_at_fpr: dict[str, Number]


class EventReport(Part):
    """One labelled span of a clip."""

    start_s: float
    end_s: float
    delay_s: Number = Field(description="From its first frame to the alarm; null: no alarm began in it.")


class ClipReport(Part):
    """The live alarms of one clip."""

    alarms: int = Field(description="All that began.")
    false_alarms: int = Field(description="Those that did not begin in a labelled span.")
    events: tuple[EventReport, ...] = Field(description="Its labelled spans.")


class AlarmReport(Part):
    """What the live alarm made of the labelled spans."""

    budget_per_day: float = Field(description="Accepted false alarms a day.")
    events: int = Field(description="Labelled spans; what is less than 5 s apart is one.")
    found: int = Field(description="Those in which an alarm began, or shortly before.")
    median_delay_s: Number = Field(description="Of those that were found.")
    false_alarms: int = Field(description="Alarms that did not begin in a labelled span.")
    false_alarms_in_normal_clips: int = Field(description="Those in clips without a labelled span.")
    normal_s: float = Field(description="How long nothing was labelled abnormal.")
    found_at_per_hour: dict[str, Number] = Field(
        description="False alarms an hour → share of events found by the best single threshold, chosen on"
        " these labels: an upper bound."
    )
    clips: dict[str, ClipReport]


class AnomalyReport(Part):
    """What `videobert-train anomaly --json` writes; without labels all measures are null."""

    schema_version: Literal[1] = Field(default=1, alias="schema", description="The form's version.")
    checkpoint: str = Field(description="Name and version of the checkpoint whose encoder looked.")
    encoder: str = Field(description="Runtime, precision and device.")
    sample_fps: Number = Field(description="Sampled frames a second; null: the checkpoint's rate.")
    image_fps: float = Field(description="Images of a folder that make a second.")
    train_clips: int = Field(description="Clips that were learned as normal.")
    learns_on: bool = Field(description="Whether learning went on during the test, as it does live.")
    frames: int = Field(description="Frames of the test clips.")
    abnormal_frames: int | None = Field(description="Those that are labelled abnormal.")
    auc: Number = Field(description="Pooled over all frames, raw scores: no future frame, no normalisation.")
    auc_offline: Number = Field(description="The same after symmetric smoothing by `sigma_frames`.")
    sigma_frames: float = Field(description="Deviation of the Gaussian behind `auc_offline`, in frames.")
    ap: Number = Field(description="Average precision of the raw scores.")
    recall_at_fpr: dict[str, Number] = Field(description="Share of false positives → recall, raw scores.")
    intervals: dict[str, IntervalReport] = Field(description="Measures over resampled clips.")
    parts: dict[str, RankingReport] = Field(description="What each part of normality alone would have given.")
    baselines: dict[str, RankingReport] = Field(description="Other ways on the same sampled frames.")
    alarms: AlarmReport | None = Field(description="What the live alarm found.")
    seconds_per_frame: float = Field(
        description="Wall time for one frame of the test clips, decoding and encoding included."
    )
    notes: dict[str, str] = Field(description="Measure → why it is null, or what limits it.")
    clips: dict[str, tuple[float, ...]] = Field(description="Clip → raw score of each frame.")

    def save(self, path: Path) -> None:
        """Write the report; folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")


def build_anomaly_report(
    session: Session,
    truth: Truth | None,
    conditions: Conditions,
    *,
    baselines: Mapping[str, Mapping[str, F64]] | None = None,
    draws: int = DRAWS,
) -> AnomalyReport:
    """Measure a session; `baselines` maps names to the scores (N,) of each clip by name.

    Raises:
        DataError: A clip has not as many labels as frames.
    """
    labelled = [] if truth is None else [label(one, truth) for one in session.clips]
    sigma = conditions.sigma_frames
    found = measure_frames(labelled, sigma_frames=sigma)
    frames = sum(len(one.scores) for one in session.clips)
    return AnomalyReport(
        **_conditions(session, conditions),
        **asdict_ranking(found),
        frames=frames,
        abnormal_frames=int(sum(one.labels.sum() for one in labelled)) if labelled else None,
        intervals={
            name: IntervalReport(**asdict(one))
            for name, one in (frame_intervals(labelled, draws=draws) if labelled else {}).items()
        },
        parts={name: _part(session, labelled, name, sigma=sigma) for name in session.parts if labelled},
        baselines={
            name: _ranking(_with_scores(labelled, scores), sigma=sigma)
            for name, scores in (baselines or {}).items()
            if labelled
        },
        alarms=_alarms(session, labelled, conditions) if labelled else None,
        seconds_per_frame=session.seconds / max(frames, 1),
        notes=_notes(session, labelled),
        clips={one.clip.name: tuple(np.round(one.scores, 6).tolist()) for one in session.clips},
    )


def label(scores: ClipScores, truth: Truth) -> Labelled:
    """Return a clip's scores with its labels.

    Raises:
        DataError: There are not as many labels as frames.
    """
    labels = truth.labels(scores.clip, scores.times_s.tolist())
    return Labelled(scores.clip.name, scores.times_s, scores.scores, labels)


def asdict_ranking(found: FrameMeasures) -> dict[str, Any]:
    """Return the measures as a report has them."""
    rates = {f"{rate:g}": recall for rate, recall in found.recall_at_fpr.items()}
    return {"auc": found.auc, "auc_offline": found.auc_offline, "ap": found.ap, "recall_at_fpr": rates}


def json_schema() -> dict[str, Any]:
    """Return the report's JSON Schema (draft 2020-12)."""
    return schema_of(AnomalyReport, "anomaly report")


def write_schema(folder: Path) -> None:
    """Write `anomaly.schema.json`."""
    write_json(folder / SCHEMA_FILE, json_schema())


def _conditions(session: Session, conditions: Conditions) -> dict[str, Any]:
    return {
        "checkpoint": conditions.checkpoint,
        "encoder": conditions.encoder,
        "sample_fps": session.settings.sample_fps,
        "image_fps": session.settings.image_fps,
        "train_clips": conditions.train_clips,
        "learns_on": conditions.learns_on,
        "sigma_frames": conditions.sigma_frames,
    }


def _part(session: Session, labelled: Sequence[Labelled], name: str, *, sigma: float) -> RankingReport:
    return _ranking(
        _with_scores(labelled, {one.clip.name: one.of_part(name) for one in session.clips}), sigma=sigma
    )


def _with_scores(labelled: Sequence[Labelled], scores: Mapping[str, F64]) -> list[Labelled]:
    return [Labelled(one.name, one.times_s, scores[one.name], one.labels) for one in labelled]


def _ranking(labelled: Sequence[Labelled], *, sigma: float) -> RankingReport:
    return RankingReport(**asdict_ranking(measure_frames(labelled, sigma_frames=sigma)))


def _alarms(session: Session, labelled: Sequence[Labelled], conditions: Conditions) -> AlarmReport:
    early_s = conditions.early_s
    matched = [
        match(truth, [Span(alarm.start_s, alarm.end_s) for alarm in one.alarms], early_s=early_s)
        for truth, one in zip(labelled, session.clips, strict=True)
    ]
    events = [event for one in matched for event in one.events]
    delays = [event.delay_s for event in events if event.delay_s is not None]
    return AlarmReport(
        budget_per_day=session.settings.budget_per_day or 1.0,
        events=len(events),
        found=len(delays),
        median_delay_s=float(np.median(delays)) if delays else None,
        false_alarms=sum(len(one.false_alarms) for one in matched),
        false_alarms_in_normal_clips=sum(len(one.false_alarms) for one in matched if not one.events),
        normal_s=sum(one.normal_s for one in matched),
        found_at_per_hour={
            f"{rate:g}": found.share
            for rate, found in share_found_at(labelled, PER_HOUR, early_s=early_s).items()
        },
        clips={
            one.name: _clip(one, len(scores.alarms))
            for one, scores in zip(matched, session.clips, strict=True)
        },
    )


def _clip(matched: ClipEvents, alarms: int) -> ClipReport:
    events = tuple(
        EventReport(start_s=one.span.start_s, end_s=one.span.end_s, delay_s=one.delay_s)
        for one in matched.events
    )
    return ClipReport(alarms=alarms, false_alarms=len(matched.false_alarms), events=events)


def _notes(session: Session, labelled: Sequence[Labelled]) -> dict[str, str]:
    notes = {}
    positive = {int(value) for one in labelled for value in np.unique(one.labels)}
    if not labelled:
        notes["auc"] = "there are no labels: nothing was measured"
    elif positive != {0, 1}:
        notes["auc"] = f"all frames are labelled {'abnormal' if positive == {1} else 'normal'}"
    unjudged = sum(int(np.isnan(judged.score)) for one in session.clips for judged in one.judged)
    if unjudged:
        notes["clips"] = f"{unjudged} sampled frames came before the camera had learned: they have score 0"
    return notes


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
