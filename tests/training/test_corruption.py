"""Riddles: what is hidden is asked for, what is asked for is hidden, and nothing else changes."""

from dataclasses import replace

import pytest
import torch

from training.corruption import Batch, Corruption, Corruptor, Vocabulary, hide_runs, shuffled_order

CLS, SEP, MASK, PAD = 1, 2, 3, 0
VOCABULARY = Vocabulary(size=50, mask_id=MASK, special_ids=torch.tensor([PAD, CLS, SEP]))
NOTHING = Corruption(words=0, frames=0, shuffled=0, exchanged=0, without_text=0)


def batch(size=4, frames=6):
    """Clips whose features are the number of their frame, texts of three words between [CLS] and [SEP]."""
    numbers = torch.arange(frames).expand(size, frames)
    words = torch.arange(10, 10 + 3 * size).reshape(size, 3)
    ends = torch.full((size, 1), CLS), torch.full((size, 1), SEP)
    ids = torch.cat([ends[0], words, ends[1]], dim=1)
    return Batch(
        features=numbers[..., None].float(),
        motion=numbers[..., None].float() + 100,
        video_mask=torch.ones(size, frames, dtype=torch.bool),
        visual_words=numbers.clone(),
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        meanings=torch.arange(size),
    )


def riddle(corruption, clips=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Corruptor(corruption, VOCABULARY, generator).corrupt(clips or batch())


def test_nothing_is_asked_where_nothing_is_hidden():
    made = riddle(NOTHING)
    assert torch.equal(made.batch.input_ids, batch().input_ids)
    assert (made.targets.words == -100).all()
    assert not made.targets.hidden_frames.any()
    assert (made.targets.visual_words == -100).all()
    assert made.targets.in_order.tolist() == made.targets.matches.tolist() == [1, 1, 1, 1]


def test_every_word_but_the_marks_is_asked_for_at_a_share_of_one():
    made = riddle(replace(NOTHING, words=1.0))
    assert torch.equal(made.targets.words[:, 1:4], batch().input_ids[:, 1:4])
    assert (made.targets.words[:, [0, 4]] == -100).all()


def test_of_chosen_words_four_in_five_are_masked_and_one_in_ten_stays():
    clips = batch(size=2000)
    clips = replace(clips, input_ids=clips.input_ids.where(clips.input_ids < 10, 10))
    made = riddle(replace(NOTHING, words=1.0), clips)
    shown = made.batch.input_ids[:, 1:4]
    # 6,000 words: three deviations of a share of 0.8 are 3 * sqrt(0.16 / 6000) = 0.016.
    assert (shown == MASK).float().mean() == pytest.approx(0.8, abs=0.016)
    # 0.1 stay, and of the 0.1 that are replaced one in 50 happens to be the same; [MASK] likewise.
    assert (shown == 10).float().mean() == pytest.approx(0.102, abs=0.012)


def test_a_text_that_was_dropped_is_neither_read_nor_asked_for():
    made = riddle(replace(NOTHING, words=1.0, without_text=1.0))
    assert not made.batch.attention_mask.any()
    assert (made.targets.words == -100).all()
    assert (made.targets.matches == -100).all()


def test_an_exchanged_text_is_that_of_the_next_clip_with_a_text():
    made = riddle(replace(NOTHING, exchanged=1.0))
    assert torch.equal(made.batch.input_ids, batch().input_ids.roll(-1, 0))
    assert made.targets.matches.tolist() == [0, 0, 0, 0]


def test_a_text_exchanged_for_one_that_says_the_same_still_belongs():
    clips = replace(batch(), meanings=torch.tensor([0, 0, 1, 0]))
    # Clip 0 gets the text of 1, 1 of 2, 2 of 3 and 3 of 0.
    assert riddle(replace(NOTHING, exchanged=1.0), clips).targets.matches.tolist() == [1, 0, 0, 1]


def test_a_sentence_without_a_video_keeps_its_text_and_is_asked_for_its_words_alone():
    seen = torch.ones(4, 6, dtype=torch.bool)
    seen[2:] = False
    clips = replace(batch(), video_mask=seen)
    made = riddle(Corruption(words=1.0, without_text=1.0, exchanged=1.0), clips)
    assert made.batch.attention_mask.any(dim=1).tolist() == [False, False, True, True]
    assert torch.equal(made.targets.words[2:, 1:4], batch().input_ids[2:, 1:4])
    assert made.targets.matches.tolist() == made.targets.matches.new_full((4,), -100).tolist()
    assert made.targets.in_order[2:].tolist() == [-100, -100]
    assert not made.targets.hidden_frames[2:].any()


def test_shuffled_frames_keep_their_motion_and_words_and_lose_their_order():
    made = riddle(replace(NOTHING, shuffled=1.0))
    features = made.batch.features.squeeze(-1)
    assert torch.equal(features.sort(dim=1).values, batch().features.squeeze(-1))
    assert torch.equal(made.batch.motion.squeeze(-1), features + 100)
    assert torch.equal(made.batch.visual_words, features.long())
    assert made.targets.in_order.tolist() == [0, 0, 0, 0]


def test_two_frames_are_never_asked_for_their_order():
    made = riddle(replace(NOTHING, shuffled=1.0), batch(frames=2))
    assert made.targets.in_order.tolist() == [-100] * 4
    assert torch.equal(made.batch.features, batch(frames=2).features)


def test_padding_stays_in_front_when_frames_are_shuffled():
    real = torch.tensor([[False, False, True, True, True]])
    for seed in range(5):
        order = shuffled_order(real, torch.tensor([True]), torch.Generator().manual_seed(seed))
        assert order[0, :2].tolist() == [0, 1]
        assert sorted(order[0, 2:].tolist()) == [2, 3, 4]


def test_frames_are_hidden_in_runs_and_never_the_oldest():
    real = torch.ones(500, 24, dtype=torch.bool)
    hidden = hide_runs(real, Corruption(frames=0.3, hidden_run=3), torch.Generator().manual_seed(0))
    assert not hidden[:, 0].any()
    # A frame is seen if none of its three possible runs began: 0.9 ** 3 = 0.729, so 0.271 are hidden.
    assert hidden[:, 3:].float().mean() == pytest.approx(0.271, abs=0.02)
    alone = hidden[:, 4:-3] & ~hidden[:, 3:-4] & ~hidden[:, 5:-2]
    assert not alone.any()


def test_what_is_hidden_is_asked_for_by_its_visual_word():
    made = riddle(replace(NOTHING, frames=0.9))
    asked = made.targets.visual_words != -100
    assert torch.equal(asked, made.targets.hidden_frames)
    assert torch.equal(made.targets.visual_words[asked], made.batch.visual_words[asked])


def test_the_same_seed_makes_the_same_riddle():
    one, other = riddle(Corruption(), seed=3), riddle(Corruption(), seed=3)
    assert torch.equal(one.batch.features, other.batch.features)
    assert torch.equal(one.targets.hidden_frames, other.targets.hidden_frames)
