"""A fitted linear path and unlabelled clips in, the path fitted anew with what it says of them out.

What regression says of an unlabelled clip counts as its label where it is sure enough (Scudder, 1965; Lee,
ICML workshop 2013). How sure, and what such rows count, is chosen on groups that neither side has seen; where
nothing helps there, the path stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from models.configuration import VideoBERTConfig
from models.heads import IGNORED, VideoBERTForSequenceClassification
from training.examples import Clips, Cut
from training.linear import (
    F64,
    Choice,
    Columns,
    column_scale,
    columns_of,
    inner_folds,
    refit,
    regression,
    spanned,
)

CONFIDENCES = (0.6, 0.75, 0.9)
# What all pseudo-labels together count beside all labels together.
WEIGHTS = (0.3, 1.0)
LEAST_GAIN = 0.01  # of log loss; under it pseudo-labels are not worth their risk


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """From which probability on what was said is a label, and what all of those count beside the labels."""

    confidence: float
    weight: float


OPTIONS = tuple(PseudoLabels(*of) for of in product(CONFIDENCES, WEIGHTS))


@dataclass(frozen=True, slots=True)
class SelfTrained:
    """What was chosen for a task (None: no pseudo-labels), and of how many of the `clips` one was `used`.

    `gain` is by how much the best pseudo-labels lowered the log loss on groups that were set aside; None
    where there are too few groups to set some aside.
    """

    chosen: PseudoLabels | None
    used: int
    clips: int
    gain: float | None


@dataclass(frozen=True, slots=True)
class _Sure:
    """The rows (n,) of which regression is sure, its labels and what they weigh."""

    rows: NDArray[np.intp]
    labels: NDArray[np.int64]
    weights: F64

    def joined(self, labelled: Columns, others: Columns) -> Columns:
        """Return the labelled rows and, below them, these of the others."""
        mine = replace(others.pick(self.rows), labels=self.labels, weights=self.weights)
        parts = {
            field.name: np.concatenate([getattr(labelled, field.name), getattr(mine, field.name)])
            for field in fields(Columns)
        }
        return Columns(**parts)


def self_train(
    model: VideoBERTForSequenceClassification,
    clips: Clips,
    *,
    labelled: Sequence[Cut],
    unlabelled: Sequence[Cut],
    choices: Mapping[str, Choice],
) -> dict[str, SelfTrained]:
    """Refit the linear path of every task of `choices` where pseudo-labels help; say what was done.

    The path has been fitted on `labelled`, by these choices; the units of its columns stay as they are.
    """
    if not (unlabelled and choices):
        return {}
    batch = clips.batch(labelled)
    known, others = columns_of(model, batch, labelled), columns_of(model, clips.batch(unlabelled), unlabelled)
    done = {}
    for task, choice in choices.items():
        labels = batch.labels[task].numpy()
        mine = replace(known, labels=labels).pick(np.flatnonzero(labels != IGNORED))
        done[task], columns = teach(mine, others, choice, config=model.config)
        if done[task].chosen is not None:
            refit(model, task, columns=columns, choice=choice)
    return done


def teach(
    labelled: Columns, others: Columns, choice: Choice, *, config: VideoBERTConfig
) -> tuple[SelfTrained, Columns]:
    """Return what was chosen for the unlabelled `others`, and the labelled rows with those that it labels."""
    count = len(labelled.labels)
    values = spanned(np.concatenate([labelled.values, others.values]) * column_scale(config, choice.reading))
    mine, theirs = replace(labelled, values=values[:count]), replace(others, values=values[count:])
    gains = _gains(mine, theirs, choice.strength)
    if not gains:
        return SelfTrained(None, 0, len(others.labels), None), labelled
    best = max(gains, key=lambda option: gains[option])
    if gains[best] < LEAST_GAIN:
        return SelfTrained(None, 0, len(others.labels), gains[best]), labelled
    sure = _sure(regression(mine, choice.strength), mine, theirs, option=best)
    done = SelfTrained(best, len(sure.rows), len(others.labels), gains[best])
    return done, sure.joined(labelled, others)


def _gains(labelled: Columns, others: Columns, strength: float) -> dict[PseudoLabels, float]:
    """Return by how much each option lowers the mean log loss on inner folds; nothing without a fold.

    What is unlabelled of a group or recording that is set aside does not teach: the gain is one on scenes
    that nobody has seen.
    """
    gains: dict[PseudoLabels, list[float]] = {}
    for fold in inner_folds(labelled):
        seen = np.isin(others.groups, fold.test.groups) | np.isin(others.recordings, fold.test.recordings)
        apart = others.pick(np.flatnonzero(~seen))
        solved = regression(fold.train, strength)
        plain = _loss(solved, fold.test)
        for option in OPTIONS:
            taught = _sure(solved, fold.train, apart, option=option).joined(fold.train, apart)
            gains.setdefault(option, []).append(plain - _loss(regression(taught, strength), fold.test))
    return {option: float(np.mean(of)) for option, of in gains.items()}


def _sure(solved: LogisticRegression, labelled: Columns, others: Columns, *, option: PseudoLabels) -> _Sure:
    if not len(others.labels):
        return _Sure(np.zeros(0, np.intp), others.labels, others.weights)
    said: F64 = solved.predict_proba(others.values)
    rows = np.flatnonzero(said.max(axis=1) >= option.confidence)
    weights = others.weights[rows]
    share = option.weight * labelled.weights.sum() / max(weights.sum(), 1e-12)
    return _Sure(rows, solved.classes_[said[rows].argmax(axis=1)], weights * share)


def _loss(solved: LogisticRegression, test: Columns) -> float:
    said = solved.predict_proba(test.values)
    return float(log_loss(test.labels, said, labels=solved.classes_, sample_weight=test.weights))
