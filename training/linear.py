"""Training clips in, the model's linear path fitted out: logistic regression, as strong as groups allow."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from torch import nn

from models.heads import IGNORED, VideoBERTForSequenceClassification
from models.statistics import LinearReader
from training.examples import Cut, LabelledClips

F32 = NDArray[np.float32]

# Inverse strengths of the penalty, for columns of unit spread, times the number of columns.
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
INNER_FOLDS = 4
ITERATIONS = 500
ABSENT_LOGIT = -10.0  # of a label that never occurred


@dataclass(frozen=True, slots=True)
class Columns:
    """Clips (N, dim) in units of their spread, with their labels, groups and weights (N,)."""

    units: F32
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    weights: F32

    def pick(self, rows: NDArray[np.intp]) -> "Columns":
        """Return some of the rows."""
        return Columns(self.units[rows], self.labels[rows], self.groups[rows], self.weights[rows])


def fit_linear_path(
    model: VideoBERTForSequenceClassification, clips: LabelledClips, cuts: Sequence[Cut]
) -> dict[str, float]:
    """Fit the linear path of every task that has labelled clips; return the strength chosen for each.

    `cuts` (N) say where the clips come from: those of one example share its vote. The deep path is left as
    it is.
    """
    reader = model.linear
    if not isinstance(reader, LinearReader):
        return {}
    with torch.no_grad():
        statistics = model.statistics(clips.features, clips.motion, clips.mask)
        reader.fit_units(statistics)
        units = ((statistics - reader.centre) / reader.spread).numpy()
    shared = Counter(cut.example for cut in cuts)
    weights = np.array([1 / shared[cut.example] for cut in cuts], np.float32)
    groups = np.array([cut.example.segment.group for cut in cuts])
    chosen = {}
    for task, labels in clips.labels.items():
        known = np.flatnonzero(labels != IGNORED)
        if len(known):
            columns = Columns(units, labels.numpy(), groups, weights).pick(known)
            chosen[task] = choose_strength(columns)
            _copy(regression(columns, chosen[task]), cast("nn.Linear", reader.tasks[task]))
    return chosen


def choose_strength(columns: Columns) -> float:
    """Return the strength with the lowest log loss over folds that keep groups together.

    The middle one where there are too few groups to tell.
    """
    groups_per_label = [len(set(columns.groups[columns.labels == label])) for label in set(columns.labels)]
    folds = min(INNER_FOLDS, *groups_per_label)
    if folds < 2:
        return STRENGTHS[len(STRENGTHS) // 2]
    losses = {strength: np.mean(list(_losses(columns, strength, folds))) for strength in STRENGTHS}
    return min(losses, key=lambda strength: float(losses[strength]))


def _losses(columns: Columns, strength: float, folds: int) -> Iterator[float]:
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    everything = np.unique(columns.labels)
    for train, test in split.split(columns.units, columns.labels, columns.groups):
        fitted = regression(columns.pick(train), strength)
        if len(fitted.classes_) == len(everything):
            probabilities = fitted.predict_proba(columns.units[test])
            yield log_loss(columns.labels[test], probabilities, labels=everything)


def regression(columns: Columns, strength: float) -> LogisticRegression:
    """Return logistic regression of the labels, every label counting the same."""
    penalty = strength / columns.units.shape[1]
    fitted = LogisticRegression(C=penalty, max_iter=ITERATIONS, class_weight="balanced")
    return fitted.fit(columns.units, columns.labels, columns.weights)


def _copy(fitted: LogisticRegression, target: nn.Linear) -> None:
    """Give the linear layer the weights; a label that never occurred becomes very unlikely."""
    weight, bias = torch.from_numpy(fitted.coef_), torch.from_numpy(fitted.intercept_)
    if len(fitted.classes_) == 2:  # one row: the logit of the second label over the first
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    with torch.no_grad():
        target.weight.zero_()
        target.bias.fill_(ABSENT_LOGIT)
        target.weight[fitted.classes_] = weight.to(target.weight.dtype)
        target.bias[fitted.classes_] = bias.to(target.bias.dtype)
