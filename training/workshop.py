"""A checkpoint folder in, what fine-tuning and evaluation need of it out: model, clips, text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models.checkpoint import CONFIG_FILE, Checkpoint
from models.configuration import SIZES, Size, VideoBERTConfig
from models.errors import CheckpointError
from models.heads import VideoBERTForSequenceClassification
from models.runtime import Device, open_encoder
from models.text_states import TextStates
from training.ablation import Part, without
from training.data_folder import DataError
from training.examples import Clips, Cut, Example, TaskData, read_examples
from training.features import FeatureStore
from training.footage import Footage
from training.unlabelled import read_unlabelled
from training.windows import WindowSettings

JITTER_S = 0.3  # labellers are not exact


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are and how they are read, None for what the checkpoint says.

    New models are of `size` and have no part that is in `ablated`.
    """

    checkpoint: Path
    cache: Path
    device: Device = "auto"
    threads: int = 1
    sample_fps: float | None = None
    num_frames: int | None = None
    ablated: tuple[Part, ...] = ()
    size: Size | None = None


@dataclass(frozen=True, slots=True)
class Workshop:
    """A checkpoint, opened: what its frame encoder says of recordings, and the numbers of its VideoBERT."""

    checkpoint: Checkpoint
    config: VideoBERTConfig
    store: FeatureStore
    text: TextStates
    num_frames: int

    @classmethod
    def open(cls, place: Place) -> "Workshop":
        """Open the frame encoder and the cache of its features.

        Raises:
            CheckpointError: The checkpoint cannot be used.
        """
        encoder = open_encoder(place.checkpoint, device=place.device, threads=place.threads)
        footage = Footage.of_checkpoint(encoder.checkpoint, sample_fps=place.sample_fps)
        config = VideoBERTConfig.from_pretrained(place.checkpoint)
        if place.size is not None:
            config = VideoBERTConfig(**{**config.to_dict(), **SIZES[place.size]})
        config = without(config, place.ablated)
        frames = place.num_frames or config.num_frames
        if not 1 <= frames <= config.max_frames:
            raise CheckpointError(f"Clips of {frames} frames: 1 to {config.max_frames} are allowed.")
        store = FeatureStore(place.cache, encoder, footage)
        return cls(encoder.checkpoint, config, store, TextStates.load(encoder.checkpoint), frames)

    def clips(self, tasks: Sequence[str]) -> Clips:
        """Return what cuts examples into clips labelled for these tasks."""
        live_s = self.checkpoint.num_frames / self.checkpoint.sample_fps
        return Clips(self.store, WindowSettings(self.num_frames, JITTER_S, live_s), tasks)

    def examples(self, data: Sequence[TaskData], labels: Mapping[str, Sequence[str]]) -> list[Example]:
        """Return the labelled segments of all folders; `labels` are those of each task.

        Raises:
            DataError: A folder is wrong, or a task is unknown.
        """
        if unknown := {one.task for one in data} - labels.keys():
            known = ", ".join(labels)
            raise DataError(f"There is no task {', '.join(sorted(unknown))}; the checkpoint has {known}.")
        return [example for one in data for example in read_examples(one, labels[one.task])]

    def unlabelled(self, folders: Sequence[Path], *, group_by: str) -> list[Cut]:
        """Return the clips of folders that no label touches.

        Raises:
            DataError: A folder is wrong, or has no such clip.
        """
        return read_unlabelled(folders, self.store, num_frames=self.num_frames, group_by=group_by)

    def model(
        self, weights: Path | None, *, tasks: Mapping[str, Sequence[str]], seed: int = 0
    ) -> VideoBERTForSequenceClassification:
        """Return a VideoBERT with these tasks: with the weights of a folder, or new ones.

        Raises:
            CheckpointError: The folder holds no model.
        """
        torch.manual_seed(seed)
        settings = {**self.config.to_dict(), "tasks": {name: list(labels) for name, labels in tasks.items()}}
        config = VideoBERTConfig(**settings)
        if weights is None:
            return VideoBERTForSequenceClassification(config)
        if not (weights / CONFIG_FILE).is_file():
            raise CheckpointError(f"{weights} holds no model: {CONFIG_FILE} is missing.")
        return VideoBERTForSequenceClassification.from_pretrained(
            weights, config=config, ignore_mismatched_sizes=True
        )
