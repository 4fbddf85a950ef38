"""Trackers show what they are given, each value once and at its step."""

from tensorboardX.proto.event_pb2 import Event

from training.trackers import TensorBoardTracker, WandbTracker


class FakeWandbRun:
    """What wandb.init returns, as far as it is used."""

    def __init__(self):
        self.calls = []

    def log(self, values, step):
        self.calls.append(("log", step, values))

    def finish(self):
        self.calls.append(("finish",))


def test_wandb_gets_each_step_and_the_end():
    run = FakeWandbRun()
    tracker = WandbTracker(run)
    tracker.record(4, {"train/loss": 0.5})
    tracker.close()
    assert run.calls == [("log", 4, {"train/loss": 0.5}), ("finish",)]


def test_two_sessions_of_one_second_write_two_files(tmp_path):
    for step in (1, 2):
        tracker = TensorBoardTracker.open(tmp_path)
        tracker.record(step, {"loss": 0.5})
        tracker.close()
    written = sorted(tmp_path.iterdir())
    assert len(written) == 2
    assert [path.suffix for path in written] == [".0", ".1"]


def test_an_event_file_begins_with_its_version(tmp_path):
    TensorBoardTracker.open(tmp_path).close()
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    # Eight bytes of length, four of checksum, then the event.
    assert Event.FromString(data[12 : 12 + data[0]]).file_version == "brain.Event:2"
