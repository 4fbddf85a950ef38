"""Figures say in words what was measured, are written as PNG, and leave no state behind."""

import sys

import matplotlib as mpl
import numpy as np
import pytest

from training.measures import scored
from training.plots import (
    confusion_figure,
    curves_figure,
    ranking_figure,
    reliability_figure,
    save_figure,
    write_plots,
)
from training.reliability import reliability

FIGHT = ("normal", "fight")
PNG = b"\x89PNG\r\n\x1a\n"


def binary(labels, fight_scores):
    return scored(FIGHT, labels, [[1 - score, score] for score in fight_scores])


EXAMPLES = binary([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1])


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_all_plots_of_an_evaluation_are_written_as_png(tmp_path):
    write_plots(EXAMPLES, tmp_path / "plots")
    written = sorted((tmp_path / "plots").iterdir())
    assert [path.name for path in written] == ["confusion.png", "ranking.png", "reliability.png"]
    assert all(path.read_bytes().startswith(PNG) for path in written)


def test_drawing_changes_no_setting_and_never_loads_pyplot(tmp_path):
    before = mpl.rcParams.copy()
    save_figure(ranking_figure(EXAMPLES), tmp_path / "ranking.png")
    assert mpl.rcParams.copy() == before
    assert "matplotlib.pyplot" not in sys.modules


def test_a_cell_of_the_confusion_matrix_says_count_and_share_of_its_row():
    (axes,) = confusion_figure(np.array([[3, 1], [0, 2]]), FIGHT).axes
    assert texts(axes) == ["3\n75%", "1\n25%", "0\n0%", "2\n100%"]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(FIGHT)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_a_label_that_does_not_occur_has_counts_but_no_shares():
    (axes,) = confusion_figure(np.array([[1, 0], [0, 0]]), FIGHT).axes
    assert texts(axes) == ["1\n100%", "0\n0%", "0", "0"]


def test_two_labels_have_one_curve_with_its_area():
    roc, precision = ranking_figure(EXAMPLES).axes
    # Three of four pairs stand the right way round; positives at ranks 1 and 3: (1 + 2/3) / 2.
    assert legend(roc) == ["fight, AUC 0.750"]
    assert legend(precision) == ["fight, AP 0.833", "by chance 0.500"]


def test_each_of_several_labels_that_occur_has_a_curve():
    examples = scored(("walk", "sit", "lie"), [0, 1, 1], np.eye(3)[[0, 1, 1]])
    roc, _ = ranking_figure(examples).axes
    assert legend(roc) == ["walk, AUC 1.000", "sit, AUC 1.000"]


def test_one_label_alone_has_no_curve_and_the_figure_says_so():
    roc, precision = ranking_figure(binary([1, 1], [0.9, 0.2])).axes
    assert texts(roc) == texts(precision) == ["one label only: no curve"]


def test_the_reliability_plot_names_its_error():
    # Confidences 0.9, 0.6, 0.6, 0.9; right, wrong, wrong, right: (2 · 0.1 + 2 · 0.6) / 4.
    above, below = reliability_figure(reliability(EXAMPLES)).axes
    assert above.get_title() == "Expected calibration error 0.350"
    assert [bar.get_height() for bar in below.patches] == [2, 2]


def test_the_reliability_plot_of_nothing_says_why(tmp_path):
    figure = reliability_figure(reliability(binary([], [])))
    assert figure.axes[0].get_title() == "Calibration: there are no examples"
    save_figure(figure, tmp_path / "empty.png")


def test_training_and_validation_share_a_panel():
    line = (np.arange(3.0), np.arange(3.0))
    figure = curves_figure({"train/loss": line, "validation/loss": line, "learning_rate": line})
    rate, loss = figure.axes
    assert (rate.get_title(), loss.get_title()) == ("learning rate", "loss")
    assert legend(loss) == ["train", "validation"]
    assert rate.get_legend() is None


def test_a_long_curve_is_drawn_faint_under_its_running_mean():
    # 200 points: means over 2 · 4 + 1 of them; a straight line stays itself.
    steps = np.arange(200.0)
    (axes,) = curves_figure({"loss": (steps, 2 * steps)}).axes
    raw, mean = axes.lines
    assert (raw.get_alpha(), len(raw.get_xdata())) == (0.3, 200)
    assert mean.get_xdata().tolist() == steps[4:-4].tolist()
    assert mean.get_ydata() == pytest.approx(2 * steps[4:-4])


def test_panels_that_are_not_needed_are_not_shown(tmp_path):
    line = (np.arange(2.0), np.arange(2.0))
    figure = curves_figure(dict.fromkeys("abcd", line))
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2
    save_figure(curves_figure({}), tmp_path / "none.png")
