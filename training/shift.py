"""What a model says of some clips and what they are in, how its linear path must move out, and no further.

It is logistic regression whose penalty pulls towards the weights that are there instead of towards 0: with no
clips nothing moves, and whatever the clips do not speak of stays as it was learned from much more footage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.model_selection import GroupKFold

from training.linear import turn

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]

# How far the clips may move the weights: 0 is not at all. In the units of training/linear.py, whose own fits
# of hundreds of clips choose from 3 to 100.
STRENGTHS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
# A strength must lower the log loss by so much to be taken over a weaker one: clips are few.
LEAST_GAIN = 0.002
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Known:
    """N clips of one task.

    `columns` (N, dim) are what is read of them, scaled, the bias among them; `logits` (N, labels) are what
    the model says as it is; `labels` (N,), `groups` (N,) and `examples` (N,), the number of the example
    that each clip is of: clips of one share its vote, and its probability is their mean.
    """

    columns: F64
    logits: F64
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    examples: NDArray[np.int64]

    def pick(self, rows: Rows) -> "Known":
        """Return some of the rows."""
        return Known(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def firsts(self) -> Rows:
        """The first row of each example, in order."""
        return np.unique(self.examples, return_index=True)[1]

    @property
    def weights(self) -> F64:
        """What each clip counts (N,): every label the same in all, every example of it the same."""
        shared = np.bincount(self.examples)[self.examples]
        labels = self.labels[self.firsts]
        of_label = np.bincount(labels, minlength=self.logits.shape[1])[self.labels]
        return len(labels) / (len(set(labels.tolist())) * of_label * shared)


def fit(known: Known, strength: float) -> F64:
    """Return what is added to the weights of each label, (labels, dim): 0 where nothing may move.

    It is the least of strength · Σ weight · log loss + ½ |shift|².
    """
    count = known.logits.shape[1]
    if strength == 0:
        return np.zeros((count, known.columns.shape[1]))
    turned = turn(known.columns)
    spanned = turned.values
    weights, truth = known.weights, np.eye(count)[known.labels]

    def loss(flat: F64) -> tuple[float, F64]:
        shift = flat.reshape(count, -1)
        logits = known.logits + spanned @ shift.T
        lost = logsumexp(logits, axis=1) - (logits * truth).sum(axis=1)
        slope = (weights[:, None] * (softmax(logits, axis=1) - truth)).T @ spanned
        total = strength * float(weights @ lost) + 0.5 * float(flat @ flat)
        return total, (strength * slope + shift).ravel()

    start = np.zeros(count * spanned.shape[1])
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return cast("F64", solved.x.reshape(count, -1) @ turned.back)


def probabilities(known: Known, shift: F64) -> F64:
    """Return the probability of each label of each example, the mean over its clips, in their order."""
    each = softmax(known.logits + known.columns @ shift.T, axis=1)
    return np.array([each[known.examples == example].mean(axis=0) for example in np.unique(known.examples)])


def losses(known: Known, probability: F64) -> F64:
    """Return the log loss of each example, weighted so that every label counts the same in their mean."""
    labels = known.labels[known.firsts]
    of_label = np.bincount(labels, minlength=probability.shape[1])[labels]
    weights = len(labels) / (len(set(labels.tolist())) * of_label)
    return -weights * np.log(np.maximum(probability[np.arange(len(labels)), labels], 1e-9))


def choose(known: Known, strengths: Sequence[float] = STRENGTHS) -> float:
    """Return the strength that is best on groups that it has not seen, the weakest of about equal ones.

    With one group nothing can be judged, and nothing may move.
    """
    folds = list(splits(known))
    if not folds:
        return 0.0
    found = {
        strength: float(losses(known, held_out(known, folds, strength)).mean()) for strength in strengths
    }
    chosen = strengths[0]
    for strength in strengths[1:]:
        if found[strength] < found[chosen] - LEAST_GAIN:
            chosen = strength
    return chosen


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows of both sides of a fold; no group is on both."""

    train: Rows
    test: Rows


def splits(known: Known) -> Iterator[Sides]:
    """Yield folds that keep groups together and test every clip once; none where there is one group."""
    count = min(FOLDS, len(set(known.groups)))
    if count >= 2:
        for train, test in GroupKFold(count).split(known.columns, groups=known.groups):
            yield Sides(train, test)


def held_out(known: Known, folds: Sequence[Sides], strength: float | None) -> F64:
    """Return each example's probabilities by a fit that did not know its group, (examples, labels).

    Without a strength each fold chooses its own, on its own groups: what comes out is what a user gets.
    """
    found: dict[int, F64] = {}
    for sides in folds:
        train, test = known.pick(sides.train), known.pick(sides.test)
        shift = fit(train, choose(train) if strength is None else strength)
        found |= dict(zip(np.unique(test.examples).tolist(), probabilities(test, shift), strict=True))
    return np.array([found[example] for example in sorted(found)])
