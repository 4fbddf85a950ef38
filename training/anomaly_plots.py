"""Scores of clips and their labels in, pictures of the curves out: one for each clip, and the ROC."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import roc_curve

from training.anomaly_measures import Labelled, labelled_spans
from training.anomaly_scores import ClipScores, LiveAlarm
from training.measures import F64, auc
from training.plots import BLUE, COLOURS, DASHES, FAINT, INK, ORANGE, VERMILLION, frame_axes, save_figure

NO_GAP_S = 1e-6  # spans are shaded as they were labelled


def write_curves(
    clips: Sequence[ClipScores],
    labelled: Sequence[Labelled],
    folder: Path,
    *,
    others: Mapping[str, Mapping[str, F64]] | None = None,
) -> None:
    """Write `<clip>.png` for each clip and, where there are labels, `roc.png`; `others` are baselines."""
    truth = {one.name: one for one in labelled}
    for one in clips:
        save_figure(curve_figure(one, truth.get(one.clip.name)), folder / f"{file_name(one.clip.name)}.png")
    if labelled:
        save_figure(roc_figure(labelled, others or {}), folder / "roc.png")


def curve_figure(scores: ClipScores, truth: Labelled | None) -> Figure:
    """Draw a clip's score over time; abnormal spans are shaded, live alarms are bars below."""
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots()
    frame_axes(axes, xlabel="seconds", ylabel="score (nats)", title=scores.clip.name)
    for index, span in enumerate(labelled_spans(truth, hold_s=NO_GAP_S) if truth else ()):
        label = None if index else "labelled abnormal"
        axes.axvspan(span.start_s, span.end_s, color=ORANGE, alpha=0.25, linewidth=0, label=label)
    axes.plot(scores.times_s, scores.scores, color=BLUE, linewidth=1.4, label="score")
    top = max(1.0, 1.1 * float(scores.scores.max(initial=0.0)))
    _draw_alarms(figure, scores.alarms, top)
    axes.set(xlim=(0, float(scores.times_s[-1]) if len(scores.times_s) else 1), ylim=(-0.08 * top, top))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw_alarms(figure: Figure, alarms: Sequence[LiveAlarm], top: float) -> None:
    for index, alarm in enumerate(alarms):
        figure.axes[0].plot(
            [alarm.start_s, alarm.end_s],
            [-0.04 * top] * 2,
            color=VERMILLION,
            linewidth=5,
            solid_capstyle="butt",
            label=None if index else "live alarm",
        )


def roc_figure(labelled: Sequence[Labelled], others: Mapping[str, Mapping[str, F64]]) -> Figure:
    """Draw the ROC over all frames, of the detector and of each other way; its left tenth once more."""
    figure = Figure(figsize=(9.4, 4.4), layout="constrained")
    whole, low = figure.subplots(1, 2)
    positive = np.concatenate([one.labels for one in labelled]) == 1
    voices = {"videobertd": np.concatenate([one.scores for one in labelled])}
    voices |= {name: np.concatenate([of[one.name] for one in labelled]) for name, of in others.items()}
    for axes, limit, title in ((whole, 1.0, "ROC, all frames"), (low, 0.1, "where alarms are rare")):
        frame_axes(axes, xlabel="false positives", ylabel="recall", title=title)
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
        for place, (name, scores) in enumerate(voices.items()):
            area = auc(positive, scores)
            if np.isnan(area):
                continue
            false_positives, recalls, _ = roc_curve(positive, scores)
            style = {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[place % len(DASHES)]}
            axes.plot(false_positives, recalls, label=f"{name}, AUC {area:.3f}", linewidth=1.6, **style)
        axes.set(xlim=(-0.02 * limit, 1.02 * limit), ylim=(-0.02, 1.02))
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    if whole.get_legend_handles_labels()[0]:
        whole.legend(loc="lower right", frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)
    else:
        whole.text(0.5, 0.75, "one label only: no curve", ha="center", color=INK)
    return figure


def file_name(clip: str) -> str:
    """Return a clip's name as part of a file's: folders become dashes.

    >>> file_name("day1/a.mp4")
    'day1-a.mp4'
    """
    return clip.replace("/", "-").replace("\\", "-")
