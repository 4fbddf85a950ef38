"""Clips with parts hidden in, what is missing from them guessed out: the losses of pre-training.

L_pre = L_v + L_t + alignment, each part a weighted sum (Sun et al., ICCV 2019, section 3; the visual losses
as in HERO, Li et al., EMNLP 2020, sections 3.2 and 3.3):

    L_t         masked_words                                 from the joint states of text
    L_v         masked_visual_words, masked_features         from the joint states of hidden frames
                frame_order                                  from [CLS] and how alike neighbours are
                frame_similarity                             from the video tower's states
    alignment   matching                                     from [CLS]
                contrastive                                  from the towers alone, before they meet
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForPreTraining, initialization
from transformers.utils.generic import ModelOutput

from models.configuration import VideoBERTConfig
from models.heads import IGNORED, mean_cross_entropy
from models.joint import Tokens
from models.videobert import VideoBERTModel, VideoBERTOutput, VideoBERTPreTrainedModel

# Both sides of a contrast are compared in a space of their own (SimCLR, Chen et al., 2020, section 2.1).
CONTRAST_DIM = 128
TEMPERATURE = 0.07  # where CLIP begins (Radford et al., 2021, section 2.5)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each loss counts; one of weight 0 is not computed."""

    masked_words: float = 1.0
    masked_visual_words: float = 1.0
    masked_features: float = 1.0
    frame_order: float = 0.5
    frame_similarity: float = 1.0
    matching: float = 0.5
    contrastive: float = 0.5


@dataclass(frozen=True, slots=True)
class Targets:
    """What was hidden or disturbed in B clips of T frames with texts of L tokens; -100: nothing is asked.

    `words` (B, L) holds the ids of hidden words, `hidden_frames` (B, T) is True at frames to hide,
    `visual_words` (B, T) their visual words. `in_order` (B,) is 1 where the frames stand as they came, 0
    where they were shuffled; `matches` (B,) is 1 where the text fits the clip, 0 where it was exchanged.
    Clips with the same number in `meanings` (B,) have texts that say the same in other words.
    """

    words: Tensor
    hidden_frames: Tensor
    visual_words: Tensor
    in_order: Tensor
    matches: Tensor
    meanings: Tensor


@dataclass
class PreTrainingOutput(ModelOutput):
    """`loss` is the weighted sum, `losses` each one that was computed, `joint` what VideoBERT said."""

    loss: Tensor | None = None
    losses: dict[str, Tensor] | None = None
    joint: VideoBERTOutput | None = None


class HiddenFrame(nn.Module):
    """What stands in the place of a hidden frame's features."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        self.features = nn.Parameter(torch.empty(config.video_dim))

    def forward(self, features: Tensor, motion: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Hide the frames of (B, T, …) where `hidden` (B, T) is True; of their motion 0 is left."""
        hidden = hidden[..., None]
        return torch.where(hidden, self.features, features), motion.masked_fill(hidden, 0)


