"""A clip in, what to say of it out: per task a linear head on the embedding, and one on plain statistics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForSequenceClassification
from transformers.utils.generic import ModelOutput

from models.configuration import VideoBERTConfig
from models.statistics import LinearReader, clip_statistics
from models.video_tower import VideoState
from models.videobert import VideoBERTModel, VideoBERTPreTrainedModel

IGNORED = -100  # a clip with this label does not count; torch's own convention


@dataclass
class ClassificationOutput(ModelOutput):
    """`logits` maps tasks to (B, labels), `loss` is a scalar if labels were given, `embedding` (B, 3 D)."""

    loss: Tensor | None = None
    logits: dict[str, Tensor] | None = None
    embedding: Tensor | None = None


class VideoBERTForSequenceClassification(VideoBERTPreTrainedModel):
    """VideoBERT with a linear head per task on [h_CLS ; mean H ; mean T].

    Beside it a linear path reads statistics of the clip; the logits are the sum of both. `linear` is None
    where the configuration names no statistics.
    """

    accepts_loss_kwargs = False  # keeps transformers' Trainer from passing counts on to the model

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__(config)
        self.videobert = VideoBERTModel(config)
        self.dropout = nn.Dropout(config.dropout)
        self.heads = nn.ModuleDict(
            {task: nn.Linear(config.embedding_dim, len(labels)) for task, labels in config.tasks.items()}
        )
        labels = {task: len(names) for task, names in config.tasks.items()}
        self.linear = LinearReader(config.statistics_dim, labels) if config.statistics else None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, LinearReader):
            module.initialise()

    def forward(
        self,
        features: Tensor,
        motion: Tensor,
        *,
        video_mask: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        text_states: Tensor | None = None,
        text_mask: Tensor | None = None,
        state: VideoState | None = None,
        labels: Tensor | Mapping[str, Tensor] | None = None,
    ) -> ClassificationOutput:
        """Classify B clips for every task; the other inputs are those of `VideoBERTModel`.

        They are named one by one, as transformers' Trainer keeps of a batch what it finds here.

        Args:
            features: (B, T, P * feature_dim).
            motion: (B, T, motion_dim).
            video_mask: (B, T).
            input_ids: (B, L).
            attention_mask: (B, L).
            text_states: (B, L, text_hidden_size).
            text_mask: (B, L).
            state: The LSTM's memory from the frames before.
            labels: Task → (B,) integers, -100 where a clip has none for the task; a task may be absent.
                A tensor (B,) alone is for the only task of a model that has one.

        Raises:
            ValueError: `labels` are a tensor, and there are several tasks.
        """
        embedding = self.videobert(
            features,
            motion,
            video_mask=video_mask,
            input_ids=input_ids,
            attention_mask=attention_mask,
            text_states=text_states,
            text_mask=text_mask,
            state=state,
        ).embedding
        logits = self.classify(embedding)
        if self.linear is not None:
            read = self.read_statistics(features, motion, video_mask)
            logits = {task: deep + read[task] for task, deep in logits.items()}
        loss = None if labels is None else multitask_loss(logits, self._by_task(labels))
        return ClassificationOutput(loss=loss, logits=logits, embedding=embedding)

    def _by_task(self, labels: Tensor | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if not isinstance(labels, Tensor):
            return labels
        if len(self.config.tasks) > 1:
            raise ValueError(f"labels need the name of their task, one of {', '.join(self.config.tasks)}")
        return dict.fromkeys(self.config.tasks, labels)

    def classify(self, embedding: Tensor) -> dict[str, Tensor]:
        """Return what the deep path alone says of (B, 3 D): logits (B, labels) per task."""
        read = self.dropout(embedding)
        return {task: head(read) for task, head in self.heads.items()}

    def read_statistics(
        self, features: Tensor, motion: Tensor, video_mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return what the linear path alone says of B clips: logits (B, labels) per task, 0 without one."""
        if self.linear is None:
            tasks = self.config.tasks.items()
            return {task: features.new_zeros(len(features), len(labels)) for task, labels in tasks}
        return cast("dict[str, Tensor]", self.linear(self.statistics(features, motion, video_mask)))

    def statistics(self, features: Tensor, motion: Tensor, video_mask: Tensor | None) -> Tensor:
        """Return what the linear path reads of B clips, (B, statistics_dim)."""
        frames = torch.cat([features, motion], dim=-1)  # (B, T, V + F)
        mask = frames.new_ones(frames.shape[:2]) if video_mask is None else video_mask
        return clip_statistics(frames, mask.bool(), self.config.statistics)


def multitask_loss(logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> Tensor:
    """Return the sum over the tasks in `labels` of the mean cross-entropy over the clips that have a label.

    A task without a labelled clip in the batch adds 0.
    """
    losses = [mean_cross_entropy(logits[task], truth) for task, truth in labels.items()]
    return torch.stack(losses).sum()


def mean_cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the mean over the rows of logits (N, labels) whose `truth` (N,) is not -100; 0 if none is."""
    total = functional.cross_entropy(logits, truth, ignore_index=IGNORED, reduction="sum")
    return total / (truth != IGNORED).sum().clamp(min=1)


AutoModelForSequenceClassification.register(VideoBERTConfig, VideoBERTForSequenceClassification)
