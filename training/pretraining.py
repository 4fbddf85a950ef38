"""Clips and captions in, a pre-trained VideoBERT out: the losses of `models.pretraining` in one loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from models.checkpoint import Checkpoint
from models.configuration import Size, VideoBERTConfig
from models.pretraining import LossWeights, PreTrainingOutput, VideoBERTForPreTraining
from models.visual_words import VisualWords
from training.corruption import Corruption, Riddle
from training.footage_clips import FootageClip, FootageClips, held_out_groups
from training.hardware import Hardware
from training.loop import Hooks, Loop, LoopSettings, Progress, Trained
from training.riddles import BatchSize, Draw, RiddleMaker, fixed_draws, on_device, training_draws
from training.texts import Sentence

# Clips held out are few, so each is asked in several ways.
HELD_OUT_ROUNDS = 3
# So many tell the loss of a word to a hundredth, and are read in seconds.
MAX_HELD_OUT_CAPTIONS = 1000

Log = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class PreTrainingSettings:
    """How to pre-train; `train_text` trains the text tower too, which has four fifths of all weights.

    There is no patience: the last weights are kept, so that nothing was chosen on what is held out.
    """

    weights: LossWeights = field(default_factory=LossWeights)
    corruption: Corruption = field(default_factory=Corruption)
    batch: BatchSize = field(default_factory=BatchSize)
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(epochs=10, patience=None))
    held_out: float = 0.15
    train_text: bool = False


@dataclass(frozen=True, slots=True)
class Material:
    """What one side of the split has."""

    footage: FootageClips
    captions: Sequence[Sentence]


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sides that have no group in common, neither of clips nor of captions."""

    train: Material
    held_out: Material


def split_material(material: Material, *, share: float, seed: int) -> Sides:
    """Hold a share of the groups of each data folder and caption file out."""
    footage, captions = material.footage, material.captions
    of_clips = held_out_groups({clip.group for clip in footage.clips}, share=share, seed=seed)
    of_captions = held_out_groups({caption.group for caption in captions}, share=share, seed=seed)
    return Sides(
        Material(footage.without(of_clips), [c for c in captions if c.group not in of_captions]),
        Material(footage.only(of_clips), [c for c in captions if c.group in of_captions]),
    )


def new_model(
    checkpoint: Checkpoint, words: VisualWords, *, size: Size, seed: int
) -> VideoBERTForPreTraining:
    """Return a model with first weights for clips as the checkpoint's frame encoder gives them."""
    config = VideoBERTConfig.of_size(
        size,
        pictures=checkpoint.pictures,
        picture_px=checkpoint.picture_px,
        feature_dim=checkpoint.feature_dim,
        motion_dim=checkpoint.motion_dim,
        num_frames=checkpoint.num_frames,
        sample_fps=checkpoint.sample_fps,
        stride_s=checkpoint.stride_s,
        visual_word_levels=len(words.levels),
        visual_word_branching=words.branching,
    )
    torch.manual_seed(seed)
    return VideoBERTForPreTraining(config)


class PreTraining:
    """Pre-trains a model on one side of the material."""

    def __init__(
        self,
        model: VideoBERTForPreTraining,
        sides: Sides,
        maker: RiddleMaker,
        *,
        settings: PreTrainingSettings,
        hardware: Hardware | None = None,
    ) -> None:
        self._hardware = hardware or Hardware()
        self._model = model
        self._sides = sides
        self._maker = maker
        self._settings = settings

    @property
    def steps_per_epoch(self) -> int:
        """Return how many optimizer steps an epoch has."""
        return self._settings.loop.steps_of(len(self.draws(0)))

    def draws(self, epoch: int) -> list[Draw]:
        """Return an epoch's batches."""
        train, settings = self._sides.train, self._settings
        return training_draws(
            train.footage.clips, train.captions, settings.batch, seed=(settings.loop.seed, epoch)
        )

    def held_out(self) -> list[Draw]:
        """Return the batches of what is held out, clips and captions apart; every clip comes thrice."""
        side, seed = self._sides.held_out, self._settings.loop.seed
        captions = self._fixed((), side.captions[:MAX_HELD_OUT_CAPTIONS], seed)
        rounds = [self._fixed(side.footage.clips, (), seed + number) for number in range(HELD_OUT_ROUNDS)]
        return [*chain.from_iterable(rounds), *captions]

    def held_out_texted(self) -> list[Draw]:
        """Return the batches of held-out clips of which something can be said, each of one data folder.

        Texts of another folder would be told by the scene alone.
        """
        clips = [clip for clip in self._sides.held_out.footage.clips if clip.facts.sentences]
        return [
            draw
            for folder in sorted({clip.folder for clip in clips})
            for draw in self._fixed([c for c in clips if c.folder == folder], (), self._settings.loop.seed)
        ]

    def caption_draws(self) -> list[Draw]:
        """Return all captions of the training side in batches."""
        return self._fixed((), self._sides.train.captions, self._settings.loop.seed)

    def _fixed(self, clips: Sequence[FootageClip], captions: Sequence[Sentence], seed: int) -> list[Draw]:
        return fixed_draws(clips, captions, self._settings.batch, seed=seed)

    def run(
        self,
        *,
        state: Path | None = None,
        log: Log | None = None,
        stepped: Callable[[int], None] | None = None,
        progress: Progress = iter,
    ) -> Trained:
        """Train the model in place, from where `state` is if there is such a file.

        Raises:
            TrainingError: The loss is not finite, or `state` is damaged.
        """
        tower = self._model.videobert.text_tower
        tower.requires_grad_(self._settings.train_text)
        hooks = Hooks(self.draws, self._loss, log=log, stepped=stepped)
        return Loop(self._model, self._settings.loop, hooks, hardware=self._hardware).run(
            state=state, progress=progress
        )

    def _loss(self, model: nn.Module, draw: Draw) -> dict[str, Tensor]:
        output = ask(model, self._maker.riddle(draw), self._settings.weights)
        return {**(output.losses or {}), "total": cast("Tensor", output.loss)}


def ask(model: nn.Module, riddle: Riddle, weights: LossWeights) -> PreTrainingOutput:
    """Return what the model makes of a riddle."""
    riddle = on_device(riddle, next(model.parameters()).device)
    batch = riddle.batch
    output: PreTrainingOutput = model(
        batch.features,
        batch.motion,
        targets=riddle.targets,
        weights=weights,
        video_mask=batch.video_mask,
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
    )
    return output
