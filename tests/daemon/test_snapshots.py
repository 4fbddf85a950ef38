"""What is kept of an event's snapshot: each part under the event's id, the layers as they lay then."""

import os

import pytest

from daemon.event_files import make_room
from daemon.payloads import RegionMessage
from daemon.snapshots import Part, SnapshotStore
from pipeline.types import Event, EventKind, EventPhase, Region, Severity
from tests.fakes import ManualClock, pictures

EVENT_ID = "00cpd7gq3g0123456789abc"
EVENT = Event(
    EVENT_ID, "porch", EventPhase.NEW, EventKind.ANOMALY, "unusual", 0.9, Severity.ALERT, 0.0, "Fast.", 0.0
)
STREET = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.25))


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path / "snapshots", 1.0, ManualClock())


def test_each_part_is_kept_for_itself(store):
    assert store.save(EVENT, pictures(heat=b"warm", normal=b"calm"))
    parts = (Part.PICTURE, Part.THUMBNAIL, Part.HEAT, Part.NORMAL)
    assert [store.read(EVENT_ID, part) for part in parts] == [b"plain", b"small", b"warm", b"calm"]


def test_the_layers_say_where_it_was_and_how_the_zones_lay(store):
    store.save(EVENT, pictures(region=Region(0.1, 0.2, 0.3, 0.4), outlines={"street": STREET}))
    layers = store.layers(EVENT_ID)
    assert layers.region == RegionMessage(x=0.1, y=0.2, width=0.3, height=0.4)
    assert (layers.zones, layers.width_px, layers.height_px) == ({"street": STREET}, 64, 36)


def test_an_event_without_heat_has_no_file_of_it(store):
    store.save(EVENT, pictures())
    assert store.read(EVENT_ID, Part.HEAT) is None


def test_a_picture_of_the_version_before_has_no_layers(store, tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / f"{EVENT_ID}.jpg").write_bytes(b"with its place drawn in")
    assert (store.read(EVENT_ID), store.layers(EVENT_ID)) == (b"with its place drawn in", None)


@pytest.mark.parametrize("text", ["", "{", '{"width_px": 0, "height_px": 1}', '{"colour": "red"}'])
def test_layers_that_are_damaged_are_left_out_and_logged(store, tmp_path, caplog, text):
    store.save(EVENT, pictures())
    (tmp_path / "snapshots" / "porch" / f"{EVENT_ID}.layers.json").write_text(text)
    assert store.layers(EVENT_ID) is None
    assert "damaged" in caplog.text


def test_all_parts_go_together(store):
    store.save(EVENT, pictures(heat=b"warm", normal=b"calm"))
    for file in store.files():
        os.utime(file.path, (0, 0))
    assert store.prune() == len(Part)
    assert list(store.files()) == []


def test_all_parts_make_room_on_a_full_disk(store, tmp_path):
    store.save(EVENT, pictures(heat=b"warm", normal=b"calm"))
    assert make_room((store,), tmp_path, min_free_bytes=float("inf")) == len(Part)


def test_a_disk_that_takes_nothing_is_told_of_once(store, tmp_path, caplog):
    (tmp_path / "snapshots").write_text("in the way")
    assert not store.save(EVENT, pictures(heat=b"warm", normal=b"calm"))
    assert "cannot be written" in store.problem
    assert len(caplog.records) == 1