class WordHead(nn.Module):
    """Text states to scores over word pieces; the last matrix is the table of word pieces, as in BERT."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        self.transform = nn.Linear(config.hidden_size, config.text_hidden_size)
        self.norm = nn.LayerNorm(config.text_hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.empty(config.text_vocab_size))

    def forward(self, states: Tensor, table: Tensor) -> Tensor:
        """Return (N, vocabulary) for states (N, D) and the table (vocabulary, text_hidden_size)."""
        return functional.linear(self.norm(functional.gelu(self.transform(states))), table, self.bias)


class Contrast(nn.Module):
    """Two kinds of vectors in one space, where those that belong together are to be nearest."""

    def __init__(self, left_dim: int, right_dim: int) -> None:
        super().__init__()
        self.left = nn.Linear(left_dim, CONTRAST_DIM)
        self.right = nn.Linear(right_dim, CONTRAST_DIM)

    def forward(self, left: Tensor, right: Tensor, kinds: Tensor | None = None) -> Tensor:
        """Return the mean InfoNCE of N pairs in both directions; 0 for fewer than two.

        Vectors of the same number in `kinds` (N,) belong together too, and share the truth evenly (UniCL,
        Yang et al., CVPR 2022, section 3.2). Equal scores for all cost log N either way.
        """
        if len(left) < 2:
            return left.sum() * 0
        ours, theirs = (functional.normalize(self.left(left)), functional.normalize(self.right(right)))
        scores = ours @ theirs.T / TEMPERATURE  # (N, N)
        kinds = torch.arange(len(left), device=left.device) if kinds is None else kinds
        together = (kinds[:, None] == kinds).to(scores.dtype)
        truth = together / together.sum(dim=1, keepdim=True)  # rows and columns alike: it is symmetric
        return (functional.cross_entropy(scores, truth) + functional.cross_entropy(scores.T, truth)) / 2


class Order(nn.Module):
    """Whether frames stand as they came: what [CLS] says, and how alike neighbours are within the clip.

    In real footage frames that follow one another are alike; a shuffled clip jumps. No sum over frames shows
    that, only a comparison of two, which [CLS] alone did not learn to make (docs/pretraining.md).
    """

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        self.frames = nn.Linear(config.hidden_size, CONTRAST_DIM)
        self.answer = nn.Linear(config.hidden_size + 1, 2)

    def forward(self, h_cls: Tensor, frames: Tokens) -> Tensor:
        """Return logits (B, 2), not as they came and as they came, for [CLS] (B, D) and frames (B, T, D)."""
        placed = self.frames(frames.states)  # (B, T, CONTRAST_DIM)
        # All frames of a clip are alike, so what they have in common is taken away.
        centred = placed - Tokens(placed, frames.mask).mean()[:, None]
        units = functional.normalize(centred, dim=-1)
        both = frames.mask[:, 1:] & frames.mask[:, :-1]
        alike = ((units[:, 1:] * units[:, :-1]).sum(dim=-1) * both).sum(dim=1) / both.sum(dim=1).clamp(min=1)
        return cast("Tensor", self.answer(torch.cat([h_cls, alike[:, None] / TEMPERATURE], dim=-1)))


class VideoBERTForPreTraining(VideoBERTPreTrainedModel):
    """VideoBERT with a head for each loss of pre-training."""

    accepts_loss_kwargs = False

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.videobert = VideoBERTModel(config)
        self.hidden_frame = HiddenFrame(config)
        self.words = WordHead(config)
        self.visual_words = nn.Linear(width, config.num_visual_words)
        self.features = Contrast(width, config.video_dim)
        self.order = Order(config)
        self.similarity = nn.Linear(width, CONTRAST_DIM)
        self.match = nn.Linear(width, 2)
        self.pairs = Contrast(width, width)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, HiddenFrame):
            initialization.zeros_(module.features)
        if isinstance(module, WordHead):
            initialization.zeros_(module.bias)

    def forward(
        self,
        features: Tensor,
        motion: Tensor,
        *,
        targets: Targets,
        weights: LossWeights | None = None,
        video_mask: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> PreTrainingOutput:
        """Hide what `targets` says, understand the B clips, and say how badly what was hidden is guessed.

        The other inputs are those of `VideoBERTModel`; `input_ids` have their hidden words replaced already.
        """
        seen, moved = self.hidden_frame(features, motion, targets.hidden_frames)
        joint = self.videobert(
            seen, moved, video_mask=video_mask, input_ids=input_ids, attention_mask=attention_mask
        )
        frames = Tokens(features, _mask_of(features, video_mask))
        asked = weights or LossWeights()
        losses = {
            name: getattr(self, f"_{name}")(joint, targets, frames)
            for name, weight in asdict(asked).items()
            if weight
        }
        total = sum_weighted(losses, asdict(asked), zero=joint.h_cls.sum() * 0)
        return PreTrainingOutput(loss=total, losses=losses, joint=joint)

    def _masked_words(self, joint: VideoBERTOutput, targets: Targets, _frames: Tokens) -> Tensor:
        length = joint.text_states.shape[1]
        states = joint.joint_states[:, 1 : 1 + length]  # behind [CLS]
        table = self.videobert.get_input_embeddings().weight
        asked = targets.words != IGNORED
        return mean_cross_entropy(self.words(states[asked], cast("Tensor", table)), targets.words[asked])

    def _masked_visual_words(self, joint: VideoBERTOutput, targets: Targets, _frames: Tokens) -> Tensor:
        asked = targets.visual_words != IGNORED
        return mean_cross_entropy(self.visual_words(_video(joint)[asked]), targets.visual_words[asked])

    def _masked_features(self, joint: VideoBERTOutput, targets: Targets, frames: Tokens) -> Tensor:
        asked = targets.hidden_frames & frames.mask
        truth = functional.layer_norm(frames.states[asked], frames.states.shape[-1:])
        return cast("Tensor", self.features(_video(joint)[asked], truth))

    def _frame_order(self, joint: VideoBERTOutput, targets: Targets, frames: Tokens) -> Tensor:
        seen = Tokens(joint.video_states, frames.mask & ~targets.hidden_frames)
        return mean_cross_entropy(self.order(joint.h_cls, seen), targets.in_order)

    def _frame_similarity(self, joint: VideoBERTOutput, _targets: Targets, frames: Tokens) -> Tensor:
        guessed = _likeness(self.similarity(joint.video_states))  # (B, T, T)
        error = (guessed - _likeness(frames.states)).square()
        both = frames.mask[:, :, None] & frames.mask[:, None, :]
        return (error * both).sum() / both.sum().clamp(min=1)

    def _matching(self, joint: VideoBERTOutput, targets: Targets, _frames: Tokens) -> Tensor:
        return mean_cross_entropy(self.match(joint.h_cls), targets.matches)

    def _contrastive(self, joint: VideoBERTOutput, targets: Targets, _frames: Tokens) -> Tensor:
        _, video, text = joint.embedding.chunk(3, dim=-1)
        belong = targets.matches == 1
        return cast("Tensor", self.pairs(video[belong], text[belong], targets.meanings[belong]))


def sum_weighted(losses: Mapping[str, Tensor], weights: Mapping[str, float], *, zero: Tensor) -> Tensor:
    """Return `zero` and the losses, each times its weight, added up."""
    return sum((weights[name] * loss for name, loss in losses.items()), start=zero)


def _video(joint: VideoBERTOutput) -> Tensor:
    """Return the joint states of the T frames, (B, T, D): those before the last [SEP]."""
    length = joint.video_states.shape[1]
    return joint.joint_states[:, -1 - length : -1]


def _likeness(vectors: Tensor) -> Tensor:
    """Return the cosine of every two of T vectors: (B, T, N) → (B, T, T)."""
    units = functional.normalize(vectors, dim=-1)
    return units @ units.transpose(1, 2)


def _mask_of(features: Tensor, video_mask: Tensor | None) -> Tensor:
    if video_mask is None:
        return features.new_ones(features.shape[:2], dtype=torch.bool)
    return video_mask.bool()


AutoModelForPreTraining.register(VideoBERTConfig, VideoBERTForPreTraining)
