"""Two evaluations of the same clips in, how much better one is than the other out, run by run."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.intervals import spread
from training.label_tables import DataError
from training.measures import NAN
from training.report import Prediction, Report

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more accurate a model is than the baseline, over the runs (folds × seeds) of both.

    `standard_error` is that of the mean of independent runs; folds share clips, so `low`…`high`, 95 % by the
    corrected resampled t-test, is wider than it says.
    """

    accuracy: float
    difference: float
    standard_error: float
    low: float
    high: float
    runs: int


def compare_reports(baseline: Report, other: Report) -> Difference:
    """Pair two reports run by run.

    Raises:
        DataError: They are of other clips, folds or seeds.
    """
    if _asked(baseline) != _asked(other):
        raise DataError("The reports are of different clips, folds or seeds: run both by the same protocol.")
    ours, theirs = run_accuracies(other), run_accuracies(baseline)
    differences = ours - theirs
    defined = differences[~np.isnan(differences)]
    count = len(defined)
    interval = spread(differences)
    return Difference(
        accuracy=float(np.nanmean(ours)),
        difference=float(defined.mean()),
        standard_error=float(defined.std(ddof=1)) / math.sqrt(count) if count > 1 else NAN,
        low=interval.low,
        high=interval.high,
        runs=count,
    )


def run_accuracies(report: Report) -> F64:
    """Return the accuracy of each fold and seed, (folds, seeds); NaN where there is no such run."""
    right: dict[tuple[int, int], list[bool]] = {}
    for one in report.predictions:
        right.setdefault((one.fold, one.seed), []).append(_is_right(one))
    folds, seeds = (sorted({run[axis] for run in right}) for axis in (0, 1))
    return np.array(
        [[np.mean(right[fold, seed]) if (fold, seed) in right else NAN for seed in seeds] for fold in folds]
    )


def _is_right(one: Prediction) -> bool:
    return max(one.scores, key=lambda label: one.scores[label]) == one.label


def _asked(report: Report) -> list[tuple[str, float, str, int, int]]:
    return sorted((one.file, one.start_s, one.label, one.fold, one.seed) for one in report.predictions)
