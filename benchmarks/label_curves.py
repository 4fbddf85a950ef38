"""Accuracies by share of labels in, what they say and a picture of it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from training.plots import COLOURS, DASHES, FAINT, INK

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
POINT = 0.01  # a result within one point of another counts as the same


@dataclass(frozen=True, slots=True)
class Score:
    """Accuracy over folds and shuffles, and by how much it is below that of all labels on the same folds.

    `error` is the standard error of `missing`.
    """

    mean: float
    deviation: float
    missing: float
    error: float

    @classmethod
    def of(cls, accuracies: NDArray[np.float64], full: NDArray[np.float64]) -> Self:
        """Return the score of accuracies (n,), one a fold and shuffle, beside those of all labels."""
        missing = full - accuracies
        error = float(missing.std(ddof=1) / np.sqrt(len(missing))) if len(missing) > 1 else 0.0
        return cls(float(accuracies.mean()), float(accuracies.std()), float(missing.mean()), error)


@dataclass(frozen=True, slots=True)
class Curve:
    """The score of each share of labels."""

    scores: Mapping[float, Score]


def full_label_share(curve: Curve) -> float:
    """Return the least share from which on no larger one is more than a point below all labels.

    Missing 5, 0.4, 2, 0.9 and 0 points at the five shares: from three quarters on, as half is 2 below.
    """
    reached = max(curve.scores)
    for share in sorted(curve.scores, reverse=True):
        if curve.scores[share].missing > POINT + 1e-9:
            break
        reached = share
    return reached


def draw(curves: Mapping[str, Mapping[str, Curve]]) -> Figure:
    """Draw a panel for each task: accuracy over the share of labels, and the result of all labels."""
    figure = Figure(figsize=(1 + 4.2 * len(curves), 4.2), layout="constrained")
    for axes, (task, ways) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
    ):
        for place, (way, curve) in enumerate(ways.items()):
            shares, scores = list(curve.scores), list(curve.scores.values())
            axes.errorbar(
                [share + 0.006 * place for share in shares],  # side by side, so that all bars are seen
                [score.mean for score in scores],
                [score.error for score in scores],
                label=way,
                color=COLOURS[place],
                linestyle=DASHES[place],
                marker="o",
                markersize=4,
                capsize=2,
            )
        full = next(iter(ways.values())).scores[1.0].mean
        axes.axhline(full, color=FAINT, linewidth=1, label="all labels")
        axes.axhline(full - POINT, color=FAINT, linewidth=1, linestyle=":", label="one point below")
        axes.set_title(task, fontsize=11, color=INK)
        axes.set(xlabel="share of the labels", ylabel="accuracy", xticks=SHARES)
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
