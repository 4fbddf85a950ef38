"""Batches of riddles: the same for the same seed, captions as clips without frames, exchanged texts."""

from dataclasses import replace

import pytest
import torch

from tests.training.footage import CAPTIONS, FRAMES, footage, tokenizer, visual_words
from training.corruption import Corruption
from training.riddles import (
    BatchSize,
    Draw,
    RiddleMaker,
    cut_words,
    exchange_texts,
    fixed_draws,
    training_draws,
)
from training.texts import Facts
from training.windows import Window

CLIPS = footage(10, unlabelled=2)
SIZE = BatchSize(clips=4, captions=3)
NOTHING = Corruption(words=0, frames=0, shuffled=0, exchanged=0, without_text=0)


@pytest.fixture(scope="module")
def maker():
    return RiddleMaker(CLIPS, visual_words(CLIPS), tokenizer(), corruption=Corruption(), max_tokens=12)


def test_an_epoch_is_the_same_for_the_same_seed_and_another_for_another():
    one, same, other = (training_draws(CLIPS.clips, CAPTIONS, SIZE, seed=(5, epoch)) for epoch in (1, 1, 2))
    assert one == same
    assert [draw.clips for draw in one] != [draw.clips for draw in other]


def test_a_riddle_is_decided_by_its_draw(maker):
    draw = training_draws(CLIPS.clips, CAPTIONS, SIZE, seed=(5, 1))[0]
    one, same = maker.riddle(draw), maker.riddle(draw)
    other = maker.riddle(replace(draw, seed=(5, 1, 99)))
    assert torch.equal(one.targets.words, same.targets.words)
    assert torch.equal(one.batch.features, same.batch.features)
    assert not torch.equal(one.targets.hidden_frames, other.targets.hidden_frames)


def test_an_epoch_has_every_clip_and_goes_through_the_captions():
    draws = training_draws(CLIPS.clips, CAPTIONS, SIZE, seed=(0, 0))
    assert [len(draw.clips) for draw in draws] == [4, 4, 2]
    assert {clip.file for draw in draws for clip in draw.clips} == set(CLIPS.files)
    told = [caption for draw in draws for caption in draw.captions]
    assert len(told) == len(set(told)) == 9


def test_few_captions_are_told_again():
    draws = training_draws(CLIPS.clips, CAPTIONS[:2], SIZE, seed=(0, 0))
    assert [len(draw.captions) for draw in draws] == [3, 3, 3]
    assert all(draw.captions == [] for draw in training_draws(CLIPS.clips, (), SIZE, seed=(0, 0)))


def test_fixed_draws_have_everything_once_and_never_mix():
    draws = fixed_draws(CLIPS.clips, CAPTIONS, SIZE, seed=0)
    assert sorted(clip.file for draw in draws for clip in draw.clips) == sorted(CLIPS.files)
    assert {caption for draw in draws for caption in draw.captions} == set(CAPTIONS)
    assert not any(draw.clips and draw.captions for draw in draws)


def test_a_caption_is_a_clip_without_frames(maker):
    batch = maker.batch(Draw((0,), CLIPS.clips[:2], CAPTIONS[:1]))
    assert batch.video_mask.tolist() == [[True] * FRAMES, [True] * FRAMES, [False] * FRAMES]
    assert not batch.features[2].any()
    assert batch.attention_mask[2].sum() == 7  # [CLS] a red car turns left [SEP]
    alone = maker.batch(Draw((0,), (), CAPTIONS[:1]))
    assert alone.features.shape == (1, *batch.features.shape[1:])


def test_clips_of_the_same_facts_have_one_meaning_and_a_clip_of_none_has_no_text(maker):
    batch = maker.batch(Draw((0,), (*CLIPS.clips[:3], CLIPS.clips[9]), ()))
    # left, right, left and nothing.
    assert batch.meanings.tolist() == [0, 1, 0, 2]
    assert batch.attention_mask.any(dim=1).tolist() == [True, True, True, False]


def test_visual_words_stand_where_their_frames_do():
    clip = replace(CLIPS.clips[0], window=Window(CLIPS.clips[0].window.segment, 1, 4))
    words = cut_words([clip], {clip.file: torch.arange(10, 16).numpy()}, num_frames=5)
    assert words.tolist() == [[0, 0, 11, 12, 13]]


def test_visual_words_are_those_of_the_features(maker):
    batch = maker.batch(Draw((0,), CLIPS.clips[:4], ()))
    expected = visual_words(CLIPS).tokenise(batch.features[2].numpy())
    assert batch.visual_words[2].tolist() == expected.tolist()


def test_texts_are_exchanged_for_the_next_that_says_something_else(maker):
    left, right = CLIPS.clips[0], CLIPS.clips[1]
    riddle = maker.riddle(Draw((0,), (left, left, right, CLIPS.clips[9]), ()), NOTHING)
    exchanged = exchange_texts(riddle)
    # Both clips to the left get "right", and the one to the right gets the first "left" behind the end.
    assert torch.equal(exchanged.batch.input_ids[:3], riddle.batch.input_ids[[2, 2, 0]])
    assert exchanged.targets.matches.tolist() == [1, 1, 1, -100]


def test_a_clip_to_which_nobody_has_else_to_say_is_not_asked(maker):
    riddle = maker.riddle(Draw((0,), (CLIPS.clips[0], CLIPS.clips[2]), ()), NOTHING)
    exchanged = exchange_texts(riddle)
    assert exchanged.targets.matches.tolist() == [-100, -100]
    assert not exchanged.batch.attention_mask.any()


def test_long_texts_are_cut(maker):
    long = replace(CLIPS.clips[0], facts=Facts(None, "word " * 40))
    assert maker.texts(Draw((0,), [long], ())).input_ids.shape == (1, 12)
