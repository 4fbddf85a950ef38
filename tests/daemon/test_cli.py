"""The command line: what it prints, and with which exit code it ends."""

import json
import os
import subprocess
import sys

import pytest

from daemon.cli import build_parser, main
from daemon.event_log import open_log
from daemon.events_command import EventsRequest, read_events
from pipeline.clock import SystemClock
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests import media
from tests.logs import log_of

VIDEO = "clip.mp4"


@pytest.fixture
def config(tmp_path):
    """Return a settings file whose data folder is its own and whose broker is not there."""
    path = tmp_path / "config.toml"
    path.write_text(f'[mqtt]\nport = 1\n[storage]\ndata_dir = "{tmp_path}/data"\n', encoding="utf-8")
    return path


def event(camera="porch", label="unusual", kind=EventKind.ANOMALY):
    return Event("e1", camera, EventPhase.NEW, kind, label, 0.9, Severity.ALERT, 0.0, "Moves fast.", 0.0)


@pytest.fixture
def outbox(tmp_path):
    """Return the event log that a daemon with these settings would write."""
    with log_of(tmp_path / "data", SystemClock()) as log:
        yield log


def run(*arguments):
    """Run the program as a user does."""
    command = [sys.executable, "-m", "daemon.cli", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, "videobertd 0.1.0\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run", "--speed"],
        ["events", "--limit", "x"],
        ["events", "--limit", "0"],
        ["replay", "a.mp4", "--budget", "nan"],
    ],
)
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: videobertd" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "check", "events"])
def test_wrong_settings_end_with_3_and_one_line_each(command, config, capsys):
    config.write_text("[mqtt]\nport = 0\n[zebra]\n", encoding="utf-8")
    assert main([command, "--config", str(config)]) == 3
    assert capsys.readouterr().err.splitlines() == [
        f"{config}: mqtt.port: 0 is not allowed: must be at least 1",
        f"{config}: zebra: unknown setting",
    ]


def test_a_missing_settings_file_is_one_sentence(tmp_path):
    result = run("run", "--config", str(tmp_path / "none.toml"))
    expected = f"{tmp_path}/none.toml: cannot be read: No such file or directory\n"
    assert (result.returncode, result.stderr) == (3, expected)


def test_events_prints_what_the_log_holds(config, outbox, capsys):
    outbox.append(event())
    assert main(["events", "--config", str(config)]) == 0
    expected = (
        "      1  1970-01-01T00:00:00.000Z  porch            new    anomaly/unusual        0.90  Moves fast."
    )
    assert capsys.readouterr().out.rstrip("\n") == expected


def test_events_as_json_are_the_payloads(config, outbox, capsys):
    outbox.append(event())
    assert main(["events", "--json", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["seq"] == 1


def test_events_can_be_chosen_by_camera_and_kind(config, outbox, capsys):
    for one in (event(), event("attic"), event("attic", "offline", EventKind.CAMERA)):
        outbox.append(one)
    main(["events", "--json", "--camera", "attic", "--kind", "camera", "--config", str(config)])
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [3]


def test_events_follows_what_comes(tmp_path, outbox):
    outbox.append(event())
    with open_log(tmp_path / "data") as database:
        follower = read_events(database, EventsRequest(follow=True), waiting := NeverStopped())
        first = next(follower)
        waiting.meanwhile = lambda: outbox.append(event("attic"))
        assert (first.camera, next(follower).camera) == ("porch", "attic")


class NeverStopped:
    """An event that is never set; something happens while it is waited for."""

    def __init__(self):
        self.meanwhile = lambda: None

    def wait(self, _timeout_s):
        self.meanwhile()
        return False


def test_events_without_a_log_says_where_it_looked(config, tmp_path, capsys):
    assert main(["events", "--config", str(config)]) == 3
    assert f"{tmp_path}/data" in capsys.readouterr().err


def test_check_tells_of_each_camera_and_the_broker(config, tmp_path, capsys):
    media.write_video(tmp_path / VIDEO, media.moving_square(10))
    with config.open("a", encoding="utf-8") as file:
        file.write(f'[cameras.clip]\nurl = "{tmp_path}/{VIDEO}"\n[cameras.gone]\nurl = "/no/such.mp4"\n')
    assert main(["check", "--config", str(config)]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "cameras.clip" in printed
    assert "h264" in printed
    assert "there is no file /no/such.mp4" in printed
    assert "127.0.0.1:1 cannot be reached" in printed


def test_check_prints_no_password(config, capsys):
    with config.open("a", encoding="utf-8") as file:
        file.write('[cameras.a]\nurl = "rtsp://me:hunter2@127.0.0.1:1/x"\nopen_timeout_s = 1\n')
    main(["check", "--config", str(config)])
    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err


def test_replay_of_a_missing_file_ends_with_3(tmp_path, capsys):
    assert main(["replay", str(tmp_path / "none.mp4")]) == 3
    assert capsys.readouterr().err


def test_a_closed_pipe_is_no_crash(config, outbox):
    outbox.append(event())
    command = [sys.executable, "-m", "daemon.cli", "events", "--config", str(config)]
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, b"")


def test_replay_takes_its_budget_from_the_command_line():
    options = build_parser().parse_args(["replay", "a.mp4", "--learn", "b", "c", "--budget", "2000"])
    assert (options.sources, options.learn, options.budget) == (["a.mp4"], ["b", "c"], 2000.0)
