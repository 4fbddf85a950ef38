"""`videobert-train export`: writes an int8 checkpoint that the daemon runs: of a trained model or new."""

import argparse
from dataclasses import asdict
from pathlib import Path

from models.checkpoint import DEFAULT_DIR
from models.configuration import SIZES
from models.motion import PICTURES
from training.commands import SubParsers
from training.commands.footage_options import DEFAULT_CACHE, positive
from training.data_folder import DataError, load_data_folder
from training.export import ExportSettings, export
from training.normal_footage import footage_of
from training.reports import show
from training.thresholds import Promise
from training.trained_export import TrainedExport, export_trained
from training.workshop import Place, Workshop


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("export", help="write an int8 checkpoint that the daemon runs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="checkpoint folder to write")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=Path, metavar="DIR", help="fine-tuned model, such as RUN/model")
    source.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="no model yet: videos to scale the frame encoder's int8 on, like those of the cameras to come",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    _add_options_of_trained(parser)
    _add_options_of_new(parser)
    parser.set_defaults(run=run)


def _add_options_of_trained(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with --model")
    group.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_DIR, metavar="DIR", help="whose frame encoder it is"
    )
    group.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where features are kept"
    )
    group.add_argument(
        "--normal",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="ordinary footage, in no training set, that the thresholds are chosen on",
    )
    group.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="[TASK:]NAME",
        help="labels or groups to leave out of it, for all tasks or for one",
    )
    group.add_argument(
        "--per-hour",
        nargs="+",
        type=_rate,
        default=[("", 1.0)],
        metavar="[TASK=]N",
        help="false events an hour to promise at most, for all tasks or for one",
    )
    group.add_argument("--notes", type=Path, metavar="FILE", help="Markdown for the model card")


def _add_options_of_new(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with --calibration")
    group.add_argument("--size", choices=sorted(SIZES), default="small", help="size of VideoBERT")
    group.add_argument(
        "--kinds",
        nargs="+",
        choices=PICTURES,
        default=["lags"],
        metavar="KIND",
        help=f"pictures of each frame, of {', '.join(PICTURES)}; the anomaly side reads the first",
    )
    group.add_argument("--seed", type=int, default=0, help="of the untrained weights")
    group.add_argument("--pictures", type=int, default=64, metavar="N", help="calibration pictures")


def run(options: argparse.Namespace) -> int:
    """Export as the options say."""
    report = _export_trained(options) if options.model else _export_new(options)
    show(report, options.json)
    return 0


def _export_trained(options: argparse.Namespace) -> dict[str, object]:
    workshop = Workshop.open(Place(options.checkpoint, options.cache, device="cpu"))
    normal = footage_of([load_data_folder(path) for path in options.normal], options.without)
    rates = dict(options.per_hour)
    settings = TrainedExport(
        model=options.model,
        out=options.out,
        normal=normal,
        promise=Promise(rates.pop("", 1.0)),
        promises={task: Promise(rate) for task, rate in rates.items()},
        notes=_read(options.notes) if options.notes else "",
    )
    return asdict(export_trained(workshop, settings))


def _read(notes: Path) -> str:
    try:
        return notes.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The notes {notes} cannot be read: {error}.") from error


def _rate(text: str) -> tuple[str, float]:
    task, _, number = text.rpartition("=")
    return task, positive(number)


def _export_new(options: argparse.Namespace) -> dict[str, object]:
    settings = ExportSettings(
        out=options.out,
        calibration=options.calibration,
        size=options.size,
        seed=options.seed,
        num_pictures=options.pictures,
        kinds=tuple(options.kinds),
    )
    return asdict(export(settings))
