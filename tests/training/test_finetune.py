"""Fine-tuning: who is set aside, what learns, what the deep path counts, and that a seed settles it all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("peft", reason="peft is not installed")

from tests.training.teaching import (
    DIM,
    NUM_FRAMES,
    TASKS,
    TEXT,
    classifier,
    footage,
    levels,
    taught,
)
from training.data_folder import DataError, Segment
from training.examples import Cut, Example
from training.finetune import FineTuner, FineTuning, Watch, apart, encode_labels, set_aside
from training.loop import LoopSettings

QUICK = FineTuning(
    loop=LoopSettings(epochs=2, learning_rate=1e-2, patience=None),
    batch_size=8,
    windows=1,
    validation_folds=2,
)


def tuned(tmp_path, files=None, *, watch=None, settings=QUICK, model=None):
    examples, clips = taught(tmp_path / "street", levels(4, apart=2) if files is None else files)
    model = classifier(statistics=("mean",)) if model is None else model
    return model, FineTuner(clips, TEXT, settings).fit(model, examples, watch), clips, examples


def said(model, clips, examples):
    batch = clips.batch(clips.whole(examples, windows=1))
    with torch.no_grad():
        text = torch.from_numpy(TEXT.states).expand(len(batch), -1, -1)
        return model(batch.features, batch.motion, video_mask=batch.mask, text_states=text).logits["fight"]


def equal(one, other) -> bool:
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def members(task: str, groups: str, *, labels: int = 2) -> list[Example]:
    """Return an example of each label for each letter's group."""
    return [
        Example(task, label, Path("/data"), Segment(f"/data/{group}{label}.mp4", str(label), group))
        for group in groups
        for label in range(labels)
    ]


def groups_of(examples, task=None) -> set[str]:
    return {example.segment.group for example in examples if task in {None, example.task}}


@pytest.mark.parametrize("seed", range(5))
def test_what_is_set_aside_shares_no_group_with_what_is_learned_from(seed):
    examples = members("fight", "abcdefghij")
    train, held_out = set_aside(examples, 5, seed)
    assert not groups_of(train) & groups_of(held_out)
    assert len(groups_of(held_out)) == 2  # one of five parts of ten groups
    assert sorted([*train, *held_out], key=examples.index) == examples


@pytest.mark.parametrize("seed", range(10))
def test_a_group_of_two_tasks_stands_on_the_same_side_for_both(seed):
    # The recordings of a home teach falls and activities.
    examples = members("activity", "abcdefghij", labels=3) + members("fall", "cdefghijkl")
    train, held_out = set_aside(examples, 5, seed)
    assert not groups_of(train) & groups_of(held_out)
    for task in ("activity", "fall"):
        assert groups_of(train, task)
        assert groups_of(held_out, task)


@pytest.mark.parametrize("seed", range(5))
def test_tasks_of_the_same_groups_set_one_part_aside_together(seed):
    examples = members("activity", "abcdefghij", labels=3) + members("fall", "jihgfedcba")[3:]
    _, held_out = set_aside(examples, 5, seed)
    assert len(groups_of(held_out)) == 2


@pytest.mark.parametrize("seed", range(10))
def test_a_task_of_two_groups_learns_from_one_whatever_other_tasks_share(seed):
    train, held_out = set_aside(members("activity", "bcdefghij") + members("fall", "ab"), 5, seed)
    assert len(groups_of(train, "fall")) == len(groups_of(held_out, "fall")) == 1


def test_the_seed_decides_who_is_set_aside():
    examples = members("fight", "abcdefghij")
    chosen = [groups_of(set_aside(examples, 5, seed)[1]) for seed in (0, 0, 1, 2, 3)]
    assert chosen[0] == chosen[1]
    assert len(set(map(frozenset, chosen))) > 1


def test_one_group_is_too_few_to_set_some_aside():
    with pytest.raises(DataError, match="2 folds need as many groups; there are 1: a"):
        set_aside(members("fight", "a"), 5, 0)


