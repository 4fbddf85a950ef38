"""The options that say which folders teach which tasks, and how their recordings are cut."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from models.checkpoint import DEFAULT_DIR
from training.commands.footage_options import DEFAULT_CACHE, count, positive
from training.data_folder import load_data_folder
from training.examples import TaskData
from training.workshop import Place


def add_task_options(parser: argparse.ArgumentParser) -> None:
    """Add --task NAME=DIR, --busiest NAME and the options of `add_reading_options`."""
    add_folders(parser)
    add_reading_options(parser, busiest_by_task=True)


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add --task NAME=DIR."""
    parser.add_argument(
        "--task",
        action="append",
        required=True,
        type=task_pair,
        metavar="NAME=DIR",
        help="a data folder and the task that it teaches; may be given several times",
    )


def add_reading_options(parser: argparse.ArgumentParser, *, busiest_by_task: bool = False) -> None:
    """Add the options that say how labelled recordings are read and cut."""
    add_label_options(parser)
    busiest = "of each recording only the clip with the most motion counts"
    middle = "the live clip about the middle of each segment is learned from, too"
    if busiest_by_task:
        for name, help_text in (("--busiest", busiest), ("--middle", middle)):
            parser.add_argument(
                name, action="append", default=[], metavar="NAME", help=f"{help_text}, in this task"
            )
    else:
        parser.add_argument("--busiest", action="store_true", help=busiest)
        parser.add_argument("--middle", action="store_true", help=middle)
    add_place_options(parser)
    parser.add_argument("--windows", type=count, default=3, metavar="N", help="clips per segment at most")


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """Add --rename and --group-by."""
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        type=task_pair,
        metavar="[TASK:]OLD=NEW",
        help="take a folder's label for one of the task's",
    )
    parser.add_argument(
        "--group-by", default="group", metavar="COLUMN", help="column whose values are kept together"
    )


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `place_of` reads."""
    parser.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_DIR, metavar="DIR", help="its frame encoder and tasks"
    )
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where features are kept"
    )
    parser.add_argument(
        "--sample-fps", type=positive, metavar="N", help="frames a second, the checkpoint's by default"
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="of encoder and training"
    )
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="CPU threads of the encoder")
    parser.add_argument("--frames", type=count, metavar="T", help="longest clip, the checkpoint's by default")


def place_of(options: argparse.Namespace) -> Place:
    """Return where things are and how they are read."""
    return Place(
        checkpoint=options.checkpoint,
        cache=options.cache,
        device=options.device,
        threads=options.threads,
        sample_fps=options.sample_fps,
        num_frames=options.frames,
    )


def folder_data(options: argparse.Namespace, folder: Path) -> TaskData:
    """Return a folder that teaches --task, read as the options of `add_reading_options` say."""
    return TaskData(
        options.task,
        folder,
        renamed_for(options.task, options.rename),
        options.group_by,
        busiest=options.busiest,
        middle=options.middle,
    )


def task_data(options: argparse.Namespace) -> list[TaskData]:
    """Return the folders that the options name."""
    return [
        TaskData(
            task,
            Path(folder),
            renamed_for(task, options.rename),
            options.group_by,
            busiest=task in options.busiest,
            middle=task in options.middle,
        )
        for task, folder in options.task
    ]


def renamed_for(task: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the new names of labels that hold for a task: `fall:walk=normal` for one, `walk=go` for all."""
    named = {}
    for old, new in pairs:
        scope, colon, label = old.rpartition(":")
        if not colon or scope == task:
            named[label] = new
    return named


def fingerprint(data: Iterable[TaskData], unlabelled: Iterable[Path] = ()) -> str:
    """Return the fingerprints of the folders, joined."""
    folders = [load_data_folder(one.path) for one in data]
    folders += [load_data_folder(path, unnamed=True) for path in unlabelled]
    return " ".join(folder.fingerprint() for folder in folders)


def task_pair(text: str) -> tuple[str, str]:
    """Read NAME=VALUE."""
    left, _, right = text.partition("=")
    if not (left and right):
        raise argparse.ArgumentTypeError(f"{text!r} has no '=' between two names")
    return left, right
