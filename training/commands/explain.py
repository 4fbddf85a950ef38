"""`videobert-train explain`: whether the frames and regions that events name are those that count."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.occlusion import Query, mean_frames
from models.runtime import open_encoder
from training.commands import SubParsers
from training.commands.footage_options import count
from training.commands.task_options import add_reading_options, folder_data, place_of
from training.data_folder import DataError
from training.explanation_report import Findings, Gain
from training.faithfulness import curves, nothing_moves
from training.finetune import FineTuning
from training.held_out import HeldOut, held_out
from training.places import place, watch
from training.plots import insertion_figure, save_figure
from training.reports import write_json
from training.workshop import Workshop

MEAN, NOTHING = "the clip's mean frame", "a frame in which nothing moves"


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("explain", help="check explanations by deletion and insertion")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="labelled data folder")
    parser.add_argument("--task", required=True, metavar="NAME", help="task of two labels that they teach")
    add_reading_options(parser)
    parser.add_argument("--folds", type=count, default=5, metavar="K", help="parts of the groups")
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="DIR", help="what every fold learns from, too"
    )
    parser.add_argument(
        "--places", type=count, default=20, metavar="N", help="clips a fold to check regions on, at most"
    )
    parser.add_argument("--seed", type=count, default=1, metavar="N", help="of random orders and regions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write the curves there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the gains over chance; write report and curves.

    Raises:
        DataError: No clip is taken for what it is.
    """
    findings, rng = Findings(), np.random.default_rng(options.seed)
    workshop = Workshop.open(place_of(options))
    query = Query(options.task, 1)
    for fold in _folds(workshop, options, query):
        _measure(findings, fold, query, workshop=workshop, most_places=options.places, rng=rng)
    if not findings.groups:
        raise DataError("No clip that a fold's model has not seen is taken for what it shows.")
    frames, places = findings.frame_gains(), findings.place_gains()
    console = Console(width=120)
    for filling, of in frames.items():
        console.print(
            _table(f"{options.task}, {len(findings.groups)} clips: frames replaced by {filling}", of)
        )
    console.print(_table(f"{options.task}: regions, log-odds beyond random ones of equal size", places))
    if options.json:
        write_json(options.json, _report(options, findings))
    if options.plots:
        figure = insertion_figure(
            {name: (found.deletion, found.insertion) for name, found in findings.mean_curves(MEAN).items()}
        )
        save_figure(figure, options.plots / f"explain-{options.task}.png")
    return 0


def _folds(workshop: Workshop, options: argparse.Namespace, query: Query) -> Iterator[HeldOut]:
    tasks = {options.task: workshop.config.tasks.get(options.task, ())}
    folds = held_out(
        workshop,
        workshop.examples([folder_data(options, options.data)], tasks),
        query,
        frames=open_encoder(options.checkpoint, device=options.device, threads=options.threads),
        learning=FineTuning(deep=False, windows=options.windows),
        folds=options.folds,
        also=workshop.examples([folder_data(options, path) for path in options.also], tasks),
    )
    return iter(track(folds, "folds", total=options.folds, console=Console(stderr=True)))


def _measure(
    findings: Findings,
    fold: HeldOut,
    query: Query,
    *,
    workshop: Workshop,
    most_places: int,
    rng: np.random.Generator,
) -> None:
    for number, held in enumerate(fold.clips):
        group = held.cut.example.segment.group
        empty = {MEAN: mean_frames(held.clip), NOTHING: nothing_moves(fold.encoder, held.clip)}
        found = {
            name: curves(fold.encoder, held.clip, other, query=query, rng=rng)
            for name, other in empty.items()
        }
        findings.add_curves(group, found)
        if number < most_places:
            watched = watch(held, workshop.store.footage)
            findings.add_places(group, place(fold.encoder, watched, query, rng=rng))


def _table(title: str, gains: dict[str, dict[str, Gain]]) -> Table:
    drawn = Table(title=title)
    drawn.add_column("chosen by")
    for measure in next(iter(gains.values()), {}):
        drawn.add_column(measure)
    for name, of in gains.items():
        drawn.add_row(name, *(f"{one.mean:+.3f} ({one.low:+.3f} … {one.high:+.3f})" for one in of.values()))
    return drawn


def _report(options: argparse.Namespace, findings: Findings) -> dict[str, object]:
    return {
        "task": options.task,
        "data": str(options.data),
        "folds": options.folds,
        "clips": len(findings.groups),
        "groups": len(set(findings.groups)),
        "frames": {
            filling: {judge: {m: asdict(g) for m, g in of.items()} for judge, of in judges.items()}
            for filling, judges in findings.frame_gains().items()
        },
        "places": {
            name: {m: asdict(g) for m, g in of.items()} | {"clips": len(findings.placed[name])}
            for name, of in findings.place_gains().items()
        },
        "curves": {
            judge: {"deletion": found.deletion.tolist(), "insertion": found.insertion.tolist()}
            for judge, found in findings.mean_curves(MEAN).items()
        },
    }