def test_a_deep_path_that_brings_nothing_has_no_share(tmp_path):
    # Labels are far apart for regression, and the deep path learns nothing at this rate.
    files, deaf = levels(4, apart=8), replace(QUICK, loop=replace(QUICK.loop, learning_rate=0.0))
    model, found, clips, examples = tuned(tmp_path, files, settings=deaf)
    linear, *_ = tuned(tmp_path, files, settings=replace(QUICK, deep=False))
    assert found.shares == {"fight": 0.0}
    batch = clips.batch(clips.whole(examples, windows=1))
    regression = linear.read_statistics(batch.features, batch.motion, batch.mask)["fight"]
    torch.testing.assert_close(said(model, clips, examples), regression)
    assert (regression.argmax(1) == batch.labels["fight"]).all()


def test_without_the_deep_path_there_is_regression_alone(tmp_path):
    model, found, clips, examples = tuned(tmp_path, settings=replace(QUICK, deep=False))
    assert (found.shares, found.epochs, found.validation_score) == ({"fight": 0.0}, 0, None)
    assert set(found.choices) == {"fight"}
    batch = clips.batch(clips.whole(examples, windows=1))
    regression = model.read_statistics(batch.features, batch.motion, batch.mask)["fight"]
    assert torch.equal(said(model, clips, examples), regression)


def alike_or_not(groups=12):
    """Return recordings of which those whose first two features have the same sign are fights.

    No weights for the two tell them apart: the linear path is at chance.
    """
    rng, files = np.random.default_rng(0), {}
    for group in range(groups):
        for one, other in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            features = rng.normal([one, other, 0, 0], 0.2, (NUM_FRAMES, DIM))
            label = "fight" if one == other else "normal"
            files[f"{group}-{one}{other}.mp4"] = (label, f"g{group}", footage(features))
    return files


def test_the_deep_path_is_heard_where_it_knows_more(tmp_path):
    loop = replace(QUICK.loop, epochs=8)
    settings = replace(QUICK, loop=loop, batch_size=12, validation_folds=4)
    model, found, clips, examples = tuned(tmp_path, alike_or_not(), settings=settings)
    assert found.shares["fight"] >= 0.75
    truth = torch.tensor([example.label for example in examples])
    assert (said(model, clips, examples).argmax(1) == truth).float().mean() > 0.9


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(tmp_path):
    def run(drawn_before, seed=0):
        model = classifier(statistics=("mean",))
        torch.manual_seed(drawn_before)
        settings = replace(QUICK, loop=replace(QUICK.loop, seed=seed))
        return tuned(tmp_path, settings=settings, model=model)[:2]

    (one, found), (same, found_again), (other, _) = run(1), run(2), run(1, seed=1)
    assert equal(one, same)
    assert found == found_again  # the score on what was set aside, too
    assert not equal(one, other)


def test_what_was_learned_to_choose_by_is_forgotten(tmp_path):
    examples, clips = taught(tmp_path, levels(4, apart=2))
    once = replace(QUICK, loop=replace(QUICK.loop, epochs=1))
    models = [classifier(statistics=("mean",)) for _ in range(2)]
    # Two groups are set aside, or one; either way the first epoch is the best.
    for model, folds in zip(models, (2, 4), strict=True):
        FineTuner(clips, TEXT, replace(once, validation_folds=folds)).teach(model, examples)
    assert equal(*models)


@pytest.mark.parametrize("interrupted", [("choose", 1), ("refit", 0)])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path, interrupted):
    def stop(epoch, figures):
        stage = next(iter(figures)).split("/")[0]
        if (stage, epoch) == interrupted:
            raise KeyboardInterrupt

    whole, *_ = tuned(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path, watch=Watch(stop, state))
    torch.manual_seed(99)
    fresh = classifier(statistics=("mean",))
    torch.manual_seed(99)
    resumed, *_ = tuned(tmp_path, watch=Watch(state=state), model=fresh)
    assert equal(resumed, whole)


