"""Clips with a sentence each in, a VideoBERT that says the sentences out, and how often the right one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.captioning import VideoBERTForCaptioning
from models.processing import VideoBERTProcessor, VideoBERTTokenizer
from training.augmentation import add_noise, drop_frames
from training.data_folder import load_data_folder
from training.examples import Clips, Cut, Example, TaskData, balanced_order, batches_of
from training.hardware import Hardware, device_of
from training.label_tables import DataError
from training.loop import Hooks, Loop, LoopSettings
from training.splits import grouped_k_fold

TASK = "caption"  # what the examples of a captioner are examples of
CLIPS_AT_ONCE = 16  # of which sentences are searched for together

NewModel = Callable[[], VideoBERTForCaptioning]
Log = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class CaptionLearning:
    """How a captioner learns and speaks; `frame_drop` and `noise` are those of `Augmentation`."""

    loop: LoopSettings = field(default_factory=lambda: LoopSettings(epochs=30, patience=None))
    batch_size: int = 32
    num_beams: int = 3
    frame_drop: float = 0.2
    noise: float = 0.1


@dataclass(frozen=True, slots=True)
class Said:
    """What a captioner that had not seen the recording says of a clip, and what would have been right."""

    file: str
    start_s: float
    end_s: float | None
    truth: str
    caption: str
    majority: str  # the commonest sentence that it had learned from

    @property
    def right(self) -> bool:
        """Say whether it is the very sentence."""
        return self.caption == self.truth


def sentences_of(data: Sequence[TaskData]) -> list[str]:
    """Return the sentences that the folders' labels are, or are renamed to, sorted.

    Raises:
        DataError: A folder is wrong, or there are fewer than two sentences.
    """
    sentences = sorted(
        {one.renamed.get(label, label) for one in data for label in load_data_folder(one.path).labels}
    )
    if len(sentences) < 2:
        raise DataError(f"A captioner needs two or more sentences, not {', '.join(sentences) or 'none'}.")
    return sentences


class CaptionTeacher:
    """Teaches captioners on clips of one store; an example's label is the place of its sentence."""

    def __init__(
        self,
        clips: Clips,
        sentences: Sequence[str],
        learning: CaptionLearning,
        *,
        hardware: Hardware | None = None,
    ) -> None:
        self._clips = clips
        self._hardware = hardware or Hardware()
        self._learning = learning
        self._processor = VideoBERTProcessor(VideoBERTTokenizer.from_package())
        self._words = self._processor.caption_labels(sentences)  # (sentences, W)

    def teach(
        self, model: VideoBERTForCaptioning, examples: Sequence[Example], *, log: Log | None = None
    ) -> None:
        """Teach a model in place; its text tower stays as it is.

        Raises:
            TrainingError: The loss is not finite.
        """
        model.videobert.text_tower.requires_grad_(False)
        hooks = Hooks(batches=lambda epoch: self._batches(examples, epoch), loss=self._loss, log=log)
        Loop(model, self._learning.loop, hooks, hardware=self._hardware).run()

    def say(self, model: VideoBERTForCaptioning, examples: Sequence[Example]) -> list[str]:
        """Return what a model says of the middle of each example."""
        said: list[str] = []
        for cuts in batches_of(self._clips.whole(examples, windows=1), CLIPS_AT_ONCE):
            clips = self._clips.batch(cuts)
            words = model.generate(
                clips.features, clips.motion, video_mask=clips.mask, num_beams=self._learning.num_beams
            )
            said.extend(self._processor.tokenizer.batch_decode(words, skip_special_tokens=True))
        return said

    def cross_validate(
        self, new_model: NewModel, examples: Sequence[Example], *, folds: int
    ) -> list[list[Said]]:
        """Return for each fold what a model says that has learned from the other groups.

        Raises:
            DataError: There are fewer groups than folds.
        """
        found = []
        for split in grouped_k_fold(
            [e.segment for e in examples], folds=folds, seed=self._learning.loop.seed
        ):
            groups = {segment.group for segment in split.test}
            train = [example for example in examples if example.segment.group not in groups]
            test = [example for example in examples if example.segment.group in groups]
            model = new_model()
            self.teach(model, train)
            commonest = str(Counter(example.segment.label for example in train).most_common(1)[0][0])
            captions = self.say(model, test)
            found.append([_said(e, caption, commonest) for e, caption in zip(test, captions, strict=True)])
        return found

    def _batches(self, examples: Sequence[Example], epoch: int) -> list[Sequence[Cut]]:
        rng = np.random.default_rng([self._learning.loop.seed, epoch])
        drawn = self._clips.drawn(balanced_order(examples, rng), rng)
        return list(batches_of(drawn, self._learning.batch_size))

    def _loss(self, model: nn.Module, cuts: Sequence[Cut]) -> dict[str, Tensor]:
        learning = self._learning
        clips = self._clips.batch(cuts).to(device_of(model))
        clips = add_noise(drop_frames(clips, learning.frame_drop), learning.noise)
        words = self._words.to(clips.features.device)[clips.labels[TASK]]
        output = model(clips.features, clips.motion, video_mask=clips.mask, labels=words)
        return {"total": output.loss}


def measures(folds: Sequence[Sequence[Said]]) -> dict[str, object]:
    """Return how often the very sentence is said, beside always saying the commonest.

    `exact_match` is the mean over folds; `known` the share of what is said that is one of the sentences, as a
    captioner may also make up others; `per_sentence` how many clips have it and of how many it is said
    rightly.
    """
    every = [said for fold in folds for said in fold]
    shares = [float(np.mean([said.right for said in fold])) for fold in folds]
    truths = Counter(said.truth for said in every)
    rights = Counter(said.truth for said in every if said.right)
    return {
        "n": len(every),
        "exact_match": float(np.mean(shares)),
        "exact_match_deviation": float(np.std(shares)),
        "exact_match_majority": float(np.mean([said.majority == said.truth for said in every])),
        "known": float(np.mean([said.caption in truths for said in every])),
        "per_sentence": {
            sentence: {"n": count, "right": rights[sentence]} for sentence, count in sorted(truths.items())
        },
    }


def _said(example: Example, caption: str, majority: str) -> Said:
    segment = example.segment
    return Said(
        str(Path(segment.file).name), segment.start_s, segment.end_s, segment.label or "", caption, majority
    )


def seeded(build: NewModel, seed: int) -> NewModel:
    """Return what builds the same model each time."""

    def again() -> VideoBERTForCaptioning:
        torch.manual_seed(seed)
        return build()

    return again
