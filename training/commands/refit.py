"""`videobert-train refit`: a checkpoint and a few labels of one's own in, the same with better heads out."""

import argparse
import os
from pathlib import Path

from models.refit_report import MODEL_FOLDER, Progress
from training.commands import SubParsers
from training.commands.footage_options import count
from training.commands.task_options import (
    add_label_options,
    add_place_options,
    place_of,
    renamed_for,
    task_pair,
)
from training.examples import Example, TaskData
from training.refit import Refit, refit, report_of, write_refit
from training.reports import show
from training.trained_export import load_trained
from training.workshop import Workshop


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("refit", help="move a checkpoint's heads towards a few labels of your own")
    parser.add_argument(
        "--task",
        action="append",
        required=True,
        type=task_pair,
        metavar="NAME=DIR",
        help="a data folder and the task that it teaches; may be given several times",
    )
    add_label_options(parser)
    add_place_options(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the report, and the model in it"
    )
    parser.add_argument("--version", required=True, metavar="TEXT", help="of the new model")
    parser.add_argument("--progress", type=Path, metavar="FILE", help="JSON that says how far it is")
    parser.add_argument("--nice", type=count, metavar="N", help="let others go first, as nice -n N does")
    parser.set_defaults(run=run)


class Teller:
    """Says what is done, on the screen and in a file; each thing is one step."""

    def __init__(self, total: int, file: Path | None) -> None:
        self._progress = Progress(total=total)
        self._file = file
        self._begun = False

    def __call__(self, doing: str) -> None:
        """Say that the last step is done, if there was one, and what comes now."""
        done = self._progress.done + self._begun
        self._begun = True
        self._progress = Progress(done=done, total=self._progress.total, doing=doing)
        print(f"{done} of {self._progress.total}: {doing}", flush=True)
        if self._file is not None:
            self._progress.save(self._file)


def run(options: argparse.Namespace) -> int:
    """Refit into DIR: a report, and a model where one of the tasks got better."""
    if options.nice:
        os.nice(options.nice)
    workshop = Workshop.open(place_of(options))
    examples = _examples(workshop, options)
    recordings = dict.fromkeys(example.segment.file for of in examples.values() for example in of)
    tell = Teller(len(recordings) + len(examples) + 1, options.progress)
    for recording in recordings:
        tell("reading clips")
        workshop.store.file(Path(recording))
    model = load_trained(workshop.checkpoint.folder)
    report = report_of(workshop.checkpoint, options.version, refit(workshop, model, examples, tell=tell))
    tell("writing")
    options.out.mkdir(parents=True, exist_ok=True)
    if report.better:
        to_write = Refit(options.version, options.out / MODEL_FOLDER)
        every = [example for of in examples.values() for example in of]
        write_refit(workshop, model, to_write, examples=every)
    report.save(options.out)
    show(report.model_dump(by_alias=True), None)
    return 0


def _examples(workshop: Workshop, options: argparse.Namespace) -> dict[str, list[Example]]:
    """Return the labelled clips of every task.

    Raises:
        DataError: A folder is wrong, or a task is unknown.
    """
    found: dict[str, list[Example]] = {}
    for task, folder in options.task:
        data = TaskData(task, Path(folder), renamed_for(task, options.rename), options.group_by)
        found.setdefault(task, []).extend(workshop.examples([data], workshop.config.tasks))
    return found
