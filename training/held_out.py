"""Labelled examples in, fold by fold a model and the clips that it gets right unseen out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from models.checkpoint import Checkpoint
from models.heads import VideoBERTForSequenceClassification
from models.occlusion import Query, log_odds
from models.runtime import U8, ClipBatch, ClipUnderstanding, Encoder, FrameFeatures
from models.text_states import TextStates
from models.torch_runtime import LiveModel
from training.examples import Cut, Example
from training.finetune import FineTuner, FineTuning
from training.splits import grouped_k_fold
from training.workshop import Workshop


class FoldEncoder:
    """The Encoder of a model in training: the checkpoint's frame encoder, and the model for clips."""

    name = "fold"

    def __init__(
        self, frames: Encoder, model: VideoBERTForSequenceClassification, text: TextStates, *, deep: bool
    ) -> None:
        self._frames = frames
        self._live = LiveModel(model)
        self._text = text
        self._deep = deep  # a deep path that counts nothing is not asked: it takes nearly all the time

    @property
    def checkpoint(self) -> Checkpoint:
        """Return that of the frame encoder."""
        return self._frames.checkpoint

    def encode(self, pictures: U8) -> FrameFeatures:
        """Encode (N, S, S, 3) RGB pictures."""
        return self._frames.encode(pictures)

    @torch.no_grad()
    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Run the model over cached features; without its deep path the embedding is empty."""
        features, motion, mask = map(torch.tensor, (clips.features, clips.motion, clips.mask))
        model, count = self._live.model, len(mask)
        if not self._deep:
            logits = model.read_statistics(features, motion, mask)
            said = {task: values.softmax(dim=-1).numpy() for task, values in logits.items()}
            return ClipUnderstanding(features.new_zeros(count, 0).numpy(), said)
        states, text_mask = torch.from_numpy(self._text.states)[None], torch.from_numpy(self._text.mask)[None]
        embedding, *answers = self._live(
            features, motion, mask, states.expand(count, -1, -1), text_mask.expand(count, -1)
        )
        tasks = model.config.tasks
        return ClipUnderstanding(
            embedding.numpy(), {task: said.numpy() for task, said in zip(tasks, answers, strict=True)}
        )

    def warm_up(self) -> None:
        """Do nothing: nobody waits for the first clip."""


@dataclass(frozen=True, slots=True)
class HeldOutClip:
    """A clip that shows the label, as a batch of one, and where it was cut from."""

    cut: Cut
    clip: ClipBatch


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A fold's model, and the clips that it has not seen and takes for what they are."""

    encoder: Encoder
    clips: tuple[HeldOutClip, ...]


def held_out(
    workshop: Workshop,
    examples: Sequence[Example],
    query: Query,
    *,
    frames: Encoder,
    learning: FineTuning,
    folds: int,
    also: Sequence[Example] = (),
) -> Iterator[HeldOut]:
    """Fine-tune a model for each of `folds` parts of the groups; the examples in `also` teach them all.

    `frames` encodes pictures.

    Raises:
        DataError: There are too few groups.
    """
    clips = workshop.clips([query.task])
    tasks = {query.task: workshop.config.tasks[query.task]}
    for split in grouped_k_fold([example.segment for example in examples], folds=folds, seed=0):
        aside = {segment.group for segment in split.test}
        model = workshop.model(None, tasks=tasks)
        train = [example for example in (*examples, *also) if example.segment.group not in aside]
        tuned = FineTuner(clips, workshop.text, learning).fit(model, train)
        encoder = FoldEncoder(frames, model, workshop.text, deep=tuned.shares[query.task] > 0)
        shown = [e for e in examples if e.segment.group in aside and e.label == query.column]
        cuts = [HeldOutClip(cut, clips.clip_batch([cut])) for cut in clips.whole(shown, windows=1)]
        yield HeldOut(encoder, tuple(one for one in cuts if log_odds(encoder, one.clip, query)[0] > 0))
