"""The measure of surprise beside an encoder: said where the checkpoint can tell, by no one else."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.checkpoint import DEFAULT_DIR, SURPRISE_FILE, load_checkpoint
from models.errors import CheckpointError
from models.runtime import empty_clips, open_encoder
from models.surprise_runtime import SurpriseEncoder, with_surprise
from tests.fakes import FakeEncoder, checkpoint


@dataclass(frozen=True, slots=True)
class FirstFeature:
    """Session whose answer is the first feature of each clip."""

    def run(self, names, inputs):
        assert names == ["surprise"]
        return [inputs["features"][:, 0, 0]]


@pytest.fixture
def encoder():
    return SurpriseEncoder(FakeEncoder(checkpoint()), FirstFeature())


def test_understanding_says_how_surprising_each_clip_is_beside_the_rest(encoder):
    clips = empty_clips(encoder.checkpoint, 2)
    clips.features[1, 0, 0] = 0.75
    understood = encoder.understand(clips)
    assert understood.surprise.tolist() == [0.0, 0.75]
    assert understood.embedding.shape == (2, 8)


def test_all_else_is_the_encoders_own(encoder):
    encoder.warm_up()
    assert encoder.name == "fake"
    assert encoder.encode(np.full((1, 224, 224, 3), 51, np.uint8)).pooled[0, 0] == pytest.approx(0.2)


def test_checkpoint_without_the_measure_says_nothing_of_it():
    plain = FakeEncoder(checkpoint())
    assert with_surprise(plain, threads=1) is plain
    assert plain.understand(empty_clips(plain.checkpoint, 1)).surprise is None


def test_a_measure_that_cannot_be_read_is_an_error_that_names_it(tmp_path):
    (tmp_path / SURPRISE_FILE).write_text("no graph")
    broken = FakeEncoder(checkpoint(folder=tmp_path, files={SURPRISE_FILE: ""}))
    with pytest.raises(CheckpointError, match=SURPRISE_FILE):
        with_surprise(broken, threads=1)


def test_the_default_checkpoint_can_tell():
    encoder = open_encoder(DEFAULT_DIR, device="cpu")
    clips = empty_clips(load_checkpoint(DEFAULT_DIR), 3)
    clips.mask[:] = True
    clips.features[2] = np.random.default_rng(0).normal(size=clips.features[2].shape)
    surprise = encoder.understand(clips).surprise
    assert surprise.shape == (3,)
    assert surprise[0] == pytest.approx(surprise[1], abs=1e-4)
    assert surprise[2] != pytest.approx(surprise[0], abs=0.01)
