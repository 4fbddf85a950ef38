"""Labels and class scores in, how good they are out; what cannot be said is NaN, with the reason.

A task of two classes is measured by its second label, the positive one, as scikit-learn does ("binary"); a
task of more by the mean over the classes that occur ("macro").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import VideobertdError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Average = Literal["binary", "macro"]

NAN = float("nan")
FALSE_POSITIVE_RATES = (0.01, 0.02, 0.05)
HEADLINES = ("accuracy", "precision", "recall", "f1", "macro_f1", "auc", "ap")


class MeasureError(VideobertdError):
    """Raised when labels and scores do not belong together or are no numbers."""


@dataclass(frozen=True, slots=True)
class Scored:
    """N examples of K classes: `labels` (N,) in 0…K−1, `scores` (N, K), higher is more likely."""

    names: tuple[str, ...]
    labels: I64
    scores: F64

    @property
    def predicted(self) -> I64:
        """Return the class with the highest score (N,); of equal ones the first."""
        return np.asarray(self.scores.argmax(axis=1), np.int64)

    def take(self, indices: NDArray[np.intp]) -> "Scored":
        """Return some of the examples, in this order; one may be taken twice."""
        return Scored(self.names, self.labels[indices], self.scores[indices])


@dataclass(frozen=True, slots=True)
class ClassMeasures:
    """One class against all others; `support` counts the examples that have its label."""

    support: int
    precision: float
    recall: float
    f1: float
    auc: float
    ap: float


@dataclass(frozen=True, slots=True)
class Measures:
    """What `measure` finds in N examples.

    `confusion` (K, K) has true classes as rows, predicted ones as columns. `recall_at_fpr` maps shares of
    false positives to the recall that they allow. `notes` maps measures to why they are NaN, or what limits
    them.
    """

    n: int
    average: Average
    accuracy: float
    precision: float
    recall: float
    f1: float
    macro_f1: float
    auc: float
    ap: float
    recall_at_fpr: Mapping[float, float]
    per_class: Mapping[str, ClassMeasures]
    confusion: I64
    notes: Mapping[str, str]


def scored(names: Sequence[str], labels: ArrayLike, scores: ArrayLike) -> Scored:
    """Check that labels (N,) and scores (N, K) fit the K names and one another.

    Raises:
        MeasureError: They do not, or a score is not finite.
    """
    count = len(names)
    truth = np.asarray(labels, np.int64).reshape(-1)
    values = np.asarray(scores, np.float64)
    values = values.reshape(0, count) if values.size == 0 else values
    if count < 2 or values.shape != (len(truth), count):
        raise MeasureError(
            f"{len(truth)} labels of {count} classes need scores to match, not {values.shape}."
        )
    if len(truth) and not 0 <= truth.min() <= truth.max() < count:
        raise MeasureError(f"Labels run from {truth.min()} to {truth.max()}, but there are {count} classes.")
    if not np.isfinite(values).all():
        raise MeasureError(
            f"{(~np.isfinite(values)).any(axis=1).sum()} examples have scores that are no numbers."
        )
    return Scored(tuple(names), truth, values)


def measure(examples: Scored) -> Measures:
    """Measure the scores against the labels; nothing fails for want of examples or of a class."""
    per_class = measure_classes(examples)
    return Measures(
        n=len(examples.labels),
        average="binary" if len(examples.names) == 2 else "macro",
        **headlines(examples, per_class),
        recall_at_fpr={rate: _recall_at(examples, rate) for rate in FALSE_POSITIVE_RATES},
        per_class=per_class,
        confusion=confusion(examples),
        notes=_notes(examples, per_class),
    )


def headlines(examples: Scored, per_class: Mapping[str, ClassMeasures]) -> dict[str, float]:
    """Return the measures named in HEADLINES: of the second class of two, or over the classes that occur."""
    is_binary = len(per_class) == 2
    present = [one for one in per_class.values() if one.support]
    chosen = list(per_class.values())[1:] if is_binary else present
    return {
        "accuracy": _mean([float(hit) for hit in examples.predicted == examples.labels]),
        # A class that occurs and is never predicted has no precision; in a mean over several it counts as 0.
        "precision": _mean([one.precision if is_binary else _or_zero(one.precision) for one in chosen]),
        "recall": _mean([one.recall for one in chosen]),
        "f1": _mean([one.f1 for one in chosen]),
        "macro_f1": _mean([one.f1 for one in present]),
        "auc": _mean(_defined([one.auc for one in chosen])),
        "ap": _mean(_defined([one.ap for one in chosen])),
    }


def measure_classes(examples: Scored) -> dict[str, ClassMeasures]:
    """Measure each class against all others."""
    counts = confusion(examples)
    support, predicted, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    return {
        name: ClassMeasures(
            support=int(support[index]),
            precision=_share(right[index], predicted[index]),
            recall=_share(right[index], support[index]),
            f1=_share(2 * right[index], support[index] + predicted[index]) if support[index] else NAN,
            auc=auc(examples.labels == index, examples.scores[:, index]),
            ap=average_precision(examples.labels == index, examples.scores[:, index]),
        )
        for index, name in enumerate(examples.names)
    }


def auc(is_positive: NDArray[np.bool_], scores: F64) -> float:
    """Return the area under the ROC curve; NaN unless there are both positives and negatives."""
    if not _has_both(is_positive):
        return NAN
    reached = _reached(is_positive, scores)
    steps = np.diff(reached.false, prepend=0) * (reached.true + np.append(0, reached.true[:-1])) / 2
    return float(steps.sum() / (reached.true[-1] * reached.false[-1]))


def average_precision(is_positive: NDArray[np.bool_], scores: F64) -> float:
    """Return the average precision, without interpolation; NaN unless there are positives and negatives.

    With positives alone it would be 1 whatever the scores.
    """
    if not _has_both(is_positive):
        return NAN
    reached = _reached(is_positive, scores)
    precision = reached.true / (reached.true + reached.false)
    return float((np.diff(reached.true, prepend=0) * precision).sum() / reached.true[-1])


def recall_at_fpr(is_positive: NDArray[np.bool_], scores: F64, rate: float) -> float:
    """Return the highest recall of a threshold that takes at most `rate` of the negatives for positive.

    Ten negatives and a rate of 5 %: no negative may reach the threshold.
    """
    if not _has_both(is_positive):
        return NAN
    reached = _reached(is_positive, scores)
    allowed = reached.true[reached.false / reached.false[-1] <= rate]
    return _share(allowed.max(initial=0), reached.true[-1])


def confusion(examples: Scored) -> I64:
    """Count (K, K): true classes are rows, predicted ones columns."""
    count = len(examples.names)
    cells = np.bincount(examples.labels * count + examples.predicted, minlength=count * count)
    return cells.reshape(count, count).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Reached:
    """How many positives (`true`) and negatives (`false`) reach each threshold, the highest first."""

    true: F64
    false: F64


def _reached(is_positive: NDArray[np.bool_], scores: F64) -> _Reached:
    """Count what reaches each score that occurs.

    Written out, since resampling asks for it ten thousand times and scikit-learn checks its inputs each time.
    """
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last = np.append(falling[1:] != falling[:-1], [True])  # equal scores pass a threshold together
    true = np.cumsum(is_positive[order], dtype=np.float64)[last]
    return _Reached(true, np.arange(1, len(scores) + 1, dtype=np.float64)[last] - true)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else NAN


def _recall_at(examples: Scored, rate: float) -> float:
    positive = range(1, 2) if len(examples.names) == 2 else range(len(examples.names))
    return _mean(
        _defined(
            [recall_at_fpr(examples.labels == index, examples.scores[:, index], rate) for index in positive]
        )
    )


def _notes(examples: Scored, per_class: Mapping[str, ClassMeasures]) -> dict[str, str]:
    n = len(examples.labels)
    if not n:
        return {"n": "there are no examples: nothing can be measured"}
    notes = {}
    absent = [name for name, one in per_class.items() if not one.support]
    unpredicted = [name for name, one in per_class.items() if np.isnan(one.precision)]
    if absent:
        notes["recall"] = f"no example is labelled {', '.join(absent)}"
    if unpredicted:
        notes["precision"] = f"no example was taken for {', '.join(unpredicted)}"
    if one_sided := [name for name, one in per_class.items() if np.isnan(one.auc)]:
        notes["auc"] = f"{', '.join(one_sided)}: all examples or none have this label"
    negatives = [n - one.support for one in per_class.values()]
    fewest = negatives[1] if len(negatives) == 2 else min(negatives)
    if fewest * FALSE_POSITIVE_RATES[0] < 1:
        notes["recall_at_fpr"] = (
            f"a class has only {fewest} negatives: one of them is {1 / max(fewest, 1):.1%}"
        )
    return notes


def _has_both(is_positive: NDArray[np.bool_]) -> bool:
    return bool(is_positive.any() and not is_positive.all())


def _defined(values: Sequence[float]) -> list[float]:
    return [value for value in values if not np.isnan(value)]


def _or_zero(value: float) -> float:
    return 0.0 if np.isnan(value) else value


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else NAN
