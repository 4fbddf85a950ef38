"""`videobert-train evaluate`: a checkpoint, or new models fold by fold, held against labelled clips."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.checkpoint import Task
from models.runtime import open_encoder
from training.commands import SubParsers
from training.commands.finetune import add_learning_options, learning_of, place_to_learn
from training.commands.footage_options import count
from training.commands.task_options import add_reading_options, folder_data
from training.crossvalidation import BLINDLY, CrossValidation, Fold, Protocol, counted_seeds
from training.evaluation import evaluate_checkpoint
from training.examples import Example
from training.hardware import Hardware
from training.int8_export import Int8Export
from training.label_tables import DataError
from training.plots import write_plots
from training.pretrained import PreTrained, unseen_by
from training.report import Prediction, Report, build_report, examples_of
from training.reports import shown
from training.workshop import Workshop

EACH_GROUP = "groups"


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("evaluate", help="measure a checkpoint, or its training fold by fold")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="labelled data folder")
    parser.add_argument("--task", required=True, metavar="NAME", help="task whose labels they are")
    add_reading_options(parser)
    parser.add_argument(
        "--folds",
        type=_folds,
        metavar="K",
        help="fine-tune a new model for each of K parts of the groups, or for each group ('groups'), and"
        " measure it on what it has not seen; without it the checkpoint is measured as it is",
    )
    _add_experiment_options(parser)
    add_learning_options(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument(
        "--reports", type=Path, metavar="DIR", help="write a report of each path there, to compare"
    )
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write pictures of it there")
    parser.set_defaults(run=run)


def _add_experiment_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--train",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="learn from these folders instead, all of them, and measure on --data",
    )
    parser.add_argument(
        "--also",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders that every fold's model learns from, too: more of what is normal, say",
    )
    parser.add_argument(
        "--blind",
        action="store_true",
        help="with --folds or --train: measure on the live clip about the middle of each segment, as a stream"
        " gives it",
    )
    parser.add_argument("--seeds", type=count, default=1, metavar="N", help="repeat the folds with N seeds")
    parser.add_argument(
        "--weights",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN",
        help="run folders of pretrain: a fold's model begins with the first that has seen none of its test",
    )
    parser.add_argument(
        "--int8", action="store_true", help="measure what the int8 export of each model says, too"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; write the reports and the pictures."""
    if options.folds is not None and options.train:
        raise DataError(
            "Either --folds or --train: clips are held out of one folder, or learned from others."
        )
    workshop = Workshop.open(place_to_learn(options))
    tasks = {options.task: workshop.config.tasks.get(options.task, ())}
    examples = workshop.examples([folder_data(options, options.data)], workshop.config.tasks)
    labels = list(tasks[options.task])
    if options.folds is None and not options.train:
        encoder = open_encoder(options.checkpoint, device=options.device, threads=options.threads)
        clips = workshop.clips([options.task])
        said = {"checkpoint": evaluate_checkpoint(encoder, clips, examples, windows=options.windows)}
        words = "the checkpoint as it is"
    else:
        words, folds = _taught(workshop, options, examples)
        said = _collected(folds)
    thresholds = _thresholds(workshop.checkpoint.tasks.get(options.task))
    reports = {
        voice: build_report(options.task, labels, found, protocol=words, thresholds=thresholds)
        for voice, found in said.items()
    }
    main_report = next(iter(reports.values()))
    console = Console(width=120)
    console.print(_table(reports))
    for line in _threshold_lines(main_report):
        console.print(line)
    if options.json:
        main_report.save(options.json)
    for voice, report in reports.items() if options.reports else ():
        report.save(options.reports / f"{voice}.json")
    if options.plots:
        write_plots(examples_of(labels, main_report.predictions), options.plots)
    return 0


def _taught(
    workshop: Workshop, options: argparse.Namespace, examples: Sequence[Example]
) -> tuple[str, Iterator[Fold]]:
    """Return the protocol in words, and what new models say fold by fold."""
    tasks = {options.task: workshop.config.tasks[options.task]}
    runs = [PreTrained.open(run) for run in options.weights]
    validation = CrossValidation(
        workshop.clips([options.task]),
        workshop.text,
        learning_of(options, seed=0),
        make=lambda seed, tested: workshop.model(unseen_by(runs, tested), tasks=tasks, seed=seed),
        export=Int8Export(workshop.checkpoint, workshop.text, workshop.num_frames) if options.int8 else None,
        hardware=Hardware(options.device),
        unlabelled=workshop.unlabelled(options.unlabelled, group_by=options.group_by),
    )
    seeds = tuple(range(options.seeds))
    if options.train:
        train = workshop.examples([folder_data(options, folder) for folder in options.train], tasks)
        names = ", ".join(folder.name for folder in options.train)
        of = BLINDLY if options.blind else ""
        words = f"learned from {names}, measured on {options.data.name}, {counted_seeds(seeds)}{of}"
        return words, validation.across(train, examples, seeds, blind=options.blind)
    protocol = Protocol(None if options.folds == EACH_GROUP else options.folds, seeds, blind=options.blind)
    also = workshop.examples([folder_data(options, path) for path in options.also], tasks)
    return protocol.words, validation.run(examples, protocol, also=also)


def _collected(folds: Iterator[Fold]) -> dict[str, list[Prediction]]:
    """Return the predictions of all folds by path, and say what each fold chose."""
    console, predictions = Console(stderr=True, width=120), dict[str, list[Prediction]]()
    for fold in track(folds, "folds", console=console):
        tuned = fold.tuned
        shares = ", ".join(f"{share:g}" for share in tuned.shares.values())
        console.print(
            f"seed {fold.seed}, fold {fold.number}: the deep path counts {shares}, {tuned.epochs} epochs;"
            f" {tuned.trained_share:.1%} of the weights learned"
        )
        for voice, said in fold.predictions.items():
            predictions.setdefault(voice, []).extend(said)
    return predictions


def _thresholds(task: Task | None) -> dict[str, float]:
    """Return the thresholds of the checkpoint's labels that have one."""
    if task is None:
        return {}
    pairs = zip(task.labels, task.thresholds, strict=True)
    return {label: threshold for label, threshold in pairs if threshold is not None}


def _threshold_lines(report: Report) -> Iterator[str]:
    for label, found in report.thresholds.items():
        yield (
            f"{label} reaches its threshold of {found.threshold:.3f} in {_percent(found.reached)} of the"
            f" {found.positives} clips that show it and in {_percent(found.reached_wrongly)} of the"
            f" {found.negatives} others"
        )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _folds(text: str) -> int | str:
    if text == EACH_GROUP:
        return text
    if not text.isdigit() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 2 nor '{EACH_GROUP}'")
    return int(text)


def _table(reports: Mapping[str, Report]) -> Table:
    first = next(iter(reports.values()))
    drawn = Table(title=f"{first.task}: {first.clips} clips of {first.groups} groups; {first.protocol}")
    for heading in ("model", "accuracy", "F1", "AUC", "AP", "ECE"):
        drawn.add_column(heading)
    for name, report in reports.items():
        spread = report.spread.get("accuracy")
        accuracy = shown(report.accuracy)
        if spread is not None and spread.count > 1:
            accuracy = f"{shown(spread.mean)} ± {shown(spread.deviation)}"
        drawn.add_row(name, accuracy, *map(shown, (report.macro_f1, report.auc, report.ap, report.ece)))
    return drawn
