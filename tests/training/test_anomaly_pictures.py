"""What is drawn of a session: curves with the labelled spans, and the strangest moments with reasons."""

import json

import cv2
import numpy as np
import pytest

from tests.media import still_scene, write_images
from tests.training.anomalies import alarm, clip_scores, judged, labelled
from training.anomaly_pictures import Moment, explain, heated, top_moments, write_pictures
from training.anomaly_plots import curve_figure, file_name, roc_figure, write_curves
from training.anomaly_regions import write_regions

GREY = np.full((90, 720, 3), 100, np.uint8)


def times(moments):
    return [moment.judged.time_s for moment in moments]


def test_the_strangest_moments_lie_apart():
    # One frame a second: 9 and 8 are one moment, 5 another.
    clip = clip_scores("a", [0, 9, 8, 0, 0, 5, 0], fps=1.0)
    assert times(top_moments(clip, None, count=2)) == [1, 5]
    assert times(top_moments(clip, None, count=9)) == [1, 5]


def test_a_moment_says_how_its_frame_is_labelled():
    clip = clip_scores("a", [0, 9], fps=1.0)
    assert [moment.is_abnormal for moment in top_moments(clip, [0, 1])] == [True]
    assert [moment.is_abnormal for moment in top_moments(clip, None)] == [None]


def test_heat_is_red_where_it_is_highest_and_leaves_the_rest_alone():
    heat = np.zeros((14, 14))
    heat[7, 7] = 3.0
    picture = heated(GREY, heat)
    assert picture[0, 0].tolist() == [100, 100, 100]
    # The middle of cell (7, 7) of 720 x 90 is near (385, 48); 45 % of the way from 100 to 230 is 158.
    assert picture[48, 385, 2] == pytest.approx(158, abs=6)
    assert np.array_equal(heated(GREY, np.zeros((14, 14))), GREY)


def test_the_sentence_stands_below_the_picture_and_long_ones_take_more_lines():
    short = explain(GREY.copy(), Moment(judged(0, 3.0), is_abnormal=True))
    long = explain(GREY.copy(), Moment(judged(0, 3.0, words="fast " * 40), is_abnormal=None))
    # Lines of 22 pixels and 8 below: numbers and one line; numbers and 200 letters in three lines.
    assert (short.shape[0] - 90, long.shape[0] - 90) == (2 * 22 + 8, 4 * 22 + 8)
    # The region is the upper left quarter; its frame is orange, blue first.
    assert short[45, 100].tolist() == [0, 140, 255]


def test_pictures_are_named_after_clip_and_time(tmp_path):
    write_images(tmp_path / "day1/a", still_scene(4))
    clip = clip_scores("day1/a", [0, 0, 9, 0], folder=tmp_path)
    (path,) = write_pictures(clip, top_moments(clip, None), tmp_path / "out", image_fps=10.0)
    assert path.name == "day1-a-0000.2s.jpg"
    # 320 x 180 becomes 720 x 405, to an even height, with two lines below.
    assert cv2.imread(str(path)).shape == (404 + 2 * 22 + 8, 720, 3)


def test_a_curve_shades_what_is_labelled_and_marks_alarms():
    clip = clip_scores("a", [0, 5, 0, 1], fps=1.0, alarms=[alarm(1, 2)])
    (axes,) = curve_figure(clip, labelled("a", [0, 5, 0, 1], [0, 1, 0, 1], fps=1.0)).axes
    assert [round(patch.get_x(), 1) for patch in axes.patches] == [1.0, 3.0]
    assert [line.get_label() for line in axes.lines] == ["score", "live alarm"]
    assert not curve_figure(clip, None).axes[0].patches


def test_the_roc_holds_the_detector_against_the_other_ways():
    clips = [labelled("a", [0, 1], [0, 1])]
    whole, _ = roc_figure(clips, {"coin": {"a": np.zeros(2)}}).axes
    labels = whole.get_legend_handles_labels()[1]
    assert labels == ["videobertd, AUC 1.000", "coin, AUC 0.500"]
    assert roc_figure([labelled("a", [0, 1], [0, 0])], {}).axes[0].texts


def test_each_clip_has_a_curve_and_labels_make_a_roc(tmp_path):
    clips = [clip_scores("day1/a", [0, 1])]
    write_curves(clips, [], tmp_path / "none")
    write_curves(clips, [labelled("day1/a", [0, 1], [0, 1])], tmp_path / "some")
    assert [path.name for path in (tmp_path / "none").iterdir()] == ["day1-a.png"]
    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == ["day1-a.png", "roc.png"]


def test_the_name_of_a_nested_clip_is_one_file_name():
    assert file_name("day1/a.mp4") == "day1-a.mp4"


def test_regions_are_written_for_every_sampled_frame(tmp_path):
    write_regions([clip_scores("a", [float("nan"), 2.0])], tmp_path / "new/regions.json")
    first, second = json.loads((tmp_path / "new/regions.json").read_text())["a"]
    assert (first["score"], first["parts"]) == (None, {"appearance": None, "motion": None})
    assert (second["frame"], second["time_s"], second["score"]) == (1, 0.1, 2.0)
    assert second["region"] == {"x": 0.0, "y": 0.0, "width": 0.5, "height": 0.5}
    assert second["words"] == "Moves fast."
