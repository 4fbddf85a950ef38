"""`videobert-train export`: writes an int8 checkpoint that the daemon runs."""

import argparse
from dataclasses import asdict
from pathlib import Path

from models.configuration import SIZES
from models.motion import PICTURES
from training.commands import SubParsers
from training.export import ExportSettings, export
from training.reports import show


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("export", help="write an int8 checkpoint that the daemon runs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="checkpoint folder to write")
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="size of VideoBERT")
    parser.add_argument(
        "--calibration",
        type=Path,
        required=True,
        metavar="DIR",
        help="videos to scale int8 on: like those of the cameras to come",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=PICTURES,
        default=["lags"],
        metavar="KIND",
        help=f"pictures of each frame, of {', '.join(PICTURES)}; the anomaly side reads the first",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the untrained weights")
    parser.add_argument("--pictures", type=int, default=64, metavar="N", help="calibration pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Export as the options say."""
    settings = ExportSettings(
        out=options.out,
        calibration=options.calibration,
        size=options.size,
        seed=options.seed,
        num_pictures=options.pictures,
        kinds=tuple(options.kinds),
    )
    show(asdict(export(settings)), options.json)
    return 0
