"""`videobert-train compare`: reports of evaluate in, how much better each is than the first out."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from training.commands import SubParsers
from training.comparison import Difference, compare_reports
from training.label_tables import DataError
from training.report import Report
from training.reports import write_json


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("compare", help="pair evaluations fold by fold: is one better than another?")
    parser.add_argument("baseline", type=Path, metavar="BASELINE", help="report that evaluate wrote")
    parser.add_argument(
        "reports", type=Path, nargs="+", metavar="REPORT…", help="others, of the same clips and folds"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the differences there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the accuracies and the differences in points."""
    baseline = _load(options.baseline)
    found = {
        str(path): compare_reports(baseline, _load(path)) for path in (options.baseline, *options.reports)
    }
    Console(width=140).print(_table(found))
    if options.json:
        write_json(options.json, {path: asdict(difference) for path, difference in found.items()})
    return 0


def _load(path: Path) -> Report:
    try:
        return Report.load(path)
    except (OSError, ValidationError) as error:
        raise DataError(f"{path} is no report of evaluate.") from error


def _table(found: Mapping[str, Difference]) -> Table:
    drawn = Table(title="accuracy, and the difference to the first in points, paired by fold and seed")
    for heading in ("report", "accuracy", "difference", "standard error", "95 %", "runs"):
        drawn.add_column(heading)
    for number, (path, one) in enumerate(found.items()):
        cells = [f"{100 * one.difference:+.1f}", f"{100 * one.standard_error:.1f}"]
        cells.append(f"{100 * one.low:+.1f} … {100 * one.high:+.1f}")
        drawn.add_row(path, f"{one.accuracy:.3f}", *(cells if number else [""] * 3), str(one.runs))
    return drawn
