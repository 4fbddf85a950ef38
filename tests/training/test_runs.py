"""A run folder says where results come from, goes on after a stop, and refuses to mix two runs."""

import dataclasses
import importlib.util
import json
import struct

import pytest
from tensorboardX.proto.event_pb2 import Event

from training.runs import Run, RunError, RunIdentity, RunOptions, load_run
from training.trackers import TrackerError

IDENTITY = RunIdentity("finetune", {"tune": "lora", "layers": (1, 2)}, seed=7, data_fingerprint="sha256:ab")


def ticking(*values):
    """A clock that reads these values, one after the other."""
    return iter(values).__next__


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def events(folder):
    """Return what all event files say: records of length, its checksum, data, its checksum."""
    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


def scalars(folder):
    return [
        (event.step, value.tag, round(value.simple_value, 6))
        for event in events(folder)
        for value in event.summary.value
    ]


def sessions_begin_at(folder):
    return [event.step for event in events(folder) if event.HasField("session_log")]


def test_a_run_folder_holds_record_metrics_events_and_curves(tmp_path):
    with Run(tmp_path / "run", IDENTITY) as run:
        run.log(1, {"train/loss": 0.5})
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"run.json", "metrics.jsonl", "tensorboard", "curves.png"}
    assert scalars(tmp_path / "run") == [(1, "train/loss", 0.5)]


def test_the_record_says_settings_seed_data_code_packages_and_machine(tmp_path):
    with Run(tmp_path, IDENTITY):
        pass
    written = json.loads((tmp_path / "run.json").read_text())
    assert written["run"] == {
        "command": "finetune",
        "settings": {"tune": "lora", "layers": [1, 2]},
        "seed": 7,
        "data_fingerprint": "sha256:ab",
    }
    (session,) = written["sessions"]
    assert session["packages"]["torch"].startswith("2.")
    assert session["machine"]["cores"] >= 1
    assert set(session["code"]) == {"commit", "is_dirty"}


def test_times_and_energy_are_those_of_the_clocks(tmp_path):
    options = RunOptions(watts_per_core=20.0, now_s=ticking(1000.0, 1060.0), cpu_s=ticking(5.0, 95.0))
    with Run(tmp_path, IDENTITY, options):
        pass
    (session,) = load_run(tmp_path).sessions
    assert (session.started_utc, session.ended_utc) == ("1970-01-01T00:16:40Z", "1970-01-01T00:17:40Z")
    assert (session.wall_s, session.cpu_s, session.outcome) == (60.0, 90.0, "finished")
    # 90 s · 20 W = 1,800 J, half a watt-hour.
    assert (session.assumed_watts_per_core, session.energy_wh_estimate) == (20.0, 0.5)


def test_a_resumed_run_adds_a_session_and_no_step_twice(tmp_path):
    with Run(tmp_path, IDENTITY) as run:
        run.log(1, {"loss": 0.5})
    with Run(tmp_path, IDENTITY) as run:
        run.log(1, {"loss": 0.5})
        run.log(2, {"loss": 0.4})
    assert [line["step"] for line in metrics(tmp_path)] == [1, 2]
    assert scalars(tmp_path) == [(1, "loss", 0.5), (2, "loss", 0.4)]
    assert len(load_run(tmp_path).sessions) == 2


def test_steps_beyond_the_training_state_are_logged_again(tmp_path):
    with Run(tmp_path, IDENTITY) as run:
        run.log(1, {"loss": 0.5})
        run.log(2, {"loss": 0.4})
    with Run(tmp_path, IDENTITY, RunOptions(after_step=1)) as run:
        run.log(2, {"loss": 0.3})
    assert [line["loss"] for line in metrics(tmp_path)] == [0.5, 0.3]
    # TensorBoard forgets what older files say from the step on at which a later one begins.
    assert sessions_begin_at(tmp_path) == [2]


def test_energy_and_cpu_seconds_of_all_sessions_add_up(tmp_path):
    for _ in range(2):
        options = RunOptions(watts_per_core=36.0, cpu_s=ticking(0.0, 50.0))
        with Run(tmp_path, IDENTITY, options):
            pass
    record = load_run(tmp_path)
    assert (record.cpu_s, record.energy_wh_estimate) == (100.0, 1.0)


@pytest.mark.parametrize("change", [{"seed": 8}, {"data_fingerprint": "sha256:cd"}, {"settings": {}}])
def test_a_folder_of_another_run_is_refused_and_left_as_it_was(tmp_path, change):
    with Run(tmp_path, IDENTITY):
        pass
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    (name,) = change
    with pytest.raises(RunError, match=f"holds a run with other {name}"):
        Run(tmp_path, dataclasses.replace(IDENTITY, **change)).__enter__()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_run_that_fails_is_stopped_and_keeps_its_metrics(tmp_path):
    def train():
        with Run(tmp_path, IDENTITY) as run:
            run.log(1, {"loss": 0.5})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    assert load_run(tmp_path).sessions[0].outcome == "stopped"
    assert (tmp_path / "curves.png").exists()
    assert scalars(tmp_path) == [(1, "loss", 0.5)]


def test_a_killed_run_stays_running_with_the_times_of_its_last_save(tmp_path):
    run = Run(tmp_path, IDENTITY, RunOptions(now_s=ticking(0.0, 30.0, 60.0), cpu_s=ticking(0.0, 25.0, 50.0)))
    with run:
        run.save()
        (session,) = load_run(tmp_path).sessions
    assert (session.outcome, session.wall_s, session.cpu_s) == ("running", 30.0, 25.0)


def test_a_record_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match=r"run\.json cannot be read"):
        Run(tmp_path, IDENTITY).__enter__()


@pytest.mark.skipif(importlib.util.find_spec("wandb") is not None, reason="wandb is installed")
def test_wandb_by_flag_says_how_to_install_it(tmp_path):
    with pytest.raises(TrackerError, match="pip install wandb"):
        Run(tmp_path, IDENTITY, RunOptions(wandb=True)).__enter__()
    assert not (tmp_path / "run.json").exists()
