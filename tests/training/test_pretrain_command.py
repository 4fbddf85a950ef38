import json

import pytest
import torch

from models.heads import VideoBERTForSequenceClassification
from tests.training.data import write_clips, write_table
from training.__main__ import build_parser, main
from training.commands.pretrain import settings_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a data folder of four recordings of 4 s in four groups, two of them labelled."""
    path = write_clips(tmp_path_factory.mktemp("work") / "room", *(f"{n}.mp4" for n in "abcd"), frames=40)
    rows = ["file,label,group", "a.mp4,walk,1", "b.mp4,run,2", "c.mp4,,3", "d.mp4,walk,4"]
    return write_table(path, "\n".join(rows) + "\n")


def pretrain(folder, out, *options):
    captions = folder.parent / "captions.csv"
    captions.write_text("sentence\n" + "".join(f"A man walks to door {n}.\n" for n in range(8)))
    report = folder.parent / "report.json"
    report.unlink(missing_ok=True)
    fixed = ["--size", "nano", "--device", "cpu", "--cache", str(folder.parent / "cache"), "--batch", "4"]
    given = ["--captions", str(captions), "--out", str(out), "--json", str(report), *fixed, *options]
    exit_code = main(["pretrain", str(folder), *given])
    return exit_code, json.loads(report.read_text()) if report.exists() else None


def test_a_folder_and_captions_become_a_run_folder_with_a_model(folder, tmp_path):
    exit_code, report = pretrain(folder, tmp_path / "run", "--epochs", "1", "--description", "room=A room.")
    assert exit_code == 0
    # Each recording is one clip a second of 3.2 s: one of 3.8 s has one. One of four groups is held out.
    assert (report["material"]["train"]["clips"], report["material"]["held_out"]["clips"]) == (3, 1)
    assert report["material"]["train"]["clips_with_text"] == 3
    assert set(report["figures"]["clips"]) >= {"masked_features", "frame_order"}
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {
        "curves.png",
        "metrics.jsonl",
        "model",
        "run.json",
        "seen.json",
        "state.pt",
        "tensorboard",
        "visual_words.npz",
    }
    VideoBERTForSequenceClassification.from_pretrained(tmp_path / "run/model")
    # What was held out is not among what a fold must not be tested on.
    held_out = set(report["material"]["held_out"]["groups"])
    groups = dict(zip("abcd", "1234", strict=True))
    left = [f"room/{name}.mp4" for name in "abcd" if f"room/{groups[name]}" not in held_out]
    assert json.loads((tmp_path / "run/seen.json").read_text()) == left


def test_a_run_is_not_begun_twice_and_goes_on_where_it_was(folder, tmp_path, capsys):
    assert pretrain(folder, tmp_path / "run", "--epochs", "1")[0] == 0
    assert pretrain(folder, tmp_path / "run", "--epochs", "1") == (3, None)
    assert "go on with it by --resume" in capsys.readouterr().err
    before = torch.load(tmp_path / "run/state.pt", weights_only=True)["model"]
    assert pretrain(folder, tmp_path / "run", "--epochs", "1", "--resume")[0] == 0
    after = torch.load(tmp_path / "run/state.pt", weights_only=True)["model"]
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert pretrain(folder, tmp_path / "run", "--epochs", "2", "--resume") == (3, None)
    assert "holds a run with other settings" in capsys.readouterr().err


def test_a_loss_of_weight_0_is_neither_learned_nor_measured(folder, tmp_path):
    zero = ["--weight", "frame_order=0", "--weight", "contrastive=0"]
    _, report = pretrain(folder, tmp_path / "run", "--epochs", "1", *zero)
    assert not {"frame_order", "contrastive"} & set(report["figures"]["clips"])
    assert report["figures"]["constant_order"] is None


def test_neither_captions_nor_anything_held_out_are_needed(folder, tmp_path):
    given = ["--size", "nano", "--device", "cpu", "--cache", str(folder.parent / "cache"), "--epochs", "1"]
    report = tmp_path / "report.json"
    options = ["--held-out", "0", "--out", str(tmp_path / "run"), "--json", str(report), *given]
    assert main(["pretrain", str(folder), *options]) == 0
    figures = json.loads(report.read_text())["figures"]
    assert figures == {"clips": {}, "captions": {}, "alignment": {}, "constant_order": None}


def test_options_become_settings():
    given = "--weight matching=2 --epochs 3 --ema 0.9 --seed 7 --held-out 0.3 --train-text"
    options = build_parser(["pretrain"]).parse_args(["pretrain", "x", "--out", "y", *given.split()])
    settings = settings_of(options)
    assert (settings.weights.matching, settings.weights.contrastive) == (2.0, 0.5)
    assert (settings.loop.epochs, settings.loop.ema_decay, settings.loop.seed) == (3, 0.9, 7)
    assert (settings.held_out, settings.train_text) == (0.3, True)


@pytest.mark.parametrize(
    "options",
    [
        ["--weight", "beauty=1"],
        ["--weight", "matching=-1"],
        ["--weight", "matching"],
        ["--held-out", "1"],
        ["--description", "a room"],
    ],
)
def test_wrong_usage_ends_with_2(options):
    with pytest.raises(SystemExit) as end:
        main(["pretrain", "x", "--out", "y", *options])
    assert end.value.code == 2
