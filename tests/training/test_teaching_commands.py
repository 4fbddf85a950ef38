"""From a folder of labelled clips to a checkpoint that the daemon runs, by the commands alone."""

import argparse
import json
import math
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.checkpoint import load_checkpoint  # noqa: E402
from models.runtime import empty_clips, open_encoder  # noqa: E402
from tests.media import moving_square, still_scene, write_video  # noqa: E402
from training.__main__ import main  # noqa: E402
from training.commands.task_options import folder_data, renamed_for  # noqa: E402
from training.examples import TaskData  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*:FutureWarning", "ignore:.*:UserWarning", "ignore:.*:DeprecationWarning"
)
CLIPS = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A nano checkpoint to begin with, and clips of a square that is there (fight) or is not (calm)."""
    folder = tmp_path_factory.mktemp("teaching")
    (folder / "clips").mkdir()
    rows = ["file,label,group"]
    for number in range(CLIPS):
        label = ("calm", "fight")[number % 2]
        pictures = moving_square(50) if label == "fight" else still_scene(50, seed=number)
        write_video(folder / f"clips/{number}.mp4", pictures, fps=10)
        rows.append(f"{number}.mp4,{label},scene{number // 2}")
    (folder / "clips/labels.csv").write_text("\n".join(rows) + "\n")
    options = ["--size", "nano", "--calibration", str(folder / "clips"), "--pictures", "32"]
    assert main(["export", "--out", str(folder / "base"), *options]) == 0
    return folder


@pytest.fixture(scope="module")
def run(place):
    """The run folder of fine-tuning the linear path."""
    options = ["--task", f"fight={place}/clips", "--rename", "calm=normal", "--no-deep"]
    assert main(["finetune", *options, *reading(place), "--out", str(place / "run")]) == 0
    return place / "run"


@pytest.fixture(scope="module")
def taught(place, run):
    """The exported checkpoint and its report; the calm clips are the ordinary footage."""
    report = place / "export.json"
    options = ["--normal", str(place / "clips"), "--without", "fight", "--per-hour", "1000"]
    arguments = ["--model", str(run / "model"), *options, *reading(place), "--out", str(place / "taught")]
    assert main(["export", *arguments, "--json", str(report)]) == 0
    return place / "taught", json.loads(report.read_text())


def reading(place):
    return ["--checkpoint", str(place / "base"), "--cache", str(place / "cache")]


def test_the_run_folder_says_how_the_model_came_about(run):
    record = json.loads((run / "run.json").read_text())
    assert record["run"]["command"] == "finetune"
    assert record["sessions"][-1]["outcome"] == "finished"
    assert (run / "model/model.safetensors").exists()


def test_the_daemon_runs_what_was_taught(taught):
    checkpoint = load_checkpoint(taught[0])
    assert checkpoint.trained
    understood = open_encoder(taught[0], device="cpu").understand(empty_clips(checkpoint, 1))
    assert understood.probabilities["fight"].shape == (1, 2)


def test_only_labels_of_what_is_not_normal_get_a_threshold(taught):
    tasks = load_checkpoint(taught[0]).tasks
    assert tasks["fight"].thresholds[0] is None
    assert 0 < tasks["fight"].thresholds[1] <= 1
    assert set(tasks["activity"].thresholds) == {None}


def test_the_promise_is_kept_on_the_ordinary_footage(taught):
    alarms = taught[1]["thresholds"]["fight"]["fight"]["false_alarms"]
    assert alarms["at_most_per_hour"] <= 1000
    # Four calm clips of 5 s. A decision needs half a clip, 12 frames, 6 a second: the first second has none.
    assert alarms["hours"] == pytest.approx(4 * 4 / 3600)
    # No event in so many hours still allows -ln 0.05 over them.
    assert alarms["at_most_per_hour"] == pytest.approx(-math.log(0.05) / alarms["hours"])


def test_a_promise_that_the_footage_cannot_support_gives_no_threshold(place, run):
    options = ["--normal", str(place / "clips"), "--without", "fight", "--per-hour", "1000", "fight=1"]
    arguments = ["--model", str(run / "model"), *options, *reading(place), "--out", str(place / "strict")]
    assert main(["export", *arguments]) == 0
    assert load_checkpoint(place / "strict").tasks["fight"].thresholds == (None, None)


def test_what_was_taught_is_right_about_the_clips_that_it_has_seen(place, taught, capsys):
    report = place / "evaluation.json"
    options = ["--data", str(place / "clips"), "--task", "fight", "--rename", "calm=normal"]
    arguments = ["--checkpoint", str(taught[0]), "--cache", str(place / "cache"), "--json", str(report)]
    assert main(["evaluate", *options, *arguments]) == 0
    written = json.loads(report.read_text())
    assert written["accuracy"] == 1.0
    # The threshold was chosen on these very clips: the four of a square reach it, no calm one does.
    assert (written["thresholds"]["fight"]["reached"], written["thresholds"]["fight"]["reached_wrongly"]) == (
        1,
        0,
    )
    assert "in 100.0% of the 4 clips that show it and in 0.0% of the 4 others" in " ".join(
        capsys.readouterr().out.split()
    )


def test_folds_report_the_whole_model_and_draw_it(place, capsys):
    report = place / "folds.json"
    options = ["--data", str(place / "clips"), "--task", "fight", "--rename", "calm=normal", "--no-deep"]
    arguments = [*reading(place), "--folds", "2", "--json", str(report), "--plots", str(place / "plots")]
    assert main(["evaluate", *options, *arguments]) == 0
    assert json.loads(report.read_text())["folds"] == 2
    assert {"videobert", "linear", "deep"} <= set(capsys.readouterr().out.split())
    assert {path.suffix for path in (place / "plots").iterdir()} == {".png"}


def test_what_is_learned_from_too_is_read_by_the_same_options():
    options = argparse.Namespace(
        task="fight", rename=[("calm", "normal")], group_by="scene", busiest=True, middle=True
    )
    expected = TaskData("fight", Path("more"), {"calm": "normal"}, "scene", busiest=True, middle=True)
    assert folder_data(options, Path("more")) == expected


def test_labels_of_what_is_learned_from_too_are_renamed(place):
    shutil.copytree(place / "clips", place / "more", dirs_exist_ok=True)
    (place / "more/labels.csv").write_text("file,label,group\n0.mp4,calm,other\n2.mp4,calm,other\n")
    options = ["--data", str(place / "clips"), "--task", "fight", "--rename", "calm=normal", "--no-deep"]
    arguments = [*reading(place), "--folds", "2", "--also", str(place / "more")]
    assert main(["evaluate", *options, *arguments]) == 0


def test_a_model_that_learned_elsewhere_is_reported_by_path_and_as_its_export(place):
    shutil.copytree(place / "clips", place / "elsewhere", dirs_exist_ok=True)
    options = ["--data", str(place / "clips"), "--task", "fight", "--rename", "calm=normal", "--no-deep"]
    learning = ["--train", str(place / "elsewhere"), "--ablate", "text", "motion", "--int8"]
    assert main(["evaluate", *options, *learning, *reading(place), "--reports", str(place / "across")]) == 0
    reports = {path.stem: json.loads(path.read_text()) for path in (place / "across").iterdir()}
    assert set(reports) == {"videobert", "linear", "deep", "int8"}
    assert [reports[path]["accuracy"] for path in ("videobert", "linear", "int8")] == [1.0] * 3
    assert reports["int8"]["protocol"] == "learned from elsewhere, measured on clips, 1 seed"


def test_what_is_measured_on_is_not_learned_from(place, capsys):
    options = ["--data", str(place / "clips"), "--task", "fight", "--rename", "calm=normal", "--no-deep"]
    assert main(["evaluate", *options, *reading(place), "--train", str(place / "clips")]) == 3
    assert "to be learned from and to be tested on" in capsys.readouterr().err
    assert main(["evaluate", *options, *reading(place), "--train", str(place), "--folds", "2"]) == 3
    assert "Either --folds or --train" in capsys.readouterr().err
    assert main(["evaluate", *options, *reading(place), "--folds", "2", "--weights", str(place)]) == 3
    assert "holds no pre-trained model: seen.json is missing" in capsys.readouterr().err


def test_without_ordinary_footage_nothing_is_exported(place, run, capsys):
    arguments = ["--model", str(run / "model"), *reading(place), "--out", str(place / "nothing")]
    assert main(["export", *arguments]) == 3
    assert "name some by --normal" in capsys.readouterr().err
    assert not (place / "nothing").exists()


@pytest.mark.parametrize("command", ["finetune", "evaluate"])
def test_an_unknown_task_is_named_with_those_that_there_are(place, command, capsys):
    clips = str(place / "clips")
    named = {
        "finetune": ["--task", f"dance={clips}", "--out", str(place / "run2")],
        "evaluate": ["--task", "dance", "--data", clips],
    }
    assert main([command, *named[command], *reading(place)]) == 3
    assert "no task dance; the checkpoint has activity, crash, fall, fight" in capsys.readouterr().err


def test_a_folder_without_a_label_of_the_task_names_its_labels(place, capsys):
    clips = str(place / "clips")
    assert main(["evaluate", "--task", "crash", "--data", clips, *reading(place)]) == 3
    assert "has no label of crash (normal, crash); it has: calm, fight" in capsys.readouterr().err


def test_a_task_without_its_folder_is_bad_usage(place):
    with pytest.raises(SystemExit) as usage:
        main(["finetune", "--task", "fight", *reading(place), "--out", str(place / "run2")])
    assert usage.value.code == 2


def test_labels_are_renamed_for_one_task_or_for_all():
    pairs = [("sleeping", "lying"), ("fall:walk", "normal"), ("fight:hug", "normal")]
    assert renamed_for("fall", pairs) == {"sleeping": "lying", "walk": "normal"}


@pytest.mark.parametrize("folds", ["0", "1", "x", "-3"])
def test_folds_are_two_or_more_or_each_group(place, folds, capsys):
    with pytest.raises(SystemExit) as usage:
        main(["evaluate", "--task", "fight", "--data", str(place), *reading(place), f"--folds={folds}"])
    assert usage.value.code == 2
    assert "is neither a number from 2 nor 'groups'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--windows=0", "--frames=0", "--threads=none", "--seeds=-1"])
def test_counts_are_whole_and_above_zero(place, option, capsys):
    with pytest.raises(SystemExit) as usage:
        main(["evaluate", "--task", "fight", "--data", str(place), *reading(place), option])
    assert usage.value.code == 2
    assert "is no whole number of at least 1" in capsys.readouterr().err


def test_a_folder_without_a_model_is_named(place, capsys):
    nothing, clips = str(place / "no-model"), str(place / "clips")
    export = ["export", "--model", nothing, "--normal", clips, *reading(place), "--out", str(place / "out")]
    finetune = ["finetune", "--task", f"fight={clips}", "--weights", nothing, "--out", str(place / "run3")]
    for arguments in (export, [*finetune, *reading(place)]):
        assert main(arguments) == 3
        assert "no-model holds no model: config.json is missing" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_notes_that_cannot_be_read_stop_the_export(place, run, capsys):
    options = ["--normal", str(place / "clips"), "--notes", str(place / "no-notes.md")]
    arguments = ["--model", str(run / "model"), *options, *reading(place), "--out", str(place / "out")]
    assert main(["export", *arguments]) == 3
    assert "no-notes.md cannot be read" in capsys.readouterr().err


def test_a_captioner_is_taught_and_checked_by_one_command(place):
    data = ["--data", str(place / "clips"), "--rename", "calm=nothing happens", "--rename", "fight=it moves"]
    out, report = place / "captioner", place / "captions.json"
    few = ["--epochs", "1", "--folds", "2", "--frames", "8", "--beams", "2"]
    arguments = [*data, *few, *reading(place), "--out", str(out), "--json", str(report)]
    assert main(["caption", *arguments]) == 0
    found = json.loads(report.read_text())
    assert found["sentences"] == ["it moves", "nothing happens"]
    assert (found["n"], found["folds"], found["exact_match_majority"]) == (CLIPS, 2, 0.5)
    assert {said["truth"] for said in found["predictions"]} == set(found["sentences"])
    assert (out / "model/model.safetensors").exists()
