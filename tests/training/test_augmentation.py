"""Each way of varying clips, by its exact effect."""

import pytest
import torch

from training.augmentation import add_noise, drop_frames, mix, worst_features
from training.examples import LabelledClips


def clips(batch=2, frames=4, *, absent=()) -> LabelledClips:
    """Return clips (B, T, 3) of random features; `absent` lists how many frames each lacks in front."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(batch, frames, dtype=torch.bool)
    for row, count in enumerate(absent):
        mask[row, :count] = False
    features = torch.randn(batch, frames, 3, generator=generator) * mask[..., None]
    motion = torch.randn(batch, frames, 2, generator=generator) * mask[..., None]
    return LabelledClips(features, motion, mask, {"fight": torch.arange(batch)})


def test_no_frame_is_dropped_at_a_share_of_nothing():
    given = clips(absent=(1,))
    assert torch.equal(drop_frames(given, 0.0).mask, given.mask)


def test_of_all_frames_dropped_the_newest_is_kept():
    assert drop_frames(clips(), 1.0).mask.tolist() == [[False, False, False, True]] * 2


def test_a_share_of_the_frames_is_dropped_and_none_comes_back():
    torch.manual_seed(0)
    given = clips(100, 101, absent=[50] * 100)
    kept = drop_frames(given, 0.3).mask
    assert not (kept & ~given.mask).any()
    # Of 50 frames, the newest apart, 70 in a hundred stay: 5,000 draws have a deviation of 0.0065.
    assert kept[:, 50:-1].float().mean().item() == pytest.approx(0.7, abs=0.03)
    assert kept[:, -1].all()


def test_dropping_leaves_features_and_labels_alone():
    given = clips()
    dropped = drop_frames(given, 0.5)
    assert dropped.features is given.features
    assert dropped.labels is given.labels


def test_noise_is_in_deviations_of_each_clips_own():
    torch.manual_seed(0)
    given = clips(3, 2000)
    given.features[1] *= 10
    given.features[2] = 7.0  # nothing varies
    moved = add_noise(given, 0.1).features - given.features
    assert moved[0].std().item() == pytest.approx(0.1, rel=0.05)
    assert moved[1].std().item() == pytest.approx(1.0, rel=0.05)
    assert not moved[2].any()


def test_padding_does_not_count_as_variation():
    torch.manual_seed(0)
    given = clips(1, 4, absent=(3,))
    given.features[0, -1] = 7.0
    assert torch.equal(add_noise(given, 0.1).features[0, -1], given.features[0, -1])


def test_no_noise_changes_nothing():
    given = clips()
    assert torch.equal(add_noise(given, 0.0).features, given.features)


@pytest.mark.parametrize(("batch", "alpha"), [(4, 0.0), (1, 0.2)])
def test_nothing_is_mixed_without_a_partner_or_a_parameter(batch, alpha):
    given = clips(batch)
    mixed = mix(given, alpha)
    assert mixed.clips is given
    assert (mixed.share, mixed.partners.tolist()) == (1.0, list(range(batch)))


@pytest.mark.parametrize("seed", range(5))
def test_a_clip_is_its_share_itself_and_the_rest_its_partner(seed):
    torch.manual_seed(seed)
    given = clips(4)
    mixed = mix(given, 0.2)
    share, partners = mixed.share, mixed.partners
    assert 0.5 <= share <= 1
    assert sorted(partners.tolist()) == [0, 1, 2, 3]
    for name in ("features", "motion"):
        own = getattr(given, name)
        expected = share * own + (1 - share) * own[partners]
        torch.testing.assert_close(getattr(mixed.clips, name), expected)
    assert mixed.clips.labels is given.labels


def test_frames_that_the_partner_lacks_stay_as_they_are():
    given = clips(absent=(0, 3))
    torch.manual_seed(0)
    mixed = mix(given, 1000.0)  # the share is close to one half
    while mixed.partners.tolist() != [1, 0]:
        mixed = mix(given, 1000.0)
    assert torch.equal(mixed.clips.mask, given.mask)
    assert torch.equal(mixed.clips.features[0, :3], given.features[0, :3])
    assert not mixed.clips.features[1, :3].any()  # still padding
    both = mixed.share * given.features + (1 - mixed.share) * given.features.flip(0)
    torch.testing.assert_close(mixed.clips.features[:, 3], both[:, 3])


def seen(features):
    return torch.ones(features.shape[:2], dtype=torch.bool)


def test_the_worst_features_are_a_step_of_that_length_up_the_loss():
    features = torch.tensor([[[3.0, 4.0]], [[0.0, 2.0]]])  # (2, 1, 2), of the lengths 5 and 2
    slope = torch.tensor([[[0.0, 7.0]], [[-3.0, 0.0]]])
    worst = worst_features(features, seen(features), lambda read: (read * slope).sum(), length=0.1)
    # A tenth of each clip's length, along its own slope: 0.5 along (0, 1) and 0.2 along (−1, 0).
    torch.testing.assert_close(worst, torch.tensor([[[3.0, 4.5]], [[-0.2, 2.0]]]))


def test_features_that_do_not_matter_are_not_moved():
    features = clips().features
    assert torch.equal(
        worst_features(features, seen(features), lambda read: (read * 0).sum(), length=0.1), features
    )


def test_what_stands_at_absent_frames_does_not_lengthen_the_step():
    features = torch.tensor([[[300.0, 400.0], [3.0, 4.0]]])  # noise where there is no frame, then a real one
    mask = torch.tensor([[False, True]])
    slope = torch.tensor([0.0, 1.0])
    worst = worst_features(features, mask, lambda read: (read[:, 1] * slope).sum(), length=0.1)
    # The real frame has the length 5: half a unit along its slope.
    torch.testing.assert_close(worst, torch.tensor([[[300.0, 400.0], [3.0, 4.5]]]))


def test_the_step_leaves_no_trace_on_features_or_parameters():
    parameter = torch.nn.Parameter(torch.ones(3))
    features = clips().features
    worst = worst_features(features, seen(features), lambda read: (read * parameter).sum(), length=0.1)
    assert parameter.grad is None
    assert not features.requires_grad
    assert not worst.requires_grad
