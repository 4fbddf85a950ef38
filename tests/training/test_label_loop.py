"""Select, label, finetune, and select again: the loop that a user goes round, by the commands alone."""

import json

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from tests.media import moving_square, still_scene, write_video
from training.__main__ import main

NAMES = {f"{number}.mp4": ("normal", "fight")[number % 2] for number in range(8)}


@pytest.fixture
def street(tmp_path):
    """A folder of clips of a square that is there (fight) or is not (normal), which nobody has labelled."""
    folder = tmp_path / "street"
    folder.mkdir()
    for seed, (name, label) in enumerate(NAMES.items()):
        pictures = moving_square(50) if label == "fight" else still_scene(50, seed=seed)
        write_video(folder / name, pictures, fps=10)
    return folder


def fill_in(table):
    """Fill in the empty labels of a table, as a person would."""
    header, *rows = table.read_text().splitlines()
    filled = [row.replace(",,", f",{NAMES[row.split(',')[0]]},", 1) for row in rows]
    table.write_text("\n".join([header, *filled]) + "\n")


def test_selected_clips_are_labelled_taught_and_asked_about_further(tmp_path, street):
    table, report, chosen = street / "segments.csv", tmp_path / "report.json", []
    common = ["--cache", str(tmp_path / "cache"), "--device", "cpu", "--json", str(report)]
    for turn in (1, 2):
        asked = ["--task", "fight", "--strategy", "k-centre", "--count", "3", "--csv", str(table)]
        assert main(["select", str(street), *asked, *common]) == 0
        chosen += [row["file"] for row in json.loads(report.read_text())["selected"]]
        fill_in(table)
        learned = ["--task", f"fight={street}", "--unlabelled", str(street), "--no-deep"]
        assert main(["finetune", *learned, "--out", str(tmp_path / f"round-{turn}"), *common]) == 0
        told = json.loads(report.read_text())
        assert told["examples"] == 3 * turn
        assert told["self_trained"]["fight"]["clips"] == told["unlabelled"] > 0
    assert len(set(chosen)) == 6  # nothing was asked twice
    assert (tmp_path / "round-2/model/model.safetensors").exists()
