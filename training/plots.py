"""Measured results in, figures out; drawn by Agg without pyplot, so that no state is shared or left behind.

Colours are those of Okabe and Ito (Color Universal Design, 2008), which colour-blind readers tell apart.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from training.measures import F64, I64, Scored, auc, average_precision, confusion
from training.reliability import Reliability, reliability

BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#CC79A7",
    "#56B4E9",
)
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
DASHES = ("-", "--", "-.", ":", (0, (6, 1)), (0, (1, 1)))
INK, FAINT = "#333333", "#BBBBBB"
DPI = 150
PANELS_PER_ROW = 3
MANY_POINTS = 200  # from here on a curve is drawn faint, with its running mean over it


def write_plots(examples: Scored, folder: Path) -> None:
    """Write confusion.png, ranking.png (ROC, precision and recall) and reliability.png into `folder`."""
    save_figure(confusion_figure(confusion(examples), examples.names), folder / "confusion.png")
    save_figure(ranking_figure(examples), folder / "ranking.png")
    save_figure(reliability_figure(reliability(examples)), folder / "reliability.png")


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as PNG; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png", dpi=DPI)


def confusion_figure(counts: I64, labels: Sequence[str]) -> Figure:
    """Draw counts (K, K), true labels as rows; the colour is the share of the row."""
    side = 2.2 + 0.75 * len(labels)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = f"\n{shares[row, column]:.0%}" if totals[row, 0] else ""
        colour = "white" if shares[row, column] > 0.55 else INK
        weight = "bold" if row == column else "normal"
        axes.text(column, row, f"{count}{share}", ha="center", va="center", color=colour, weight=weight)
    positions = range(len(labels))
    long = max(len(label) for label in labels) > 6
    axes.set_xticks(positions, labels, rotation=40 if long else 0, ha="right" if long else "center")
    axes.set_yticks(positions, labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("counts, and shares of the true label", fontsize=10, color=INK)
    return figure


def ranking_figure(examples: Scored) -> Figure:
    """Draw ROC and precision over recall of the second label of two, or of each of more.

    Labels that all or none of the examples have are left out: they have no curve.
    """
    figure = Figure(figsize=(9.4, 4.4), layout="constrained")
    roc, precision = figure.subplots(1, 2)
    frame_axes(roc, xlabel="false positives", ylabel="recall", title="ROC")
    frame_axes(precision, xlabel="recall", ylabel="precision", title="Precision and recall")
    roc.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
    columns = range(1, 2) if len(examples.names) == 2 else range(len(examples.names))
    for place, column in enumerate(columns):
        _rank(roc, precision, examples, column=column, colour=COLOURS[place % len(COLOURS)])
    for axes, corner in ((roc, "lower right"), (precision, "lower left")):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc=corner, frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)
        else:
            axes.text(0.5, 0.75, "one label only: no curve", ha="center", color=INK)
    return figure


def reliability_figure(found: Reliability) -> Figure:
    """Draw accuracy over confidence, and how many predictions each bin holds."""
    figure = Figure(figsize=(4.8, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    frame_axes(above, ylabel="accuracy", title=_calibration_title(found))
    frame_axes(below, xlabel="confidence", ylabel="predictions")
    above.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":", label="perfectly calibrated")
    edges, widths = [one.low for one in found.bins], [one.high - one.low for one in found.bins]
    at = [one.confidence for one in found.bins]
    for one in found.bins:
        above.plot(
            [one.confidence] * 2, [one.confidence, one.accuracy], color=VERMILLION, linewidth=2, alpha=0.6
        )
    above.plot(at, [one.accuracy for one in found.bins], "o-", color=BLUE, markersize=5, label="this model")
    below.bar(edges, [one.count for one in found.bins], widths, align="edge", color=SKY, edgecolor="white")
    # No confidence lies under 1 / K: the empty left part is cut off.
    left = min([0.5, *edges])
    above.set(xlim=(left - 0.02, 1.02), ylim=(-0.02, 1.02))
    below.set_ylim(0, 1.1 * max([one.count for one in found.bins], default=1))
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    below.xaxis.set_major_formatter(PercentFormatter(1, 0))
    above.yaxis.set_major_formatter(PercentFormatter(1, 0))
    above.legend(loc="upper left", frameon=False, fontsize=9)
    return figure


def curves_figure(curves: Mapping[str, tuple[F64, F64]]) -> Figure:
    """Draw learning curves, name → steps and values (N,) each.

    "train/loss" and "validation/loss" share the panel "loss"; a name without "/" has a panel of its own.
    """
    panels: dict[str, list[str]] = {}
    for name in sorted(curves):
        panels.setdefault(name.rpartition("/")[2], []).append(name)
    columns = min(PANELS_PER_ROW, max(len(panels), 1))
    rows = -(-len(panels) // columns) or 1
    figure = Figure(figsize=(1 + 3.4 * columns, 0.4 + 2.8 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (quantity, names) in zip(grid, panels.items(), strict=False):
        frame_axes(axes, xlabel="step", title=quantity.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        for place, name in enumerate(names):
            _curve(axes, curves[name], label=name.rpartition("/")[0] or name, style=_style(place))
        if len(names) > 1:
            axes.legend(frameon=False, fontsize=9)
    for unused in grid[len(panels) :]:
        unused.set_visible(False)
    return figure


def insertion_figure(curves: Mapping[str, tuple[F64, F64]]) -> Figure:
    """Draw name → probability (N,) over the share of frames taken away, and (N,) over that given back."""
    figure = Figure(figsize=(9.4, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    titles = ("Deletion: lower is better", "Insertion: higher is better")
    for side, (axes, title) in enumerate(zip(panels, titles, strict=True)):
        frame_axes(axes, xlabel="frames taken away" if side == 0 else "frames given back", title=title)
        for place, (name, pair) in enumerate(curves.items()):
            axes.plot(np.linspace(0, 1, len(pair[side])), pair[side], label=name, **_style(place))
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    panels[0].set_ylabel("probability of the label", color=INK)
    panels[0].legend(loc="lower left", frameon=False, fontsize=9)
    return figure


def frame_axes(axes: Axes, *, xlabel: str = "", ylabel: str = "", title: str = "") -> None:
    """Label a panel and draw its frame faintly."""
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title, fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=9)
    axes.grid(color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)


def _rank(roc: Axes, precision: Axes, examples: Scored, *, column: int, colour: str) -> None:
    positive, scores = examples.labels == column, examples.scores[:, column]
    name = examples.names[column]
    area = auc(positive, scores)
    if np.isnan(area):
        return
    false_positives, recalls, _ = roc_curve(positive, scores)
    roc.plot(false_positives, recalls, label=f"{name}, AUC {area:.3f}", color=colour, linewidth=1.6)
    precisions, recalls, _ = precision_recall_curve(positive, scores)
    label = f"{name}, AP {average_precision(positive, scores):.3f}"
    precision.step(recalls, precisions, where="post", label=label, color=colour, linewidth=1.6)
    if len(examples.names) == 2:
        share = float(positive.mean())
        precision.axhline(share, color=FAINT, linewidth=1, linestyle=":", label=f"by chance {share:.3f}")


def _curve(axes: Axes, curve: tuple[F64, F64], *, label: str, style: dict[str, Any]) -> None:
    steps, values = curve
    if len(steps) < MANY_POINTS:
        axes.plot(steps, values, label=label, **style)
        return
    half = len(steps) // 50
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    axes.plot(steps, values, color=style["color"], linewidth=0.6, alpha=0.3)
    axes.plot(steps[half:-half], np.convolve(values, kernel, mode="valid"), label=label, **style)


def _calibration_title(found: Reliability) -> str:
    if np.isnan(found.ece):
        return f"Calibration: {found.note}"
    return f"Expected calibration error {found.ece:.3f}"


def _style(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "linewidth": 1.8,
    }
