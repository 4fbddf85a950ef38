"""`videobert-train select`: ranks unlabelled clips by how much a label of theirs would teach."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.configuration import VideoBERTConfig
from models.runtime import open_encoder
from training.candidates import Asked, CandidateReader, Candidates, demand_place, write_table
from training.commands import SubParsers
from training.commands.footage_options import (
    add_footage_options,
    extract,
    load_folders,
    open_store,
    positive,
    readable,
)
from training.reports import show
from training.selection import STRATEGIES, Selected, SelectionSettings, select

SOME_FAILED = 1


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("select", help="rank unlabelled clips for labelling")
    add_footage_options(parser)
    parser.add_argument("--task", required=True, metavar="NAME", help="the task that is to be taught")
    parser.add_argument(
        "--strategy", choices=STRATEGIES, default="badge", help="what makes a clip worth a label"
    )
    parser.add_argument("--count", type=whole, default=20, metavar="N", help="clips to choose")
    parser.add_argument(
        "--gap-s",
        type=positive,
        default=SelectionSettings("badge", 1).gap_s,
        metavar="S",
        help="seconds between two clips of one recording at least, so that they are two events",
    )
    parser.add_argument("--seed", type=int, default=0, help="of BADGE's draws")
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="segments.csv to write, or to continue, its labels to fill in",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Choose clips; return 1 where a recording cannot be read."""
    folders, asked = load_folders(options, unnamed=True), None
    if options.csv:
        demand_place(options.csv, folders)
        asked = Asked.of_table(options.csv)
    store = open_store(options)
    encoder = open_encoder(options.checkpoint, device=options.device, threads=options.threads)
    # A checkpoint with a linear path is taught through it, whatever its deep path knows.
    statistics = bool(VideoBERTConfig.from_pretrained(options.checkpoint).statistics)
    reader = CandidateReader(encoder, store, options.task, statistics=statistics)
    extraction = extract(store, folders)
    candidates = reader.read(readable(folders, extraction), asked)
    settings = SelectionSettings(options.strategy, options.count, options.gap_s, options.seed)
    chosen = select(candidates.pool, settings)
    if options.csv:
        write_table(options.csv, [candidates.clips[pick.index] for pick in chosen])
    labels = encoder.checkpoint.tasks[options.task].labels
    report = {
        "task": options.task,
        **asdict(settings),
        "unlabelled_clips": len(candidates.clips),
        "selected": [row(candidates, pick, labels) for pick in chosen],
        "failed": extraction.failed,
    }
    show(report, options.json)
    for reason in extraction.failed.values():
        print(f"videobert-train: {reason}", file=sys.stderr)
    return SOME_FAILED if extraction.failed else 0


def row(candidates: Candidates, pick: Selected, labels: Sequence[str]) -> dict[str, Any]:
    """Return what the report says of a chosen clip."""
    clip = candidates.clips[pick.index]
    probabilities = candidates.pool.probabilities[pick.index]
    return {
        "file": clip.file,
        "folder": str(clip.folder),
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "score": pick.score,
        "probabilities": {label: round(float(p), 4) for label, p in zip(labels, probabilities, strict=True)},
    }


def whole(text: str) -> int:
    """Return a whole number above 0."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
