"""The command `videobert-train`: one sub-command per stage of the training side."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from models.errors import VideobertdError
from training.commands import COMMANDS

CANNOT_START = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; return what it returns, or 3 where it cannot start; bad usage exits with 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Only the command that is meant is imported: some of them take seconds to load torch.
    meant = [name for name in COMMANDS if given[:1] == [name]]
    options = build_parser(meant or COMMANDS).parse_args(given)
    try:
        exit_code: int = options.run(options)
    except VideobertdError as error:
        print(f"videobert-train: {error}", file=sys.stderr)
        return CANNOT_START
    return exit_code


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser; each sub-command adds itself and sets `run`."""
    parser = argparse.ArgumentParser(
        prog="videobert-train", description="Make and measure VideoBERT checkpoints."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in commands:
        import_module(f"training.commands.{name.replace('-', '_')}").add(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
