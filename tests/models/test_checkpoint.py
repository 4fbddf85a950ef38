import json

import pytest

from models.checkpoint import (
    DEFAULT_DIR,
    DESCRIPTION_FILE,
    Task,
    load_checkpoint,
    save_checkpoint,
    sha256_of,
)
from models.errors import CheckpointError, VideobertdError
from tests.fakes import checkpoint


@pytest.fixture
def saved(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"abc")
    save_checkpoint(checkpoint(folder=tmp_path, files={"weights.bin": sha256_of(tmp_path / "weights.bin")}))
    return tmp_path


def edit(folder, **changes):
    file = folder / DESCRIPTION_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_checkpoint_reads_as_it_was_saved(saved):
    read = load_checkpoint(saved)
    assert read.folder == saved
    assert read.pictures == ("fused",)
    assert read.tasks == {"fight": Task(("normal", "fight"), (None, None))}
    assert read.path("weights.bin").read_bytes() == b"abc"


def test_saving_leaves_no_other_file_behind(saved):
    assert sorted(file.name for file in saved.iterdir()) == ["checkpoint.json", "weights.bin"]


def test_the_hash_is_sha_256(saved):
    # The SHA-256 of "abc": FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert load_checkpoint(saved).files == {"weights.bin": expected}


def test_an_empty_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match=r"is no checkpoint: checkpoint\.json is missing"):
        load_checkpoint(tmp_path)


def test_another_schema_is_refused(saved):
    edit(saved, schema=2)
    with pytest.raises(CheckpointError, match="is not of schema 1"):
        load_checkpoint(saved)


def test_what_is_not_json_is_refused(saved):
    (saved / DESCRIPTION_FILE).write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"tasks": None},
        {"tasks": {"fight": {"labels": ["a"], "thresholds": []}}},
        {"pictures": 1},
    ],
)
def test_a_wrong_field_is_refused(saved, changes):
    edit(saved, **changes)
    with pytest.raises(CheckpointError, match="lacks or misspells a field"):
        load_checkpoint(saved)


def test_a_missing_file_is_named(saved):
    (saved / "weights.bin").unlink()
    with pytest.raises(CheckpointError, match=r"is incomplete: weights\.bin is missing"):
        load_checkpoint(saved)


def test_an_altered_file_is_named(saved):
    (saved / "weights.bin").write_bytes(b"abd")
    with pytest.raises(CheckpointError, match=r"weights\.bin is damaged"):
        load_checkpoint(saved)


def test_a_file_that_is_not_listed_has_no_path(saved):
    with pytest.raises(CheckpointError, match=r"was exported without temporal\.onnx"):
        load_checkpoint(saved).path("temporal.onnx")


def test_a_checkpoint_error_can_be_shown_to_the_user():
    assert issubclass(CheckpointError, VideobertdError)


def test_the_default_checkpoint_has_learned_and_says_what_it_cannot_do():
    default = load_checkpoint(DEFAULT_DIR)
    assert default.trained is True
    assert set(default.tasks) == {"fight", "crash", "fall", "activity"}
    assert "What it cannot do" in (DEFAULT_DIR / "README.md").read_text(encoding="utf-8")


def test_the_default_checkpoint_alarms_by_what_is_not_normal_and_by_nothing_else():
    tasks = load_checkpoint(DEFAULT_DIR).tasks
    alarming = {
        label
        for task in tasks.values()
        for label, threshold in zip(task.labels, task.thresholds, strict=True)
        if threshold is not None
    }
    assert alarming == {"fight", "crash", "fall"}


def test_the_default_checkpoint_stays_small_enough_for_git():
    assert sum(file.stat().st_size for file in DEFAULT_DIR.iterdir()) < 30_000_000
