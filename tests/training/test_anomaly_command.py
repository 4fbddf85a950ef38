"""The command `videobert-train anomaly` on small folders: report, pictures, errors that name the file."""

import json

import numpy as np
import pytest

from tests.media import moving_square, write_images, write_video
from training.__main__ import main

FRAMES = 40


def write_test(folder, labels=None):
    """Write a clip into which a square walks at frame 20, and its labels."""
    write_images(folder / "walk", moving_square(FRAMES, begins=20))
    if labels is not None:
        (folder / "frame_labels.json").write_text(json.dumps(labels))
    return folder


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lessons")
    for name in ("01.mp4", "02.mp4"):
        write_video(folder / name, moving_square(60, begins=60))  # nobody there
    return folder


def anomaly(train, test, *options):
    given = ["--train", train, "--test", test, "--device", "cpu", "--fps", 5, *options]
    return main(["anomaly", *map(str, given)])


@pytest.fixture(scope="module")
def outcome(lessons, tmp_path_factory):
    """Return the exit code and the folder that everything was written to."""
    test = write_test(tmp_path_factory.mktemp("test"), {"walk": [0] * 20 + [1] * 20})
    out = tmp_path_factory.mktemp("out")
    drawn = ["--curves", out / "curves", "--pictures", out / "pictures", "--regions", out / "regions.json"]
    return anomaly(lessons, test, "--json", out / "report.json", "--baselines", *drawn), out


def test_every_frame_has_a_score_and_between_sampled_ones_it_is_the_last(outcome):
    exit_code, out = outcome
    report = json.loads((out / "report.json").read_text())
    assert (exit_code, report["frames"], len(report["clips"]["walk"])) == (0, FRAMES, FRAMES)
    # At 5 fps every second of ten images is sampled; the one after it keeps its score.
    scores = np.array(report["clips"]["walk"])
    assert np.array_equal(scores[0::2], scores[1::2])


def test_where_somebody_walks_into_an_empty_scene_is_ranked_above_it(outcome):
    report = json.loads((outcome[1] / "report.json").read_text())
    assert report["auc"] > 0.9
    assert report["alarms"]["events"] == 1
    assert set(report["baselines"]) == {"frame difference", "PatchCore", "pooled nearest neighbours"}


def test_curves_pictures_and_regions_are_written(outcome):
    _, out = outcome
    assert sorted(path.name for path in (out / "curves").iterdir()) == ["roc.png", "walk.png"]
    assert all(path.name.startswith("walk-") for path in (out / "pictures").iterdir())
    assert len(json.loads((out / "regions.json").read_text())["walk"]) == FRAMES / 2


def test_without_labels_scores_are_written_and_nothing_is_measured(lessons, tmp_path, capsys):
    test = write_test(tmp_path / "test")
    assert anomaly(lessons, test, "--json", tmp_path / "report.json", "--leave-learned") == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["auc"], report["alarms"], report["learns_on"]) == (None, None, False)
    assert "there are no labels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"walk": [0, 1]}, "frame_labels.json has 2 labels of walk, which has 40 frames"),
        ({"run": [0]}, "frame_labels.json says nothing of walk"),
    ],
)
def test_labels_that_do_not_fit_end_with_3_before_anything_is_learned(
    lessons, tmp_path, capsys, labels, said
):
    assert anomaly(lessons, write_test(tmp_path, labels)) == 3
    assert said in capsys.readouterr().err


def test_a_missing_or_empty_folder_ends_with_3_and_its_name(lessons, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert anomaly(lessons, tmp_path / "none") == 3
    assert anomaly(tmp_path / "empty", write_test(tmp_path / "test")) == 3
    said = capsys.readouterr().err
    assert f"There is no data folder {tmp_path / 'none'}." in said
    assert f"{tmp_path / 'empty'} has neither" in said


def test_a_recording_that_cannot_be_read_ends_with_3(lessons, tmp_path, capsys):
    (tmp_path / "test").mkdir()
    (tmp_path / "test/a.mp4").write_text("no video")
    assert anomaly(tmp_path / "test", lessons) == 3
    assert "a.mp4 cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--fps", "0"], ["--sigma", "-1"], ["--budget", "no"]])
def test_wrong_usage_ends_with_2(lessons, options):
    with pytest.raises(SystemExit) as end:
        anomaly(lessons, lessons, *options)
    assert end.value.code == 2
