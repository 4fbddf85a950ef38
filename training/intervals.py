"""Measures of several folds and seeds, or of one set of grouped examples, in; how sure they are out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from training.measures import F64, NAN

LEVEL = 0.95
DRAWS = 1000

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Spread:
    """A measure over folds × seeds: its mean, and the interval `low`…`high` that holds it at `level`.

    `deviation` is the standard deviation over all runs, `fold_deviation` that over the folds' means,
    `seed_deviation` over the seeds' means. `count` runs define the measure. What cannot be told is NaN, and
    `note` says why.
    """

    mean: float
    deviation: float
    fold_deviation: float
    seed_deviation: float
    low: float
    high: float
    level: float
    count: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """What a resampled measure lies in with the probability `level`; `draws` of the resamples defined it."""

    low: float
    high: float
    level: float
    draws: int
    note: str | None = None


def spread(values: ArrayLike, *, level: float = LEVEL) -> Spread:
    """Summarise a measure over (folds, seeds), NaN where a run does not define it.

    Seeds share their test examples, so the interval is over the folds' means alone. Folds share most of their
    training examples, so the variance of their mean is (1/k + 1/(k − 1)) times theirs, not 1/k. For the
    differences of two models on the same folds it is the corrected resampled t-test: better beyond the noise
    where `low` > 0.
    Source: Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 52, 2003, section 4.
    """
    runs = np.atleast_2d(np.asarray(values, np.float64))
    defined = runs[~np.isnan(runs)]
    folds, seeds = _means(runs), _means(runs.T)
    mean, margin = float(folds.mean()) if len(folds) else NAN, _margin(folds, level)
    notes = []
    if len(defined) < runs.size:
        notes.append(f"{runs.size - len(defined)} of {runs.size} runs do not define it")
    if len(folds) < 2:
        notes.append("fewer than two folds give no interval: resample groups instead")
    return Spread(
        mean=mean,
        deviation=_deviation(defined),
        fold_deviation=_deviation(folds),
        seed_deviation=_deviation(seeds),
        low=mean - margin,
        high=mean + margin,
        level=level,
        count=len(defined),
        note="; ".join(notes) or None,
    )


def bootstrap(
    groups: Sequence[str],
    measure: Callable[[Indices], Mapping[str, float]],
    *,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Draw whole groups with replacement and return the percentile interval of each measure.

    Args:
        groups: (N,), the scene, recording or source of each example; examples of one are not independent.
        measure: Takes the indices of a resample's examples and returns its measures, NaN where undefined.
        seed: Of the draws.
        draws: Resamples.
        level: Share of the resamples inside the interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; groups as units: Field
    and Welsh, Bootstrapping clustered data, JRSS B 69, 2007.
    """
    names, members = np.unique(np.asarray(groups, str), return_inverse=True)
    if len(names) < 2:
        names_of = measure(np.arange(len(groups)))
        return {name: Interval(NAN, NAN, level, 0, _few(len(names))) for name in names_of}
    of_group = [np.flatnonzero(members == index) for index in range(len(names))]
    generator = np.random.default_rng(seed)
    resamples = [
        measure(
            np.concatenate([of_group[index] for index in generator.integers(len(names), size=len(names))])
        )
        for _ in range(draws)
    ]
    return {
        name: _percentiles(np.array([resample[name] for resample in resamples]), level)
        for name in resamples[0]
    }


def _margin(folds: F64, level: float) -> float:
    count = len(folds)
    if count < 2:
        return NAN
    of_mean = float(np.sqrt(1 / count + 1 / (count - 1))) * _deviation(folds)
    return float(stats.t.ppf((1 + level) / 2, count - 1)) * of_mean


def _percentiles(values: F64, level: float) -> Interval:
    defined = values[~np.isnan(values)]
    if len(defined) < len(values) / 2:
        return Interval(NAN, NAN, level, len(defined), "most resamples do not define it")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, len(defined))


def _few(count: int) -> str:
    return f"{count} group{'' if count == 1 else 's'} cannot be resampled"


def _means(runs: F64) -> F64:
    """Return the mean of each row's defined values, without rows that have none."""
    rows = [row[~np.isnan(row)] for row in runs]
    return np.array([row.mean() for row in rows if len(row)])


def _deviation(values: F64) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else NAN
