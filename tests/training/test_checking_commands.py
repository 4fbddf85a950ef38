"""Whether to believe a checkpoint's events: their explanations and their number, by the commands alone."""

import json

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from tests.media import moving_square, still_scene, write_video
from training.__main__ import main

CLIPS = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Clips of three seconds, 18 frames each that are sampled: a square that is there (fight) or is not."""
    folder = tmp_path_factory.mktemp("checking")
    (folder / "clips").mkdir()
    rows = ["file,label,group"]
    for number in range(CLIPS):
        label = ("normal", "fight")[number % 2]
        pictures = moving_square(30) if label == "fight" else still_scene(30, seed=number)
        write_video(folder / f"clips/{number}.mp4", pictures, fps=10)
        rows.append(f"{number}.mp4,{label},scene{number // 2}")
    (folder / "clips/labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_explanations_are_checked_on_clips_that_no_fold_has_seen(place, capsys):
    report, cache = place / "explained.json", ["--cache", str(place / "cache"), "--device", "cpu"]
    options = ["--data", str(place / "clips"), "--task", "fight", "--folds", "2", "--places", "1", *cache]
    assert main(["explain", *options, "--json", str(report), "--plots", str(place / "plots")]) == 0
    written = json.loads(report.read_text())
    # Four clips show the square; the folds' models get them right. Each fold checks regions of one.
    assert (written["clips"], written["groups"]) == (4, 4)
    assert written["places"]["movement of key frames"]["clips"] == 2
    assert set(written["frames"]["the clip's mean frame"]["left out"]) == {"deletion", "insertion"}
    assert len(written["curves"]["random"]["deletion"]) == 9
    assert (place / "plots/explain-fight.png").exists()
    assert "left out" in capsys.readouterr().out


def test_alarms_are_counted_for_cameras_of_several_rates(place, capsys):
    report, cache = place / "alarms.json", ["--cache", str(place / "cache"), "--device", "cpu"]
    options = ["--footage", str(place / "clips"), "--without", "fight", "--camera-fps", "own,5", *cache]
    assert main(["alarms", *options, "--json", str(report)]) == 0
    written = json.loads(report.read_text())["alarms"]
    labels = [(row["label"], row["camera_fps"]) for row in written]
    assert labels == [(label, rate) for rate in (None, 5.0) for label in ("crash", "fall", "fight")]
    # Four still clips; a decision at the last frame of a second needs half a clip, 12 frames. Of 18 the 12th
    # and the 18th are such, of 15 the 15th alone: 2 decisions a clip or 1, each of a second.
    hours = [pytest.approx(4 * decisions / 3600) for decisions in (2, 2, 2, 1, 1, 1)]
    assert [(row["events"], row["hours"]) for row in written] == [(0, of) for of in hours]
    assert "own rate" in capsys.readouterr().out


def test_a_camera_rate_is_a_number_above_zero_or_own(place, capsys):
    with pytest.raises(SystemExit) as usage:
        main(["alarms", "--footage", str(place), "--camera-fps", "own,0"])
    assert usage.value.code == 2
    assert "0 is not above 0" in capsys.readouterr().err
