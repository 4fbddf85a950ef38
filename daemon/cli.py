"""The command line in, an exit code out: 0 well, 1 crashed, 2 wrong usage, 3 cannot start."""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from daemon.app import run_daemon
from daemon.check import run_check
from daemon.demo.run import run_demo
from daemon.events_command import EventsRequest, run_events
from daemon.exit_codes import EXIT_CANNOT_START, EXIT_OK
from daemon.import_command import run_import
from daemon.notify_command import run_notify_test
from daemon.replay_command import ReplayRequest, run_replay
from daemon.state_command import StateRequest, run_state
from daemon.user_command import add_user_commands, run_user
from pipeline.errors import CheckpointError, SettingsError, StateError
from pipeline.types import EventKind

DEFAULT_CONFIG = Path("config.toml")
MAX_LIMIT = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is told in plain lines."""
    options = build_parser().parse_args(arguments)
    try:
        return _dispatch(options)
    except (SettingsError, CheckpointError, StateError) as error:
        print(error, file=sys.stderr)
        return EXIT_CANNOT_START
    except KeyboardInterrupt:
        return EXIT_OK
    except BrokenPipeError:  # `videobertd events | head`: nobody reads on, and nobody is to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; docs/cli.md is held against it."""
    parser = argparse.ArgumentParser(
        prog="videobertd",
        description="Cameras in, anomaly and behaviour events out over MQTT, by VideoBERT.",
    )
    parser.add_argument("--version", action="version", version=f"videobertd {version('videobertd')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_config(commands.add_parser("run", help="run the daemon"))
    _add_demo(commands.add_parser("demo", help="show the daemon at work on cameras of its own"))
    _add_config(commands.add_parser("check", help="check the settings, each camera and the broker"))
    _add_notify_test(commands.add_parser("notify-test", help="send a test message to each service"))
    _add_import(commands.add_parser("import-frigate", help="make settings from a Frigate configuration"))
    _add_replay(commands.add_parser("replay", help="print the events of videos or folders of images"))
    _add_events(commands.add_parser("events", help="print the event log"))
    add_user_commands(
        commands.add_parser("user", help="who may log in to the page, and tokens for programs"),
        add_config=_add_config,
    )
    _add_state(commands.add_parser("state", help="take along what a camera has learned"))
    return parser


def _above_zero(text: str) -> float:
    with suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text} is not allowed: must be a number above 0")


def _count(text: str) -> int:
    with suppress(ValueError):
        if 1 <= (number := int(text)) <= MAX_LIMIT:
            return number
    raise argparse.ArgumentTypeError(f"{text} is not allowed: must be a whole number from 1 to {MAX_LIMIT}")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="settings (%(default)s)"
    )


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=_above_zero, metavar="N", help="end by itself; exit 0 if events arrived"
    )
    parser.add_argument(
        "--video", metavar="SOURCE", help="a file or URL to show in place of the rendered cameras"
    )


def _add_notify_test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="tables of the settings; without it all")
    _add_config(parser)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="FRIGATE.yml", help="Frigate's configuration")
    parser.add_argument(
        "--output", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="settings to write (%(default)s)"
    )


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a video or a folder of images")
    parser.add_argument(
        "--learn", nargs="+", default=[], metavar="SOURCE", help="what is normal, seen before the sources"
    )
    parser.add_argument(
        "--budget", type=_above_zero, metavar="N", help="accepted alarms a day (one in the time learned)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings; without it the defaults")


def _add_events(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("--follow", action="store_true", help="wait for new events until Ctrl-C")
    parser.add_argument("--camera", metavar="NAME", help="only this camera")
    parser.add_argument("--kind", choices=[str(kind) for kind in EventKind], help="only this kind")
    parser.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="the newest messages (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, as published")


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["export", "import"], metavar="ACTION", help="export or import")
    parser.add_argument("camera", metavar="CAMERA", help="its name in the settings")
    parser.add_argument("file", type=Path, metavar="FILE", help="the file outside the data folder")
    _add_config(parser)


def _dispatch(options: argparse.Namespace) -> int:
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": lambda given: run_daemon(given.config),
        "demo": lambda given: run_demo(given.seconds, given.video),
        "check": lambda given: run_check(given.config),
        "notify-test": lambda given: run_notify_test(given.config, given.names),
        "import-frigate": lambda given: run_import(given.source, given.output),
        "replay": _replay,
        "events": _events,
        "user": run_user,
        "state": lambda given: run_state(given.config, StateRequest(given.action, given.camera, given.file)),
    }
    return commands[options.command](options)


def _replay(options: argparse.Namespace) -> int:
    request = ReplayRequest(
        tuple(options.sources), tuple(options.learn), config=options.config, budget_per_day=options.budget
    )
    return run_replay(request, as_json=options.json)


def _events(options: argparse.Namespace) -> int:
    kind = EventKind(options.kind) if options.kind else None
    query = EventsRequest(options.camera, kind, options.limit, follow=options.follow)
    return run_events(options.config, query, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
