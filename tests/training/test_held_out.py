"""A fold's model behind the Encoder protocol: what it says is what the model says, deep path or not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.runtime import ClipBatch  # noqa: E402
from tests.fakes import FakeEncoder, checkpoint  # noqa: E402
from tests.training.teaching import DIM, MOTION_DIM, NUM_FRAMES, TASKS, TEXT, classifier  # noqa: E402
from training.held_out import FoldEncoder  # noqa: E402
from training.readings import apply_shares  # noqa: E402

STATISTICS = ("mean", "deviation")


def clips(count=3):
    rng = np.random.default_rng(0)
    frames = (count, NUM_FRAMES)
    features = rng.normal(size=(*frames, DIM)).astype(np.float32)
    motion = rng.normal(size=(*frames, MOTION_DIM)).astype(np.float32)
    return ClipBatch(features, motion, np.ones(frames, np.bool_))


def both_paths():
    """Return a model whose linear path says something, too."""
    model = classifier(statistics=list(STATISTICS))
    for parameter in model.linear.tasks.parameters():
        torch.nn.init.normal_(parameter)
    return model


def said(model, *, deep):
    encoder = FoldEncoder(FakeEncoder(checkpoint()), model, TEXT, deep=deep)
    return encoder.understand(clips()).probabilities


@torch.no_grad()
def test_with_its_deep_path_it_says_what_the_model_says():
    model, batch = both_paths(), clips()
    text = {
        "text_states": torch.from_numpy(TEXT.states)[None].expand(3, -1, -1),
        "text_mask": torch.ones(3, 3),
    }
    logits = model(torch.from_numpy(batch.features), torch.from_numpy(batch.motion), **text).logits
    found = said(model, deep=True)
    assert list(found) == list(TASKS)
    np.testing.assert_allclose(found["fight"], logits["fight"].softmax(dim=-1), atol=1e-6)


def test_a_deep_path_that_counts_nothing_need_not_be_asked():
    model = both_paths()
    apply_shares(model, {"fight": 0.0})
    np.testing.assert_allclose(said(model, deep=False)["fight"], said(model, deep=True)["fight"], atol=1e-6)


def test_a_deep_path_that_counts_is_asked():
    model = both_paths()
    assert np.abs(said(model, deep=False)["fight"] - said(model, deep=True)["fight"]).max() > 1e-3


def test_pictures_are_encoded_by_the_checkpoint_that_was_given():
    frames = FakeEncoder(checkpoint())
    encoder = FoldEncoder(frames, both_paths(), TEXT, deep=False)
    pictures = np.full((1, 4, 4, 3), 51, np.uint8)
    # The fake encoder's feature is the mean pixel over 255.
    assert encoder.encode(pictures).pooled[0, 0] == pytest.approx(0.2)
    assert encoder.checkpoint is frames.checkpoint
