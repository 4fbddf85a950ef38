"""`videobert-train alarms`: how often a checkpoint would have alarmed on ordinary footage, by camera rate."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.checkpoint import DEFAULT_DIR
from models.runtime import open_encoder
from training.alarms import LabelAlarms, count_alarms
from training.commands import SubParsers
from training.commands.footage_options import DEFAULT_CACHE, count, positive
from training.data_folder import load_data_folder
from training.features import FeatureStore
from training.footage import Footage
from training.normal_footage import footage_of
from training.reports import write_json

OWN = "own"  # the rate of the recordings
RATES = (None, 15.0, 10.0)


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("alarms", help="count a checkpoint's events on ordinary footage")
    parser.add_argument(
        "--footage",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="data folders in which nothing happens, in no training set",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="[TASK:]NAME",
        help="labels or groups to leave out of it, for all tasks or for one",
    )
    parser.add_argument(
        "--camera-fps",
        type=_rates,
        default=RATES,
        metavar="N,…",
        help="frames a second that cameras send, or 'own' for those of the footage; own,15,10 by default",
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_DIR, metavar="DIR", help="whose thresholds they are"
    )
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where features are kept"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="of the encoder")
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="CPU threads of the encoder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table; write the report."""
    encoder = open_encoder(options.checkpoint, device=options.device, threads=options.threads)
    store = FeatureStore(options.cache, encoder, Footage.of_checkpoint(encoder.checkpoint))
    footage = footage_of([load_data_folder(path) for path in options.footage], options.without)
    found = [
        alarms
        for camera_fps in options.camera_fps
        for alarms in count_alarms(encoder, store, footage, camera_fps=camera_fps)
    ]
    console = Console(width=120)
    console.print(_table(found))
    for alarms in found:
        for recording, events in alarms.recordings.items():
            console.print(f"{alarms.threshold.label} at {_rate(alarms.camera_fps)}: {events} in {recording}")
    if options.json:
        alarms_found = [_record(one) for one in found]
        write_json(options.json, {"checkpoint": str(options.checkpoint), "alarms": alarms_found})
    return 0


def _table(found: Sequence[LabelAlarms]) -> Table:
    drawn = Table(title="events on ordinary footage")
    for heading in ("task", "label", "threshold", "camera", "events", "hours", "an hour", "at most, 95 %"):
        drawn.add_column(heading)
    for one in found:
        alarms = one.false_alarms
        drawn.add_row(
            one.threshold.task,
            one.threshold.label,
            f"{one.threshold.probability:.3f}",
            _rate(one.camera_fps),
            str(alarms.events),
            f"{alarms.hours:.2f}",
            f"{one.per_hour:.2f}",
            f"{alarms.at_most_per_hour:.2f}",
        )
    return drawn


def _record(one: LabelAlarms) -> dict[str, object]:
    return {
        "task": one.threshold.task,
        "label": one.threshold.label,
        "threshold": one.threshold.probability,
        "camera_fps": one.camera_fps,
        "events": one.false_alarms.events,
        "hours": one.false_alarms.hours,
        "per_hour": one.per_hour,
        "at_most_per_hour": one.false_alarms.at_most_per_hour,
        "recordings": dict(one.recordings),
    }


def _rate(camera_fps: float | None) -> str:
    return "own rate" if camera_fps is None else f"{camera_fps:g} fps"


def _rates(text: str) -> tuple[float | None, ...]:
    return tuple(None if part == OWN else positive(part) for part in text.split(","))
