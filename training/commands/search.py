"""`videobert-train search`: fits what the daemon's search compares clips by, and adds it to a checkpoint."""

import argparse
from pathlib import Path

import numpy as np
import torch

from models.checkpoint import SEARCH_FILE, Checkpoint
from models.clip_vector import column_weights
from training.checkpoint_files import added_file
from training.commands import SubParsers
from training.commands.task_options import (
    add_folders,
    add_label_options,
    add_place_options,
    place_of,
    task_data,
)
from training.reports import show
from training.search_material import read_clips, read_words, text_tower
from training.search_model import Projection, ReadClips, align, fit_projection, search_arrays
from training.workshop import Workshop


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("search", help="fit what events are searched by, and add it to a checkpoint")
    add_folders(parser)
    add_label_options(parser)
    add_place_options(parser)
    parser.add_argument(
        "--trust",
        default="",
        metavar="TEXT",
        help="what the page says of how well words find clips (python -m benchmarks.retrieval measures it)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run, busiest=[], middle=[])  # each segment has one clip


def run(options: argparse.Namespace) -> int:
    """Fit projection and words on all clips; the checkpoint has them when this returns."""
    torch.manual_seed(0)
    workshop = Workshop.open(place_of(options))
    clips = read_clips(workshop, task_data(options))
    projection = fit_projection(clips, weights_of(workshop))
    words = align(projection.of(clips), clips.labels, read_words(text_tower(), workshop.checkpoint.folder))
    with added_file(workshop.checkpoint, SEARCH_FILE) as target:
        np.savez_compressed(
            target, allow_pickle=False, **search_arrays(projection, words, trust=options.trust)
        )
    show(report(clips, projection, workshop.checkpoint), options.json)
    return 0


def weights_of(workshop: Workshop) -> np.ndarray:
    """Return what each column weighs, for the pictures of a checkpoint."""
    config = workshop.config
    return column_weights(len(config.pictures), feature_dim=config.feature_dim, motion_dim=config.motion_dim)


def report(clips: ReadClips, projection: Projection, checkpoint: Checkpoint) -> dict[str, object]:
    """Return what was fitted on what."""
    labels, counts = np.unique(clips.labels, return_counts=True)
    return {
        "clips": len(clips),
        "groups": len(np.unique(clips.groups)),
        "labels": dict(zip(map(str, labels), map(int, counts), strict=True)),
        "numbers": projection.matrix.shape[1],
        "file": str(checkpoint.folder / SEARCH_FILE),
        "bytes": (checkpoint.folder / SEARCH_FILE).stat().st_size,
    }
