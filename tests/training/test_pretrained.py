"""Which pre-trained model a fold may begin with: one that has learned from none of its test recordings."""

import json
from pathlib import Path

import pytest

from models.errors import CheckpointError
from tests.training.teaching import levels, taught
from training.label_tables import DataError
from training.pretrained import PreTrained, unseen_by


def run_folder(path: Path, *seen: str) -> PreTrained:
    (path / "model").mkdir(parents=True)
    (path / "model/config.json").touch()
    (path / "seen.json").write_text(json.dumps(seen))
    return PreTrained.open(path)


def test_a_model_that_knows_a_tested_recording_is_passed_over(tmp_path):
    examples, _ = taught(tmp_path / "street", levels(2, apart=1))
    knows = run_folder(tmp_path / "one", "street/0-fight.mp4", "square/9.mp4")
    other = run_folder(tmp_path / "two", "street/1-fight.mp4")
    scene = [example for example in examples if example.segment.group == "street/scene0"]
    assert unseen_by([knows, other], scene) == tmp_path / "two/model"
    with pytest.raises(DataError, match=r"learned from what is tested, such as street/0-fight\.mp4"):
        unseen_by([knows], scene)


def test_without_runs_models_begin_at_random(tmp_path):
    examples, _ = taught(tmp_path / "street", levels(2, apart=1))
    assert unseen_by([], examples) is None


def test_a_folder_that_does_not_say_what_it_has_seen_is_refused(tmp_path):
    run_folder(tmp_path / "run")
    (tmp_path / "run/seen.json").unlink()
    with pytest.raises(CheckpointError, match=r"seen\.json is missing"):
        PreTrained.open(tmp_path / "run")