@pytest.mark.parametrize("tune", ["full", "top", "lora", "adalora", "adapter"])
def test_the_text_tower_never_changes_and_the_model_stays_a_plain_one(tmp_path, tune):
    # AdaLoRA needs ten steps.
    settings = replace(QUICK, tune=tune, loop=replace(QUICK.loop, epochs=10))
    model, found, *_ = tuned(tmp_path, levels(2, apart=2), settings=settings)
    plain = classifier(statistics=("mean",), adapter_size=model.config.adapter_size)
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert not model.training
    assert 1 <= found.epochs <= 10
    before, after = plain.videobert.text_tower.state_dict(), model.videobert.text_tower.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_adalora_is_refitted_until_its_ranks_are_the_last_ones(tmp_path):
    # One batch an epoch to choose by, ten steps in all: ranks move until step 8, the eighth epoch.
    settings = replace(QUICK, tune="adalora", loop=replace(QUICK.loop, epochs=10))
    _, found, *_ = tuned(tmp_path, levels(4, apart=2), settings=settings)
    assert found.epochs >= 8


def test_every_epoch_of_both_stages_is_told(tmp_path):
    told = []
    _, found, *_ = tuned(tmp_path, watch=Watch(lambda epoch, figures: told.append((epoch, set(figures)))))
    losses = {"loss/joint", "loss/video", "loss/text", "loss/total"}
    choosing = {f"choose/{name}" for name in {*losses, "score"}}
    refitting = {f"refit/{name}" for name in losses}
    # Two epochs to choose by, then as many as were best.
    expected = [(0, choosing), (1, choosing), *((epoch, refitting) for epoch in range(found.epochs))]
    assert told == expected


def test_every_label_has_a_sentence_of_its_own():
    sentences = encode_labels(classifier())
    assert {task: len(tokens.states) for task, tokens in sentences.items()} == {"activity": 3, "fight": 2}
    for task, tokens in sentences.items():
        # [CLS] the camera shows LABEL [SEP], each label one word piece.
        assert tokens.states.shape == (len(TASKS[task]), 6, 16)
        assert tokens.mask.all()
        assert len(tokens.mean().unique(dim=0)) == len(TASKS[task])


def unlabelled_of(clips, examples) -> list[Cut]:
    cuts = clips.whole(examples, windows=1)
    return [Cut(replace(cut.example, task="", label=-100), cut.window) for cut in cuts]


def test_clips_are_apart_from_examples_of_another_group_and_recording():
    one, same_group, same_file, other = (
        Example("", -100, Path("/data"), Segment(file, None, group))
        for file, group in (("/a", "x"), ("/b", "x"), ("/a", "y"), ("/b", "y"))
    )
    cuts = [Cut(example, None) for example in (one, same_group, same_file, other)]
    assert [cut.example for cut in apart(cuts, [one])] == [other]


def test_unlabelled_clips_teach_both_paths_and_their_labels_play_no_part(tmp_path):
    examples, clips = taught(tmp_path / "street", levels(8, apart=2))
    few, rest = examples[:8], examples[8:]
    told = []

    def fit(unlabelled):
        model = classifier(statistics=("mean",))
        tuner = FineTuner(clips, TEXT, QUICK, unlabelled=unlabelled)
        watch = Watch(lambda _, figures: told.append(set(figures)))
        return model, tuner.fit(model, few, watch)

    model, found = fit(unlabelled_of(clips, rest))
    assert found.self_trained["fight"].clips == 8
    assert {"choose/loss/consistency"} < told[0]
    assert {"refit/loss/consistency"} < told[-1]
    mislabelled = [replace(example, label=1 - example.label) for example in rest]
    assert equal(model, fit(unlabelled_of(clips, mislabelled))[0])
    plain, nothing_found = fit(())
    assert nothing_found.self_trained == {}
    assert not equal(model, plain)
