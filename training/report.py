"""The predictions of an evaluation in, the JSON report of `videobert-train evaluate` out.

The top level is measured over all predictions as they are listed, so that a reader can recompute it. With
several folds or seeds, auc and ap there rank the scores of different models among one another; `spread` has
their means over the runs, which are the figures to cite then.
Source: Forman and Scholz, Apples-to-apples in cross-validation studies, SIGKDD Explorations 12, 2010.

`python -m training.report docs/reports` writes the JSON Schema.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from training.intervals import DRAWS, Indices, Interval, Spread, bootstrap, spread
from training.measures import (
    HEADLINES,
    NAN,
    MeasureError,
    Measures,
    Scored,
    headlines,
    measure,
    measure_classes,
    scored,
)
from training.reliability import Reliability, reliability
from training.reports import schema_of, write_json

SCHEMA_FILE = "evaluation.schema.json"


def _null_for_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


Number = Annotated[float | None, BeforeValidator(_null_for_nan)]


class Part(BaseModel):
    """What every part of a report is: fixed once made, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prediction(Part):
    """One clip and what one run says of it."""

    file: str = Field(description="The clip's file or folder, relative to the data folder.")
    start_s: float = Field(description="Where the clip begins within the file.")
    end_s: float | None = Field(description="Where it ends; null: with the file.")
    label: str = Field(description="The true label, from the data folder.")
    scores: dict[str, float] = Field(description="The probability of each label.")
    group: str = Field(description="The scene, recording or source; never on both sides of a split.")
    fold: int = Field(default=0, description="The fold whose model never saw the clip.")
    seed: int = Field(default=0, description="The seed of the run.")


class ClassReport(Part):
    """One label against all others."""

    support: int = Field(description="Predictions whose true label it is.")
    precision: Number
    recall: Number
    f1: Number
    auc: Number
    ap: Number


class SpreadReport(Part):
    """A measure over folds and seeds."""

    mean: Number = Field(description="Over the folds' means.")
    deviation: Number = Field(description="Standard deviation over all runs.")
    fold_deviation: Number = Field(description="Standard deviation over the folds' means.")
    seed_deviation: Number = Field(description="Standard deviation over the seeds' means.")
    low: Number = Field(description="Lower bound for the mean, by the corrected resampled t-test.")
    high: Number = Field(description="Upper bound.")
    level: float = Field(description="What share of such intervals hold the true mean.")
    count: int = Field(description="Runs that define the measure.")
    note: str | None = Field(description="What limits it.")


class IntervalReport(Part):
    """A measure over resampled groups."""

    low: Number = Field(description="Lower percentile.")
    high: Number = Field(description="Upper percentile.")
    level: float = Field(description="Share of the resamples between them.")
    draws: int = Field(description="Resamples that define the measure.")
    note: str | None = Field(description="What limits it.")


class BinReport(Part):
    """The predictions whose confidence lies above `low`, up to `high`."""

    low: float
    high: float
    count: int
    confidence: float = Field(description="Mean of the highest probability.")
    accuracy: float = Field(description="Share of right predictions.")


class ReliabilityReport(Part):
    """How far confidence and accuracy are apart."""

    binning: Literal["equal width", "equal mass"]
    bins: tuple[BinReport, ...] = Field(description="Those that hold predictions.")
    ece: Number = Field(description="Expected calibration error over these bins.")
    note: str | None = Field(description="Why there is none.")


class ThresholdReport(Part):
    """What the probability of a label says of clips, once it must reach the label's threshold."""

    threshold: float = Field(description="The probability from which the label counts, of the checkpoint.")
    positives: int = Field(description="Predictions whose true label it is.")
    reached: Number = Field(description="Share of them that reach the threshold.")
    negatives: int = Field(description="All other predictions.")
    reached_wrongly: Number = Field(description="Share of those that reach it all the same.")


