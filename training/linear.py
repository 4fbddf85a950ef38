"""Training clips in, the model's linear path fitted out: logistic regression, as bold as its groups allow."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from torch import nn

from models.configuration import VideoBERTConfig
from models.heads import IGNORED, VideoBERTForSequenceClassification
from models.statistics import ORDERED, LinearReader
from training.examples import Cut, LabelledClips
from training.label_tables import DataError

F64 = NDArray[np.float64]

# Inverse strengths of the penalty for columns whose squares sum to 1 in the mean.
STRENGTHS = (3.0, 10.0, 30.0, 100.0)
# What the motion descriptors weigh beside the features, as a share of their variance; there are few of them.
MOTION_SHARE = 0.15
INNER_FOLDS = 4
ITERATIONS = 300
ABSENT_LOGIT = -10.0  # of a label that never occurred


@dataclass(frozen=True, slots=True)
class Reading:
    """What logistic regression reads.

    Whether the order of frames helps depends on the task: it tells sitting down from standing up, and costs
    points on fights. `pictures` is how many of a frame's pictures are read, the first ones.
    """

    ordered: bool
    motion: bool
    pictures: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What logistic regression reads, and how strongly it may believe it."""

    reading: Reading
    strength: float


def readings(config: VideoBERTConfig, pictures: int) -> list[Reading]:
    """Return all that there is to choose from for a task that reads so many pictures.

    That is no flow where the model reads none, and no order where it knows none.
    """
    ordered = any(kind in ORDERED for kind in config.statistics)
    return [
        Reading(in_order, motion, pictures)
        for in_order, motion in product((False, True), (False, True))
        if ("motion" in config.reads or not motion) and (ordered or not in_order)
    ]


@dataclass(frozen=True, slots=True)
class Columns:
    """Clips (N, dim), with their labels, groups, recordings and weights (N,)."""

    values: F64
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    recordings: NDArray[np.str_]
    weights: F64

    def pick(self, rows: NDArray[np.intp]) -> "Columns":
        """Return some of the rows."""
        picked = {field.name: getattr(self, field.name)[rows] for field in fields(self)}
        return Columns(**picked)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of both sides of a fold."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def fit_linear_path(
    model: VideoBERTForSequenceClassification,
    clips: LabelledClips,
    cuts: Sequence[Cut],
    *,
    postures: Collection[str] = (),
) -> dict[str, Choice]:
    """Fit the linear path of every task that has labelled clips; return what was chosen for each.

    `cuts` (N) say where the clips come from: those of one example share its vote. Tasks in `postures` read
    all pictures of a frame, the others the first only. The deep path is left as it is.

    Raises:
        DataError: The clips of a task have one label only.
    """
    reader = model.linear
    if not isinstance(reader, LinearReader):
        return {}
    with torch.no_grad():
        statistics = model.statistics(clips.features, clips.motion, clips.mask)
        reader.fit_units(statistics)
        units = ((statistics - reader.centre) / reader.spread).numpy().astype(np.float64)
    shared = Counter(cut.example for cut in cuts)
    weights = np.array([1 / shared[cut.example] for cut in cuts])
    groups = np.array([cut.example.segment.group for cut in cuts])
    recordings = np.array([cut.example.segment.file for cut in cuts])
    chosen = {}
    for task, labels in clips.labels.items():
        known = np.flatnonzero(labels.numpy() != IGNORED)
        if len(known):
            columns = Columns(units, labels.numpy(), groups, recordings, weights).pick(known)
            if len(set(columns.labels)) < 2:
                raise DataError(_one_label(model.config, task, int(columns.labels[0])))
            pictures = len(model.config.pictures) if task in postures else 1
            chosen[task] = choose(columns, model.config, pictures=pictures)
            scale = column_scale(model.config, chosen[task].reading)
            _copy(_fit(columns, scale, chosen[task].strength), cast("nn.Linear", reader.tasks[task]))
    return chosen


def choose(columns: Columns, config: VideoBERTConfig, *, pictures: int = 1) -> Choice:
    """Return the choice with the lowest log loss over folds that keep groups together.

    Where a label has one group only, recordings are taken for groups; where it has one recording only, the
    plain choice of middling strength is made, as where no fold leaves all labels to learn from.
    """
    plain = Choice(Reading(ordered=False, motion=False, pictures=pictures), STRENGTHS[1])
    if _fewest(columns) < 2:
        columns = replace(columns, groups=columns.recordings)
    folds = min(INNER_FOLDS, _fewest(columns))
    if folds < 2:
        return plain
    splits = list(_splits(columns, folds))
    if not splits:
        return plain
    losses: dict[Choice, float] = {}
    for reading in readings(config, pictures):
        turned = replace(columns, values=turn(columns.values * column_scale(config, reading)).values)
        for strength in STRENGTHS:
            losses[Choice(reading, strength)] = float(
                np.mean([_loss(turned, strength, split) for split in splits])
            )
    return min(losses, key=lambda choice: losses[choice])


def _fewest(columns: Columns) -> int:
    """Return in how many groups the label occurs that occurs in the fewest."""
    return min(len(set(columns.groups[columns.labels == label])) for label in set(columns.labels))


def _splits(columns: Columns, folds: int) -> Iterator[_Rows]:
    """Yield the folds whose training side has every label; a group may hold most of one."""
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for train, test in split.split(columns.values, columns.labels, columns.groups):
        if len(set(columns.labels[train])) == len(set(columns.labels)):
            yield _Rows(train, test)


