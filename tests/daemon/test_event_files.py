"""Pictures and clips of events on disk: found by the event's id, removed in time."""

import os

import pytest

from daemon.event_files import EventFiles, FileKind, make_room
from tests.fakes import ManualClock

EVENT_ID = "00cpd7gq3g0123456789abc"
NEWER_ID = EVENT_ID.replace("0", "1")
DAY_S = 86400.0


def files_in(folder, **limits):
    return EventFiles(folder, FileKind("snapshots", ".jpg", **{"keep_days": 1, **limits}), ManualClock())


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "snapshots"


@pytest.fixture
def files(folder):
    return files_in(folder)


def keep(files, event_id=EVENT_ID, *, camera="porch", data=b"jpeg", age_s=0.0):
    """Keep a file that was written so long ago."""
    files.save(camera, event_id, data)
    moment_s = ManualClock().utc - age_s
    os.utime(files.find(event_id), (moment_s, moment_s))


def test_what_was_saved_can_be_read(files):
    assert files.save("porch", EVENT_ID, b"jpeg")
    assert files.read(EVENT_ID) == b"jpeg"


def test_of_an_unknown_event_nothing_is_kept(files):
    assert (files.read(EVENT_ID), files.find(EVENT_ID)) == (None, None)


@pytest.mark.parametrize("event_id", ["../secret", "..", "", "a/b", "*", EVENT_ID.upper()])
def test_an_id_is_never_a_path(files, tmp_path, event_id):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    keep(files)
    assert files.read(event_id) is None


def test_a_picture_of_the_version_before_is_found(files, folder):
    folder.mkdir()
    (folder / f"{EVENT_ID}.jpg").write_bytes(b"old")
    assert files.read(EVENT_ID) == b"old"


def test_files_go_when_their_events_do(files):
    keep(files, age_s=DAY_S + 1)
    keep(files, NEWER_ID, age_s=DAY_S - 1)
    assert files.prune() == 1
    assert (files.read(EVENT_ID), files.read(NEWER_ID)) == (None, b"jpeg")


def test_what_a_crash_left_half_written_goes_in_time(files, folder):
    keep(files, age_s=DAY_S + 1)
    files.find(EVENT_ID).rename(folder / "porch" / f"{EVENT_ID}.partial")
    assert (files.prune(), list((folder / "porch").iterdir())) == (1, [])


def test_of_each_camera_the_oldest_goes_beyond_its_share(folder):
    files = files_in(folder, keep_bytes=8)
    keep(files, age_s=20)
    keep(files, NEWER_ID, data=b"5byte", age_s=10)
    keep(files, EVENT_ID.replace("a", "b"), camera="yard", age_s=30)
    assert files.prune() == 1  # 4 + 5 bytes of porch are one too many
    assert files.read(EVENT_ID) is None


def test_a_folder_that_cannot_be_written_costs_only_the_file(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    files = files_in(tmp_path / "file")
    assert not files.save("porch", EVENT_ID, b"jpeg")
    files.save("porch", EVENT_ID, b"jpeg")
    assert "cannot be written" in files.problem
    assert len(caplog.records) == 1  # told once, not at each event


def test_a_file_that_was_not_finished_is_not_there(files, folder):
    def fail(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    assert not files.write("porch", EVENT_ID, fail)
    assert list((folder / "porch").iterdir()) == []


def test_the_oldest_of_all_kinds_make_room_on_a_full_disk(files, tmp_path):
    clips = EventFiles(tmp_path / "clips", FileKind("clips", ".mp4", keep_days=1), ManualClock())
    keep(files, age_s=10)
    keep(clips, age_s=20)
    assert make_room((files, clips), tmp_path, min_free_bytes=float("inf")) == 2
    assert (files.read(EVENT_ID), clips.read(EVENT_ID)) == (None, None)


def test_nothing_goes_while_there_is_room(files, tmp_path):
    keep(files)
    assert make_room((files,), tmp_path, min_free_bytes=1) == 0
    assert files.read(EVENT_ID) == b"jpeg"
