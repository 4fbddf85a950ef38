"""A checkpoint's folder with one more file: whole, or as it was."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

from models.checkpoint import SEARCH_FILE, load_checkpoint, sha256_of  # noqa: E402
from training.checkpoint_files import added_file, round_weights  # noqa: E402


def test_a_checkpoint_lists_the_file_that_it_was_given_and_is_whole(checkpoint):
    with added_file(checkpoint, SEARCH_FILE) as target:
        target.write_bytes(b"new")
    again = load_checkpoint(checkpoint.folder)
    assert (again.folder / SEARCH_FILE).read_bytes() == b"new"
    assert again == replace(
        checkpoint, files={**checkpoint.files, SEARCH_FILE: sha256_of(again.path(SEARCH_FILE))}
    )


def test_a_file_that_is_there_already_is_not_written_over_but_made_anew(checkpoint):
    with added_file(checkpoint, SEARCH_FILE) as target:
        assert not target.exists()
        target.touch()


def test_a_file_that_cannot_be_made_leaves_the_checkpoint_as_it_was(checkpoint):
    with pytest.raises(ZeroDivisionError), added_file(checkpoint, SEARCH_FILE) as target:
        target.write_bytes(b"%d" % (1 / 0))
    assert load_checkpoint(checkpoint.folder) == checkpoint
    assert list(checkpoint.folder.parent.iterdir()) == [checkpoint.folder]


def test_a_file_that_was_promised_and_is_missing_is_not_listed(checkpoint):
    with pytest.raises(FileNotFoundError), added_file(checkpoint, SEARCH_FILE):
        pass
    assert load_checkpoint(checkpoint.folder) == checkpoint


def test_rounded_weights_are_what_float16_keeps_of_them():
    layer = torch.nn.Linear(1, 1)
    layer.config = torch.nn.Module()  # as a model has one; here it takes a dtype, too
    layer.weight.data.fill_(1 / 3)
    round_weights(layer)
    # The eleven bits of float16 keep 1365 / 4096 of a third.
    assert layer.weight.item() == 1365 / 4096
    assert layer.config.dtype == layer.weight.dtype == torch.float32
