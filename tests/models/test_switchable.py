"""An encoder follows another between two calls, if it differs in its heads alone."""

from dataclasses import dataclass, field, replace

import pytest

from models.checkpoint import FRAME_ENCODER_FILE, Checkpoint, Task, root_of
from models.errors import CheckpointError
from models.switchable import SwitchableEncoder
from tests.fakes import FakeEncoder, checkpoint

OLD = checkpoint(version="1", files={FRAME_ENCODER_FILE: "one", "temporal.onnx": "old"})
NEW = replace(OLD, version="1+local.1", files={FRAME_ENCODER_FILE: "one", "temporal.onnx": "new"})


def test_the_next_call_has_the_new_encoder():
    encoder = SwitchableEncoder(FakeEncoder(OLD, name="old"))
    encoder.switch(FakeEncoder(NEW, name="new"))
    assert (encoder.name, encoder.checkpoint.version) == ("new", "1+local.1")


@dataclass(slots=True)
class Witness:
    """Encoder that keeps what it was asked, in order, and answers with it."""

    checkpoint: Checkpoint
    asked: list = field(default_factory=list)

    def encode(self, pictures):
        self.asked.append(pictures)
        return f"encoded {pictures}"

    def understand(self, clips):
        self.asked.append(clips)
        return f"understood {clips}"

    def warm_up(self):
        self.asked.append("warm up")


def test_every_call_reaches_the_encoder_in_use():
    old, new = Witness(OLD), Witness(NEW)
    encoder = SwitchableEncoder(old)
    encoder.switch(new)
    encoder.warm_up()
    answers = encoder.encode("pictures"), encoder.understand("clips")
    assert (old.asked, new.asked) == ([], ["warm up", "pictures", "clips"])
    assert answers == ("encoded pictures", "understood clips")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"files": {FRAME_ENCODER_FILE: "two"}}, FRAME_ENCODER_FILE),
        ({"num_frames": 8}, "num_frames"),
        ({"tasks": {"fight": Task(("normal", "fight"), (None, 0.5))}}, "tasks"),
        ({"pictures": ("lags",), "sample_fps": 6.0}, "pictures, sample_fps"),
    ],
)
def test_what_differs_in_more_than_its_heads_is_refused_and_the_old_one_stays(change, named):
    encoder = SwitchableEncoder(FakeEncoder(OLD))
    with pytest.raises(CheckpointError, match=f": {named} differ"):
        encoder.switch(FakeEncoder(replace(NEW, **change)))
    assert encoder.checkpoint is OLD


@pytest.mark.parametrize("title", ["videobert-small 0.3.0", "videobert-small 0.3.0+local.12"])
def test_a_refitted_model_has_the_root_of_the_one_it_comes_from(title):
    assert root_of(title) == "videobert-small 0.3.0"
