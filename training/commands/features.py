"""`videobert-train features`: encodes the recordings of data folders once and keeps their features."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from training.commands import SubParsers
from training.commands.footage_options import add_footage_options, extract, load_folders, open_store
from training.reports import show

SOME_FAILED = 1


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("features", help="encode the recordings of data folders into a cache")
    add_footage_options(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fill the cache; return 1 where a recording cannot be read."""
    folders = load_folders(options)
    store = open_store(options)
    report = extract(store, folders)
    fingerprints = {str(folder.path): folder.fingerprint() for folder in folders}
    cache = str(options.cache / store.key)
    show(asdict(report) | {"cache": cache, "fingerprints": fingerprints}, options.json)
    for reason in report.failed.values():
        print(f"videobert-train: {reason}", file=sys.stderr)
    return SOME_FAILED if report.failed else 0