class Report(Part):
    """What `videobert-train evaluate --json` writes; null is what cannot be measured, `notes` says why."""

    schema_version: Literal[1] = Field(default=1, alias="schema", description="The form's version.")
    task: str = Field(description="The head that was evaluated.")
    labels: tuple[str, ...] = Field(description="Its labels, in the order of `confusion`.")
    protocol: str = Field(description="How training and test clips were kept apart, in words.")
    folds: int = Field(description="Folds that were evaluated.")
    seeds: tuple[int, ...] = Field(description="Seeds that were evaluated.")
    n: int = Field(description="Predictions: clips times seeds.")
    clips: int = Field(description="Different clips among them.")
    groups: int = Field(description="Different groups among them.")
    average: Literal["binary", "macro"] = Field(
        description="binary: precision to ap are those of the second label; macro: means over the labels."
    )
    accuracy: Number
    precision: Number
    recall: Number
    f1: Number
    macro_f1: Number = Field(description="The mean over the labels that occur.")
    auc: Number = Field(description="Area under the ROC curve; of several labels one against the rest.")
    ap: Number = Field(description="Average precision.")
    recall_at_fpr: dict[str, Number] = Field(description="Share of false positives → recall.")
    ece: Number = Field(description="Expected calibration error, 15 bins of equal width.")
    ece_equal_mass: Number = Field(description="The same with bins of equal mass.")
    reliability: ReliabilityReport
    per_class: dict[str, ClassReport]
    confusion: tuple[tuple[int, ...], ...] = Field(description="Rows: true labels; columns: predicted ones.")
    thresholds: dict[str, ThresholdReport] = Field(
        default={}, description="Label → how many clips reach its threshold; empty where it has none."
    )
    spread: dict[str, SpreadReport] = Field(description="Measures over folds and seeds.")
    intervals: dict[str, IntervalReport] = Field(description="Measures over resampled groups.")
    notes: dict[str, str] = Field(description="Measure → why it is null, or what limits it.")
    predictions: tuple[Prediction, ...]

    def to_json(self) -> str:
        """Return the report as it is written."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Write the report; folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a report back."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))


def build_report(
    task: str,
    labels: Sequence[str],
    predictions: Sequence[Prediction],
    *,
    protocol: str,
    draws: int = DRAWS,
    thresholds: Mapping[str, float] | None = None,
) -> Report:
    """Measure the predictions of all folds and seeds; `thresholds` are those of labels that have one.

    Raises:
        MeasureError: A prediction has a label or scores that the task does not have.
    """
    examples = examples_of(labels, predictions)
    measures, by_width = measure(examples), reliability(examples)
    return Report(
        task=task,
        labels=tuple(labels),
        protocol=protocol,
        folds=len({one.fold for one in predictions}),
        seeds=tuple(sorted({one.seed for one in predictions})),
        clips=len({(one.file, one.start_s, one.end_s) for one in predictions}),
        groups=len({one.group for one in predictions}),
        **_measured(measures),
        thresholds={label: _reaching(predictions, label, at) for label, at in (thresholds or {}).items()},
        ece=by_width.ece,
        ece_equal_mass=reliability(examples, binning="equal mass").ece,
        reliability=_reliability_report(by_width),
        spread={name: SpreadReport(**asdict(one)) for name, one in _spreads(examples, predictions).items()},
        intervals={
            name: IntervalReport(**asdict(one))
            for name, one in _intervals(examples, predictions, draws).items()
        },
        predictions=tuple(predictions),
    )


def examples_of(labels: Sequence[str], predictions: Sequence[Prediction]) -> Scored:
    """Return the predictions as arrays, classes in the order of `labels`.

    Raises:
        MeasureError: A prediction has a label or scores that the task does not have.
    """
    column = {label: index for index, label in enumerate(labels)}
    for one in predictions:
        if one.label not in column or set(one.scores) != set(labels):
            raise MeasureError(
                f"{one.file} is labelled {one.label!r} and has scores of {sorted(one.scores)}, "
                f"but the labels are {list(labels)}."
            )
    return scored(
        labels,
        [column[one.label] for one in predictions],
        [[one.scores[label] for label in labels] for one in predictions],
    )


def json_schema() -> dict[str, Any]:
    """Return the report's JSON Schema (draft 2020-12)."""
    return schema_of(Report, "evaluation report")


def write_schema(folder: Path) -> None:
    """Write `evaluation.schema.json`."""
    write_json(folder / SCHEMA_FILE, json_schema())


def _measured(measures: Measures) -> dict[str, Any]:
    return {
        **{name: getattr(measures, name) for name in ("n", "average", *HEADLINES)},
        "recall_at_fpr": {f"{rate:g}": recall for rate, recall in measures.recall_at_fpr.items()},
        "per_class": {label: ClassReport(**asdict(one)) for label, one in measures.per_class.items()},
        "confusion": tuple(tuple(row) for row in measures.confusion.tolist()),
        "notes": dict(measures.notes),
    }


def _reaching(predictions: Sequence[Prediction], label: str, threshold: float) -> ThresholdReport:
    """Count the predictions that reach a threshold: those at it do, as live."""
    positive = [one.scores[label] >= threshold for one in predictions if one.label == label]
    negative = [one.scores[label] >= threshold for one in predictions if one.label != label]
    return ThresholdReport(
        threshold=threshold,
        positives=len(positive),
        reached=_share(positive),
        negatives=len(negative),
        reached_wrongly=_share(negative),
    )


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else NAN


def _reliability_report(found: Reliability) -> ReliabilityReport:
    bins = tuple(BinReport(**asdict(one)) for one in found.bins)
    return ReliabilityReport(binning=found.binning, bins=bins, ece=found.ece, note=found.note)


def _spreads(examples: Scored, predictions: Sequence[Prediction]) -> dict[str, Spread]:
    """Return each headline over (folds, seeds); a run without predictions does not define it."""
    runs: dict[tuple[int, int], list[int]] = {}
    for index, one in enumerate(predictions):
        runs.setdefault((one.fold, one.seed), []).append(index)
    found = {run: _headlines_of(examples, np.array(chosen)) for run, chosen in runs.items()}
    folds, seeds = ({run[axis] for run in runs} for axis in (0, 1))
    return {
        name: spread(
            [
                [found[fold, seed][name] if (fold, seed) in found else NAN for seed in sorted(seeds)]
                for fold in sorted(folds)
            ]
        )
        for name in HEADLINES
        if runs
    }


def _intervals(examples: Scored, predictions: Sequence[Prediction], draws: int) -> dict[str, Interval]:
    groups = [one.group for one in predictions]
    return bootstrap(groups, lambda indices: _headlines_of(examples, indices), draws=draws)


def _headlines_of(examples: Scored, indices: Indices) -> dict[str, float]:
    taken = examples.take(indices)
    return headlines(taken, measure_classes(taken))


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