def _loss(columns: Columns, strength: float, rows: _Rows) -> float:
    solved, tested = regression(columns.pick(rows.train), strength), columns.pick(rows.test)
    probabilities = solved.predict_proba(tested.values)
    loss = log_loss(tested.labels, probabilities, labels=solved.classes_, sample_weight=tested.weights)
    return float(loss)


def _one_label(config: VideoBERTConfig, task: str, label: int) -> str:
    return f"All clips of {task} to learn from are {config.tasks[task][label]}; there must be others, too."


def column_scale(config: VideoBERTConfig, reading: Reading) -> F64:
    """Return what each column (dim,) is multiplied by: 0 where it is not read.

    The columns of features together have the variance 1, those of motion MOTION_SHARE.
    """
    read = [reading.ordered or kind not in ORDERED for kind in config.statistics]
    count = reading.pictures * config.feature_dim
    features = np.where(np.arange(config.video_dim) < count, 1 / np.sqrt(sum(read) * count), 0.0)
    motion_scale = np.sqrt(MOTION_SHARE / (sum(read) * config.motion_dim)) if reading.motion else 0.0
    kind = np.concatenate([features, np.repeat(motion_scale, config.motion_dim)])
    return np.concatenate([kind * of_kind for of_kind in read])


def regression(columns: Columns, strength: float) -> LogisticRegression:
    """Return logistic regression of the labels, every label counting the same."""
    solved = LogisticRegression(C=strength, max_iter=ITERATIONS, class_weight="balanced")
    return solved.fit(columns.values, columns.labels, columns.weights)


@dataclass(frozen=True, slots=True)
class Turned:
    """N rows in the space that they span: `values` (N, r), and the way back, values @ back = rows (N, dim).

    The penalty does not notice: logistic regression is the same there, and far smaller.
    """

    values: F64
    back: F64


def turn(rows: F64) -> Turned:
    """Return rows (N, dim) in the space that they span, and the way back."""
    squares, axes = np.linalg.eigh(rows @ rows.T)
    kept = squares > 1e-10 * squares[-1]
    sizes, axes = np.sqrt(squares[kept]), axes[:, kept]
    return Turned(axes * sizes, (axes / sizes).T @ rows)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A regression: `weight` (labels, dim) and `bias` (labels,) of the labels that occurred."""

    labels: NDArray[np.int64]
    weight: F64
    bias: F64


def _fit(columns: Columns, scale: F64, strength: float) -> _Fitted:
    turned = turn(columns.values * scale)
    solved = regression(replace(columns, values=turned.values), strength)
    weight, bias = solved.coef_ @ turned.back * scale, solved.intercept_
    if len(weight) == 1:  # of two labels: the logit of the second over the first
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return _Fitted(solved.classes_, weight, bias)


def _copy(fitted: _Fitted, target: nn.Linear) -> None:
    """Give the linear layer the weights; a label that never occurred becomes very unlikely."""
    with torch.no_grad():
        target.weight.zero_()
        target.bias.fill_(ABSENT_LOGIT)
        target.weight[fitted.labels] = torch.from_numpy(fitted.weight).to(target.weight)
        target.bias[fitted.labels] = torch.from_numpy(fitted.bias).to(target.bias)


def columns_of(
    model: VideoBERTForSequenceClassification, clips: LabelledClips, cuts: Sequence[Cut]
) -> Columns:
    """Return what the linear path reads of clips, in its own units; as labels stand -100."""
    reader = cast("LinearReader", model.linear)
    with torch.no_grad():
        statistics = model.statistics(clips.features, clips.motion, clips.mask)
        units = ((statistics - reader.centre) / reader.spread).numpy().astype(np.float64)
    shared = Counter(cut.example for cut in cuts)
    return Columns(
        units,
        np.full(len(cuts), IGNORED),
        np.array([cut.example.segment.group for cut in cuts]),
        np.array([cut.example.segment.file for cut in cuts]),
        np.array([1 / shared[cut.example] for cut in cuts]),
    )


def refit(model: VideoBERTForSequenceClassification, task: str, *, columns: Columns, choice: Choice) -> None:
    """Fit the linear path of one task again, as was chosen, on rows in its own units."""
    reader = cast("LinearReader", model.linear)
    fitted = _fit(columns, column_scale(model.config, choice.reading), choice.strength)
    _copy(fitted, cast("nn.Linear", reader.tasks[task]))


def spanned(rows: F64) -> F64:
    """Return rows (N, dim) in the space that they span, (N, r): regression is the same there, and faster."""
    return turn(rows).values


def probabilities(columns: Columns, choice: Choice, config: VideoBERTConfig, *, asked: F64) -> F64:
    """Return what rows teach of others (n, dim): (n, labels), for the labels that occur, in their order."""
    scale = column_scale(config, choice.reading)
    turned = turn(columns.values * scale)
    solved = regression(replace(columns, values=turned.values), choice.strength)
    # What lies outside the span has no weight.
    return cast("F64", solved.predict_proba(asked * scale @ turned.back.T))


def inner_folds(columns: Columns) -> Iterator["Fold"]:
    """Yield the folds by which `choose` would choose; none where it would not."""
    if _fewest(columns) < 2:
        columns = replace(columns, groups=columns.recordings)
    folds = min(INNER_FOLDS, _fewest(columns))
    if folds >= 2:
        for rows in _splits(columns, folds):
            yield Fold(columns.pick(rows.train), columns.pick(rows.test))


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from, and rows of other groups to judge by."""

    train: Columns
    test: Columns
