"""Labels and class scores in, how good they are out; what cannot be said is NaN, with the reason.

A task of two classes is measured by its second label, the positive one, as scikit-learn does ("binary"); a
task of more by the mean over the classes that occur ("macro").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)

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
    count = len(examples.names)
    if not len(examples.labels):
        return {name: ClassMeasures(0, NAN, NAN, NAN, NAN, NAN) for name in examples.names}
    precision, recall, f1, support = precision_recall_fscore_support(
        examples.labels, examples.predicted, labels=range(count), zero_division=np.nan
    )
    return {
        name: ClassMeasures(
            support=int(support[index]),
            precision=float(precision[index]),
            recall=float(recall[index]),
            f1=float(f1[index]) if support[index] else NAN,
            auc=auc(examples.labels == index, examples.scores[:, index]),
            ap=average_precision(examples.labels == index, examples.scores[:, index]),
        )
        for index, name in enumerate(examples.names)
    }


def auc(is_positive: NDArray[np.bool_], scores: F64) -> float:
    """Return the area under the ROC curve; NaN unless there are both positives and negatives."""
    return float(roc_auc_score(is_positive, scores)) if _has_both(is_positive) else NAN


def average_precision(is_positive: NDArray[np.bool_], scores: F64) -> float:
    """Return the average precision, without interpolation; NaN unless there are positives and negatives.

    With positives alone it would be 1 whatever the scores.
    """
    return float(average_precision_score(is_positive, scores)) if _has_both(is_positive) else NAN


def recall_at_fpr(is_positive: NDArray[np.bool_], scores: F64, rate: float) -> float:
    """Return the highest recall of a threshold that takes at most `rate` of the negatives for positive.

    Ten negatives and a rate of 5 %: no negative may reach the threshold.
    """
    if not _has_both(is_positive):
        return NAN
    # Without every threshold, those inside a straight piece of the curve would be lost.
    false_positives, recalls, _ = roc_curve(is_positive, scores, drop_intermediate=False)
    return float(recalls[false_positives <= rate].max())


def confusion(examples: Scored) -> I64:
    """Count (K, K): true classes are rows, predicted ones columns."""
    count = len(examples.names)
    if not len(examples.labels):
        return np.zeros((count, count), np.int64)
    counts = confusion_matrix(examples.labels, examples.predicted, labels=range(count))
    return np.asarray(counts, np.int64)


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
