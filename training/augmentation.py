"""Labelled clips in, slightly other ones out: frames dropped, clips mixed, features moved for the worse."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from training.examples import LabelledClips


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How clips are varied in training.

    `frame_drop` is the share of frames that are taken out; `mixup` the parameter of the Beta distribution
    that two clips are mixed by, 0 for none (Zhang et al., ICLR 2018); `noise` the deviation of noise on
    features, in deviations of each clip's own; `text_dropout` the share of batches that are read without
    text. `fgm` is the length of the step up the loss, in lengths of a clip's features, 0 for none (Miyato et
    al., ICLR 2017).
    """

    frame_drop: float = 0.2
    mixup: float = 0.2
    noise: float = 0.1
    text_dropout: float = 0.3
    fgm: float = 0.0


@dataclass(frozen=True, slots=True)
class Mixed:
    """Clips that are `share` themselves, and for the rest the clips at `partners` (B,) of the same batch."""

    clips: LabelledClips
    partners: Tensor
    share: float


def drop_frames(clips: LabelledClips, share: float) -> LabelledClips:
    """Take out a share of the frames; the newest is always kept."""
    kept = torch.rand(clips.mask.shape, device=clips.mask.device) >= share
    kept[:, -1] = True
    return replace(clips, mask=clips.mask & kept)


def add_noise(clips: LabelledClips, deviation: float) -> LabelledClips:
    """Add noise to the features, in deviations of each clip's own: of all numbers of its frames."""
    weight = clips.mask[..., None].to(clips.features.dtype)  # (B, T, 1)
    count = weight.sum(dim=1, keepdim=True).clamp(min=1) * clips.features.shape[2]  # (B, 1, 1)
    mean = (clips.features * weight).sum(dim=(1, 2), keepdim=True) / count
    spread = (((clips.features - mean) * weight).square().sum(dim=(1, 2), keepdim=True) / count).sqrt()
    return replace(clips, features=clips.features + deviation * spread * torch.randn_like(clips.features))


def mix(clips: LabelledClips, alpha: float) -> Mixed:
    """Mix each clip with another one of the batch; frames that the other does not have stay as they are.

    The share is at least one half, so that a clip keeps its own mask.
    """
    count = len(clips)
    if alpha <= 0 or count < 2:
        return Mixed(clips, torch.arange(count), 1.0)
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    share = max(share, 1 - share)
    partners = torch.randperm(count)
    weight = (1 - share) * (clips.mask & clips.mask[partners])[..., None]  # (B, T, 1)
    mixed = replace(
        clips,
        features=torch.lerp(clips.features, clips.features[partners], weight.to(clips.features.dtype)),
        motion=torch.lerp(clips.motion, clips.motion[partners], weight.to(clips.motion.dtype)),
    )
    return Mixed(mixed, partners, share)


def worst_features(
    features: Tensor, mask: Tensor, loss: Callable[[Tensor], Tensor], *, length: float
) -> Tensor:
    """Return the features (B, T, V) one step up the `loss`, of `length` times the length of each clip's.

    Only the frames of `mask` (B, T) count in a clip's length: what stands at the others is noise that nobody
    reads.
    """
    probe = features.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(probe), probe)
    size = (features * mask[..., None]).flatten(1).norm(dim=1)[:, None, None]
    steepness = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]
    step: Tensor = length * size * gradient / steepness
    return features + step
