"""Labelled clips in, the losses of fine-tuning out: L_finetune = L_v + L_t + L_joint."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.configuration import VideoBERTConfig
from models.heads import IGNORED, VideoBERTForSequenceClassification
from models.joint import Tokens
from models.text_states import TextStates
from training.augmentation import Augmentation, Mixed, add_noise, drop_frames, mix, worst_features
from training.examples import LabelledClips
from training.semi_supervised import FixMatch

TEMPERATURE = 0.07


@dataclass(frozen=True, slots=True)
class FineTuningWeights:
    """How much each loss counts, and how much of every label is shared out over the others.

    `joint` is the loss of the heads, `video` that of the video tower alone, `text` that of telling which of
    the task's label sentences is nearest to the clip, `consistency` that of unlabelled clips.
    """

    joint: float = 1.0
    video: float = 0.3
    text: float = 0.3
    label_smoothing: float = 0.1
    consistency: float = 1.0


class _Said(nn.Module):
    """Tokens that move with a model and are not saved with it."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.register_buffer("states", tokens.states, persistent=False)
        self.register_buffer("mask", tokens.mask, persistent=False)

    def forward(self) -> Tokens:
        """Return them where the model is."""
        return Tokens(self.get_buffer("states"), self.get_buffer("mask"))


class Objective(nn.Module):
    """The model's deep path with what only training needs: heads on the video tower, the labels' sentences.

    The linear path is fitted by regression and knows its training clips by heart: beside it the deep one
    would find nothing left to learn.
    """

    def __init__(
        self,
        model: VideoBERTForSequenceClassification,
        *,
        text: TextStates,
        sentences: Mapping[str, Tokens],
        weights: FineTuningWeights,
        augmentation: Augmentation,
        match: FixMatch | None = None,
    ) -> None:
        super().__init__()
        config: VideoBERTConfig = model.config
        width = config.hidden_size
        self.model = model
        self.video_heads = nn.ModuleDict(
            {task: nn.Linear(width, len(labels)) for task, labels in config.tasks.items()}
        )
        self.video_to_text = nn.Linear(width, width)
        self._text = _Said(Tokens(torch.from_numpy(text.states), torch.from_numpy(text.mask)))
        self._sentences = nn.ModuleDict({task: _Said(tokens) for task, tokens in sentences.items()})
        self._weights = weights
        self._augmentation = augmentation
        self.match = match or FixMatch()

    def forward(self, clips: LabelledClips, unlabelled: LabelledClips | None = None) -> dict[str, Tensor]:
        """Return the losses of a batch by name, `total` their weighted sum.

        `unlabelled` clips add `consistency`: what both paths together are sure of, the deep one alone is to
        say of a stronger view.
        """
        augmentation = self._augmentation
        clips = add_noise(drop_frames(clips, augmentation.frame_drop), augmentation.noise)
        mixed = mix(clips, augmentation.mixup)
        with_text = bool(torch.rand(()) >= augmentation.text_dropout)
        losses = self._losses(mixed, mixed.clips.features, with_text=with_text)
        if augmentation.fgm > 0:
            worst = worst_features(
                mixed.clips.features,
                mixed.clips.mask,
                lambda features: self._losses(mixed, features, with_text=with_text)["total"],
                length=augmentation.fgm,
            )
            losses["adversarial"] = self._losses(mixed, worst, with_text=with_text)["total"]
            losses["total"] = losses["total"] + losses["adversarial"]
        if unlabelled is not None:
            losses["consistency"] = self.match(self._say, unlabelled, judge=self._judge).total
            losses["total"] = losses["total"] + self._weights.consistency * losses["consistency"]
        return losses

    def _say(self, clips: LabelledClips) -> dict[str, Tensor]:
        """Return the deep path's logits of clips, read with the camera's text."""
        text = self.text_for(len(clips))
        understood = self.model.videobert(clips.features, clips.motion, video_mask=clips.mask, **text)
        return self.model.classify(understood.embedding)

    def _judge(self, clips: LabelledClips) -> dict[str, Tensor]:
        """Return the mean of both paths' logits: the linear one knows much before the deep one does."""
        linear = self.model.read_statistics(clips.features, clips.motion, clips.mask)
        return {task: (deep + linear[task]) / 2 for task, deep in self._say(clips).items()}

    def _losses(self, mixed: Mixed, features: Tensor, *, with_text: bool) -> dict[str, Tensor]:
        clips, weights = mixed.clips, self._weights
        text = self.text_for(len(clips)) if with_text else {}
        understood = self.model.videobert(features, clips.motion, video_mask=clips.mask, **text)
        _, video, _ = understood.embedding.chunk(3, dim=-1)  # mean H: (B, D)
        parts = {
            "joint": self.model.classify(understood.embedding),
            "video": {task: head(video) for task, head in self.video_heads.items()},
            "text": self._nearness(video),
        }
        losses = {name: self._cross_entropy(logits, mixed) for name, logits in parts.items()}
        total = sum((getattr(weights, name) * loss for name, loss in losses.items()), start=video.sum() * 0)
        return {**losses, "total": total}

    def text_for(self, count: int) -> dict[str, Tensor]:
        """Return the inputs that let the model read the camera's text with each of `count` clips."""
        text = self._text()
        return {"text_states": text.states.expand(count, -1, -1), "text_mask": text.mask.expand(count, -1)}

    def _nearness(self, video: Tensor) -> dict[str, Tensor]:
        """Return how near each label's sentence is to the clips: (B, labels) per task."""
        ours = functional.normalize(self.video_to_text(video), dim=-1)
        return {
            task: ours @ functional.normalize(self._placed(said()), dim=-1).T / TEMPERATURE
            for task, said in self._sentences.items()
        }

    def _placed(self, tokens: Tokens) -> Tensor:
        return self.model.videobert.place_text(tokens).mean()  # (labels, D)

    def _cross_entropy(self, logits: Mapping[str, Tensor], mixed: Mixed) -> Tensor:
        """Return the mean over the labelled clips of all tasks, each with the labels of both its parts."""
        sums = [self._task_sums(logits[task], truth, mixed) for task, truth in mixed.clips.labels.items()]
        total, count = torch.stack(sums).sum(dim=0)
        mean: Tensor = total / count.clamp(min=1)
        return mean

    def _task_sums(self, logits: Tensor, truth: Tensor, mixed: Mixed) -> Tensor:
        """Return the summed cross-entropy and how many clips it is of.

        A clip whose partner has no label for the task learns its own part only.
        """
        own, other = (
            functional.cross_entropy(
                logits,
                labels,
                ignore_index=IGNORED,
                reduction="none",
                label_smoothing=self._weights.label_smoothing,
            )
            for labels in (truth, truth[mixed.partners])
        )
        known = truth != IGNORED
        return torch.stack(
            [(mixed.share * own + (1 - mixed.share) * other * known).sum(), known.sum().to(own.dtype)]
        )
