"""`videobert-train surprise`: gives a checkpoint what says how badly the next second is guessed."""

import argparse
from dataclasses import asdict
from pathlib import Path

from training.commands import SubParsers
from training.commands.footage_options import (
    add_footage_options,
    extract,
    load_folders,
    open_store,
    readable,
)
from training.footage_clips import FootageOptions, read_footage
from training.reports import show
from training.surprise_export import add_surprise, load_pretrained
from training.windows import cut_batch

# As many clips, from all over the footage, are compared with what the model says of them.
PARITY_CLIPS = 200


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "surprise", help="let a checkpoint say how badly the next second is guessed, by a pre-trained model"
    )
    add_footage_options(parser)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="pre-trained, as RUN/model")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Export the measure, hold it against its model on the folders' clips, and put it into the checkpoint."""
    store, folders = open_store(options), load_folders(options, unnamed=True)
    checkpoint = store.checkpoint
    model = load_pretrained(options.model, checkpoint)
    settings = FootageOptions(checkpoint.num_frames, checkpoint.sample_fps)
    footage = read_footage(store, readable(folders, extract(store, folders)), settings)
    windows = [clip.window for clip in footage.clips[:: max(1, len(footage.clips) // PARITY_CLIPS)]]
    batch = cut_batch(windows, footage.files, num_frames=footage.num_frames)
    show(asdict(add_surprise(checkpoint, model, batch)), options.json)
    return 0
