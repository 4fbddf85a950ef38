"""Models and calibration pictures in, the files of a checkpoint folder out."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.checkpoint import (
    CONFIG_FILE,
    FRAME_ENCODER_FILE,
    SEARCH_FILE,
    SURPRISE_FILE,
    TEMPORAL_FILE,
    TEXT_STATES_FILE,
    WEIGHTS_FILE,
    Checkpoint,
    Task,
    save_checkpoint,
    sha256_of,
)
from models.configuration import Size, VideoBERTConfig
from models.files import replaced_folder
from models.frame_encoder import FrameEncoder, pretrained_frame_encoder
from models.heads import VideoBERTForSequenceClassification
from models.processing import VideoBERTTokenizer
from models.text_states import TextStates
from training.frame_encoder_export import export_frame_encoder
from training.temporal_export import example_inputs, export_temporal

# What every clip is read with until cameras have descriptions of their own.
TEXT = "a fixed surveillance camera"
VERSION = "0.3.0"
# What a checkpoint may lack: nothing of it is in the weights of its VideoBERT.
EXTRAS = (SURPRISE_FILE, SEARCH_FILE)

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Models:
    """What is exported: both models in eval mode, and the text states that clips are read with."""

    frames: FrameEncoder
    temporal: VideoBERTForSequenceClassification
    text: TextStates
    trained: bool = False


def untrained_models(size: Size, *, seed: int, kinds: Sequence[str]) -> Models:
    """Return a VideoBERT with random weights beside the pretrained frame encoder and text tower.

    `kinds` are the pictures that it sees of each frame (`models.motion.Picture`).
    """
    torch.manual_seed(seed)
    temporal = VideoBERTForSequenceClassification(VideoBERTConfig.of_size(size, pictures=tuple(kinds)))
    round_weights(temporal)
    temporal.train(mode=False)
    return Models(frames=pretrained_frame_encoder(), temporal=temporal, text=encode_text(temporal, TEXT))


def encode_text(model: VideoBERTForSequenceClassification, text: str) -> TextStates:
    """Run the text tower over one sentence."""
    tokens = VideoBERTTokenizer.from_package()(text, return_tensors="pt")
    with torch.inference_mode():
        states = model.videobert.encode_text(tokens["input_ids"], tokens["attention_mask"])
    return TextStates(states=states[0].numpy(), mask=tokens["attention_mask"][0].bool().numpy())


def write_checkpoint(models: Models, pictures: U8, *, folder: Path, name: str) -> Checkpoint:
    """Write weights, configuration, both int8 models, text states and their description into `folder`.

    `pictures` (N, S, S, 3) are what the frame encoder is scaled to int8 on.
    """
    export_frame_encoder(models.frames, pictures, folder / FRAME_ENCODER_FILE)
    return write_temporal(models, folder=folder, name=name)


def keep_frame_encoder(base: Checkpoint, folder: Path, config: VideoBERTConfig) -> None:
    """Copy what stays where a checkpoint's VideoBERT is exchanged for one of this configuration.

    That is the frame encoder; and what rests on it alone, where the new VideoBERT reads such clips, too.
    """
    shutil.copyfile(base.path(FRAME_ENCODER_FILE), folder / FRAME_ENCODER_FILE)
    theirs = (tuple(config.pictures), config.num_frames, config.sample_fps)
    reads_alike = theirs == (base.pictures, base.num_frames, base.sample_fps)
    for file in EXTRAS if reads_alike else ():
        if file in base.files:
            shutil.copyfile(base.path(file), folder / file)


def write_temporal(models: Models, *, folder: Path, name: str) -> Checkpoint:
    """Write all but what lies in `folder` already, as `keep_frame_encoder` put it there."""
    example = example_inputs(models.temporal.config, models.text)
    export_temporal(models.temporal, example, folder / TEMPORAL_FILE)
    models.text.save(folder / TEXT_STATES_FILE)
    save_weights(models.temporal, folder)
    checkpoint = describe(models, folder, name=name)
    save_checkpoint(checkpoint)
    return checkpoint


@contextmanager
def added_file(checkpoint: Checkpoint, name: str) -> Iterator[Path]:
    """Give a path for one more file, which the checkpoint lists if the block ends well, or is as it was."""
    with replaced_folder(checkpoint.folder) as folder:
        shutil.copytree(checkpoint.folder, folder, dirs_exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        yield folder / name
        files = {**checkpoint.files, name: sha256_of(folder / name)}
        save_checkpoint(replace(checkpoint, folder=folder, files=files))


def save_weights(model: VideoBERTForSequenceClassification, folder: Path) -> None:
    """Write the weights as float16, half the size, with a configuration that loads them as float32."""
    cast_weights(model, torch.float16)
    model.save_pretrained(folder)
    cast_weights(model, torch.float32)
    model.config.save_pretrained(folder)


def round_weights(model: nn.Module) -> None:
    """Let a model be what a reader of its file gets: weights are kept as float16, and read as float32."""
    cast_weights(model, torch.float16)
    cast_weights(model, torch.float32)


def cast_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Convert a model's weights in place; its configuration says so too."""
    model.to(dtype)
    model.config.dtype = dtype


def describe(models: Models, folder: Path, *, name: str) -> Checkpoint:
    """Return the description of the checkpoint whose files lie in `folder`, without any threshold."""
    config: VideoBERTConfig = models.temporal.config
    files = [FRAME_ENCODER_FILE, TEMPORAL_FILE, TEXT_STATES_FILE, WEIGHTS_FILE, CONFIG_FILE]
    files += [file for file in EXTRAS if (folder / file).is_file()]
    return Checkpoint(
        folder=folder,
        name=name,
        version=VERSION,
        trained=models.trained,
        pictures=tuple(config.pictures),
        picture_px=config.picture_px,
        num_frames=config.num_frames,
        sample_fps=config.sample_fps,
        stride_s=config.stride_s,
        feature_dim=config.feature_dim,
        motion_dim=config.motion_dim,
        embedding_dim=config.embedding_dim,
        tasks={task: Task(tuple(labels), (None,) * len(labels)) for task, labels in config.tasks.items()},
        files={file: sha256_of(folder / file) for file in files},
    )
