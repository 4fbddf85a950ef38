"""The losses of fine-tuning: which there are, and what each is of."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from models.joint import Tokens
from tests.training.teaching import DIM, MOTION_DIM, NUM_FRAMES, TASKS, TEXT, classifier
from training.augmentation import Augmentation, add_noise, drop_frames, mix
from training.examples import LabelledClips
from training.objective import FineTuningWeights, Objective
from training.semi_supervised import FixMatch, FixMatchSettings

PLAIN = Augmentation(frame_drop=0, mixup=0, noise=0, text_dropout=0)
SHARP = FineTuningWeights(label_smoothing=0.0)
BOTH = {"activity": [2, -100, 0, -100], "fight": [-100, 1, -100, 0]}


def objective(*, weights=SHARP, augmentation=PLAIN) -> Objective:
    model = classifier()
    generator = torch.Generator().manual_seed(1)
    sentences = {
        task: Tokens(
            torch.randn(len(labels), 4, 16, generator=generator), torch.ones(len(labels), 4, dtype=torch.bool)
        )
        for task, labels in TASKS.items()
    }
    made = Objective(model, text=TEXT, sentences=sentences, weights=weights, augmentation=augmentation)
    return made.eval()


def clips(labels=None, *, seed=0) -> LabelledClips:
    labels = BOTH if labels is None else labels
    count = len(next(iter(labels.values())))
    generator = torch.Generator().manual_seed(seed)
    return LabelledClips(
        features=torch.randn(count, NUM_FRAMES, DIM, generator=generator),
        motion=torch.randn(count, NUM_FRAMES, MOTION_DIM, generator=generator),
        mask=torch.ones(count, NUM_FRAMES, dtype=torch.bool),
        labels={task: torch.tensor(values) for task, values in labels.items()},
    )


def some(batch: LabelledClips, rows: list[int]) -> LabelledClips:
    labels = {task: values[rows] for task, values in batch.labels.items()}
    return LabelledClips(batch.features[rows], batch.motion[rows], batch.mask[rows], labels)


def deep_logits(made: Objective, batch: LabelledClips) -> dict[str, torch.Tensor]:
    text = made.text_for(len(batch))
    understood = made.model.videobert(batch.features, batch.motion, video_mask=batch.mask, **text)
    return made.model.classify(understood.embedding)


def test_the_losses_are_those_of_both_towers_and_the_joint_heads():
    losses = objective(weights=FineTuningWeights(joint=2, video=0.5, text=0.25))(clips())
    assert set(losses) == {"joint", "video", "text", "total"}
    expected = 2 * losses["joint"] + 0.5 * losses["video"] + 0.25 * losses["text"]
    torch.testing.assert_close(losses["total"], expected)


def test_the_joint_loss_is_the_mean_over_the_labelled_clips_of_all_tasks():
    made, batch = objective(), clips()
    said = deep_logits(made, batch)
    own = [
        functional.cross_entropy(said[task][row], batch.labels[task][row])
        for task, row in (("activity", 0), ("activity", 2), ("fight", 1), ("fight", 3))
    ]
    torch.testing.assert_close(made(batch)["joint"], torch.stack(own).mean())


def test_a_task_without_a_label_adds_nothing():
    made, batch = objective(), clips()
    fights = some(batch, [1, 3])
    without = replace(fights, labels={"fight": fights.labels["fight"]})
    for name, loss in made(fights).items():
        torch.testing.assert_close(loss, made(without)[name])


def test_a_batch_without_any_label_costs_nothing_and_still_has_a_gradient():
    losses = objective()(clips({"activity": [-100, -100], "fight": [-100, -100]}))
    assert {name: loss.item() for name, loss in losses.items()} == dict.fromkeys(losses, 0.0)
    losses["total"].backward()


def test_a_weight_of_nothing_leaves_a_loss_out():
    made = objective(weights=FineTuningWeights(joint=0, video=0, text=0))
    assert made(clips())["total"].item() == 0


def test_smoothed_labels_share_out_a_part():
    made, sharp, batch = objective(weights=FineTuningWeights(label_smoothing=0.3)), objective(), clips()
    said = deep_logits(sharp, batch)
    uniform = [
        -said[task][row].log_softmax(0).mean()
        for task, row in (("activity", 0), ("activity", 2), ("fight", 1), ("fight", 3))
    ]
    expected = 0.7 * sharp(batch)["joint"] + 0.3 * torch.stack(uniform).mean()
    torch.testing.assert_close(made(batch)["joint"], expected)


def test_the_nearest_sentence_is_told_by_its_cosine():
    made = objective()
    placed = made.model.videobert.place_text(made._sentences["fight"]).mean()
    with torch.no_grad():  # whatever the clip, the video tower says the sentence of the second label
        made.video_to_text.weight.zero_()
        made.video_to_text.bias.copy_(placed[1])
    cosine = functional.cosine_similarity(placed[0], placed[1], dim=0).item()
    # Cosines of 1 and c at a temperature of 0.07: log(1 + exp((c − 1) / 0.07)) for the second label.
    expected = math.log1p(math.exp((cosine - 1) / 0.07))
    assert made(clips({"fight": [1, 1]}))["text"].item() == pytest.approx(expected, rel=1e-3, abs=1e-5)


def mixed_as_in(made: Objective, batch: LabelledClips, seed: int):
    torch.manual_seed(seed)
    return mix(add_noise(drop_frames(batch, 0), 0), 1.0)


def seed_that_swaps(made: Objective, batch: LabelledClips) -> int:
    return next(seed for seed in range(50) if mixed_as_in(made, batch, seed).partners.tolist() == [1, 0])


def test_a_mixed_clip_has_the_labels_of_both_its_parts():
    made, batch = objective(augmentation=replace(PLAIN, mixup=1.0)), clips({"fight": [0, 1]})
    seed = seed_that_swaps(made, batch)
    mixed = mixed_as_in(made, batch, seed)
    said = deep_logits(made, mixed.clips)["fight"].log_softmax(dim=1)
    own, other = -(said[0, 0] + said[1, 1]) / 2, -(said[0, 1] + said[1, 0]) / 2
    torch.manual_seed(seed)
    torch.testing.assert_close(made(batch)["joint"], mixed.share * own + (1 - mixed.share) * other)


def test_a_partner_of_another_task_teaches_nothing_of_this_one():
    made = objective(augmentation=replace(PLAIN, mixup=1.0))
    batch = clips({"activity": [2, -100], "fight": [-100, 1]})
    seed = seed_that_swaps(made, batch)
    mixed = mixed_as_in(made, batch, seed)
    said = deep_logits(made, mixed.clips)
    # Each clip learns its own part, and the other's label is of no task of its own.
    own = -(said["activity"][0].log_softmax(0)[2] + said["fight"][1].log_softmax(0)[1]) / 2
    torch.manual_seed(seed)
    torch.testing.assert_close(made(batch)["joint"], mixed.share * own)


def test_the_linear_path_has_no_influence():
    made, batch = objective(), clips()
    before = made(batch)
    with torch.no_grad():
        for parameter in made.model.linear.parameters():
            parameter.normal_()
    for name, loss in made(batch).items():
        assert torch.equal(loss, before[name])
    made(batch)["total"].backward()
    assert all(parameter.grad is None for parameter in made.model.linear.parameters())


def test_clips_are_read_with_the_cameras_text_unless_it_is_dropped():
    spoken, batch = objective(), clips()
    silent = objective(augmentation=replace(PLAIN, text_dropout=1.0))
    understood = silent.model.videobert(batch.features, batch.motion, video_mask=batch.mask)
    said = silent.model.classify(understood.embedding)["fight"]
    expected = functional.cross_entropy(said[[1, 3]], torch.tensor([1, 0]))
    fights = some(batch, [1, 3])
    torch.testing.assert_close(silent(fights)["joint"], expected)
    assert not torch.isclose(spoken(fights)["joint"], expected)


def test_a_step_up_the_loss_is_one_more_loss_and_a_larger_one():
    losses, plain = objective(augmentation=replace(PLAIN, fgm=0.02))(clips()), objective()(clips())
    assert set(losses) == {*plain, "adversarial"}
    assert losses["adversarial"] > plain["total"]
    torch.testing.assert_close(losses["total"], plain["total"] + losses["adversarial"])


def test_unlabelled_clips_add_what_the_deep_path_says_otherwise_than_both_are_sure_of():
    made, nobody = objective(), clips({task: [-100, -100] for task in TASKS}, seed=3)
    # Always sure, and the strong view is the clip itself.
    made.match = FixMatch(FixMatchSettings(threshold=0.0, frame_drop=0.0, noise=0.0))
    losses = made(clips(), nobody)
    expected = torch.zeros(())
    for task, deep in deep_logits(made, nobody).items():
        linear = made.model.read_statistics(nobody.features, nobody.motion, nobody.mask)[task]
        expected = expected + functional.cross_entropy(deep, (deep + linear).argmax(dim=1))
    torch.testing.assert_close(losses["consistency"], expected)
    torch.testing.assert_close(losses["total"], made(clips())["total"] + expected)


def test_without_unlabelled_clips_there_is_no_consistency():
    assert "consistency" not in objective()(clips())
