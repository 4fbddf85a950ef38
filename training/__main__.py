"""The command `videobert-train`: one sub-command per stage of the training side."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from models.configuration import SIZES
from models.errors import VideobertdError
from training.export import ExportSettings, export

CANNOT_START = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; return 0, or 3 where it cannot start; bad usage exits with 2."""
    options = build_parser().parse_args(arguments)
    try:
        exit_code: int = options.run(options)
    except VideobertdError as error:
        print(f"videobert-train: {error}", file=sys.stderr)
        return CANNOT_START
    return exit_code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; each sub-command adds itself and sets `run`."""
    parser = argparse.ArgumentParser(
        prog="videobert-train", description="Make and measure VideoBERT checkpoints."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_export(commands)
    return parser


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    parser.add_argument("--seed", type=int, default=0, help="of the untrained weights")
    parser.add_argument("--pictures", type=int, default=64, metavar="N", help="calibration pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    settings = ExportSettings(
        out=options.out,
        calibration=options.calibration,
        size=options.size,
        seed=options.seed,
        num_pictures=options.pictures,
    )
    report = json.dumps(asdict(export(settings)), indent=2)
    print(report)
    if options.json:
        options.json.write_text(report + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
