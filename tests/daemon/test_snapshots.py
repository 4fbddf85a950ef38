"""Event pictures on disk."""

import os
from dataclasses import dataclass

import pytest

from daemon.snapshots import Snapshots

EVENT_ID = "00cpd7gq3g0123456789abc"


@dataclass
class StoppedClock:
    now_s: float = 1_000_000_000.0

    def monotonic_s(self):
        return self.now_s

    def utc_s(self):
        return self.now_s


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "snapshots", StoppedClock(), keep_days=1)


def test_a_saved_picture_can_be_read(snapshots):
    snapshots.save(EVENT_ID, b"jpeg")
    assert snapshots.read(EVENT_ID) == b"jpeg"


def test_an_unknown_event_has_no_picture(snapshots):
    assert snapshots.read(EVENT_ID) is None


@pytest.mark.parametrize("event_id", ["../secret", "..", "", "a/b", EVENT_ID.upper()])
def test_an_id_is_never_a_path(snapshots, tmp_path, event_id):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    snapshots.save(EVENT_ID, b"jpeg")
    assert snapshots.read(event_id) is None


def test_pictures_go_when_their_events_do(snapshots, tmp_path):
    newer = EVENT_ID.replace("0", "1")
    for event_id, age_s in ((EVENT_ID, 86401), (newer, 86399)):
        snapshots.save(event_id, b"jpeg")
        moment_s = 1_000_000_000.0 - age_s
        os.utime(tmp_path / "snapshots" / f"{event_id}.jpg", (moment_s, moment_s))
    assert snapshots.prune() == 1
    assert (snapshots.read(EVENT_ID), snapshots.read(newer)) == (None, b"jpeg")


def test_a_folder_that_cannot_be_written_costs_only_the_picture(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    snapshots = Snapshots(tmp_path / "file", StoppedClock(), keep_days=1)
    snapshots.save(EVENT_ID, b"jpeg")
    snapshots.save(EVENT_ID, b"jpeg")
    assert "cannot be written" in snapshots.problem
    assert len(caplog.records) == 1
