"""What the README shows is what happens: its example is taken from it and run as it stands."""

from contextlib import chdir

import pytest
import torch

from models import VideoBERTForSequenceClassification
from tests.documents.snippets import REPOSITORY, code_blocks, run, write_clips


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The README's example after it has run, on sixteen drawn clips."""
    folder = tmp_path_factory.mktemp("newcomer")
    write_clips(folder / "clips")
    (folder / "models").symlink_to(REPOSITORY / "models")
    (block,) = code_blocks("README.md", "Use it from Python")
    torch.manual_seed(0)
    with chdir(folder):
        return folder, run(block)


def test_the_readmes_example_learns_to_tell_drawn_clips_apart(ran):
    _, names = ran
    assert names["names"] == ["fall", "walk"]
    # The last of four scenes is held out: two clips of each label.
    assert names["held_out"].tolist() == [False] * 12 + [True] * 4
    assert names["guessed"].tolist() == names["clips"]["labels"][-4:].tolist()


def test_the_readmes_example_classifies_for_each_task_of_the_default_checkpoint(ran):
    _, names = ran
    assert {task: logits.shape for task, logits in names["logits"].items()} == {
        "activity": (1, 6),
        "crash": (1, 2),
        "fall": (1, 2),
        "fight": (1, 2),
    }


def test_what_the_readmes_example_saves_says_the_same_when_it_is_loaded(ran):
    folder, names = ran
    loaded = VideoBERTForSequenceClassification.from_pretrained(folder / "mine")
    clips = {name: values[:3] for name, values in names["clips"].items()}
    with torch.no_grad():
        expected = names["model"](**clips).logits["mine"]
        torch.testing.assert_close(loaded(**clips).logits["mine"], expected)
    # The text tower did not learn, so its weights stay out of the file.
    assert (folder / "mine/model.safetensors").stat().st_size < 25e6


def test_the_readmes_example_is_short():
    (block,) = code_blocks("README.md", "Use it from Python")
    assert len(block.splitlines()) <= 42
