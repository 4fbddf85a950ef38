"""Pre-training learns what it says it learns, by checks that a model without it fails."""

from dataclasses import asdict, replace

import pytest
import torch

from models.configuration import VideoBERTConfig
from models.heads import VideoBERTForSequenceClassification
from models.pretraining import LossWeights, VideoBERTForPreTraining
from tests.training.footage import CAPTIONS, DIM, FRAMES, MOTION, footage, tokenizer, visual_words
from training.corruption import Corruption
from training.loop import LoopSettings
from training.pretraining import Material, PreTraining, PreTrainingSettings, split_material
from training.pretraining_figures import Examination, constant
from training.riddles import BatchSize, RiddleMaker

TOKENIZER = tokenizer()
MATERIAL = Material(footage(160), CAPTIONS)
SIDES = split_material(MATERIAL, share=0.25, seed=0)
WORDS = visual_words(SIDES.train.footage)
SETTINGS = PreTrainingSettings(
    weights=LossWeights(frame_order=1.0, matching=1.0, contrastive=1.0),
    corruption=Corruption(without_text=0.1),
    batch=BatchSize(clips=24, captions=8),
    loop=LoopSettings(epochs=30, learning_rate=5e-3, weight_decay=0.0, patience=None),
    train_text=True,
)


def new_model(seed=0):
    torch.manual_seed(seed)
    config = VideoBERTConfig.of_size(
        "nano",
        feature_dim=DIM,
        motion_dim=MOTION,
        num_frames=FRAMES,
        text_vocab_size=len(TOKENIZER),
        dropout=0.0,
        initializer_range=0.1,
    )
    return VideoBERTForPreTraining(config)


def maker_of(kind=RiddleMaker):
    return kind(MATERIAL.footage, WORDS, TOKENIZER, corruption=SETTINGS.corruption, max_tokens=12)


def examined(*, settings=SETTINGS, maker=None, train=True):
    model, maker = new_model(), maker or maker_of()
    training = PreTraining(model, SIDES, maker, settings=settings)
    if train:
        training.run()
    return Examination.of(training, maker, settings.weights).measure(model)


@pytest.fixture(scope="module")
def learned():
    return examined()


def test_after_training_losses_beat_their_trivial_predictors_on_what_was_held_out(learned):
    beaten = {name for name, figure in learned.clips.items() if figure.beats_trivial}
    assert beaten == set(asdict(LossWeights()))
    assert learned.captions["masked_words"].beats_trivial


def test_exchanged_texts_lower_the_alignment(learned):
    assert set(learned.alignment) == {"matching", "contrastive"}
    assert all(of.exchanged > of.own + 0.3 for of in learned.alignment.values())


def test_without_training_exchanged_texts_change_little():
    untrained = examined(train=False)
    matching = untrained.alignment["matching"]
    assert abs(matching.exchanged - matching.own) < 0.1
    assert not untrained.captions["masked_words"].beats_trivial


def test_order_is_not_readable_from_positions(learned):
    """Learned where frames differ, and learned where they never do: constant frames stay at chance."""
    assert learned.clips["frame_order"].beats_trivial
    assert not learned.constant_order.beats_trivial

    class ConstantMaker(RiddleMaker):
        def riddle(self, draw, corruption=None):
            return constant(super().riddle(draw, corruption))

    alone = LossWeights(**{**dict.fromkeys(asdict(LossWeights()), 0.0), "frame_order": 1.0})
    settings = replace(SETTINGS, weights=alone, loop=replace(SETTINGS.loop, epochs=10))
    figures = examined(settings=settings, maker=maker_of(ConstantMaker))
    assert list(figures.clips) == ["frame_order"]
    assert figures.clips["frame_order"].loss > figures.clips["frame_order"].trivial - 0.02


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path):
    settings = replace(SETTINGS, loop=replace(SETTINGS.loop, epochs=3))
    whole, broken, resumed = new_model(), new_model(), new_model()
    PreTraining(whole, SIDES, maker_of(), settings=settings).run()

    def stop_after_two_epochs(epoch, _values):
        if epoch == 2:
            raise KeyboardInterrupt

    state = tmp_path / "state.pt"
    with pytest.raises(KeyboardInterrupt):
        PreTraining(broken, SIDES, maker_of(), settings=settings).run(state=state, log=stop_after_two_epochs)
    trained = PreTraining(resumed, SIDES, maker_of(), settings=settings).run(state=state)
    assert trained.epochs == 3
    ours, theirs = resumed.state_dict(), whole.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("train_text", [False, True])
def test_the_text_tower_learns_only_if_it_is_asked_to(train_text):
    model = new_model()
    before = model.videobert.text_tower.embeddings.word_embeddings.weight.clone()
    settings = replace(SETTINGS, train_text=train_text, loop=replace(SETTINGS.loop, epochs=1))
    PreTraining(model, SIDES, maker_of(), settings=settings).run()
    after = model.videobert.text_tower.embeddings.word_embeddings.weight
    assert torch.equal(before, after) != train_text


def test_a_classifier_begins_with_what_pre_training_has_learned(tmp_path):
    model = new_model()
    model.save_pretrained(tmp_path)
    classifier = VideoBERTForSequenceClassification.from_pretrained(tmp_path)
    ours, theirs = classifier.videobert.state_dict(), model.videobert.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_captions_and_clips_of_one_group_stand_on_one_side():
    train, held_out = SIDES.train, SIDES.held_out
    assert not {c.group for c in train.captions} & {c.group for c in held_out.captions}
    assert not {c.group for c in train.footage.clips} & {c.group for c in held_out.footage.clips}
    assert len(train.captions) + len(held_out.captions) == len(CAPTIONS)
