"""Whatever moves in a watched zone is somebody there, from the third frame to ten quiet seconds."""

from dataclasses import replace
from datetime import UTC, time

import numpy as np
import pytest

from models.movement import NO_MOVEMENT
from pipeline.presence import Presence, Watch
from pipeline.schedule import Schedule
from pipeline.types import Region
from pipeline.zones import Zone, ZoneMap

ZONES = ZoneMap([Zone("pool", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))])
NIGHT = Schedule(time(21), time(7))


def movement(*, row=0, column=0, size=2, ratio=1.0):
    """Return movement in which a square of cells moves, of 40 rows and 60 columns."""
    cells = np.zeros_like(NO_MOVEMENT.cells)
    cells[row : row + size, column : column + size, 0] = ratio
    return replace(NO_MOVEMENT, cells=cells)


STILL = movement(size=0)


@pytest.fixture
def presence():
    return Presence([Watch("pool")], ZONES, UTC)


def feed(presence, fields, *, begin_s=0.0, step_s=0.2):
    """Return the phases with the second of each."""
    return [
        (change.phase.value, round(begin_s + index * step_s, 1))
        for index, field in enumerate(fields)
        for change in presence.update(begin_s + index * step_s, field)
    ]


def test_three_of_five_frames_with_movement_begin_it(presence):
    fields = [movement(), STILL, movement(), STILL, movement()]
    assert feed(presence, fields) == [("began", 0.8)]


@pytest.mark.parametrize(
    "field",
    [movement(column=30), movement(size=1), movement(ratio=0.2)],
    ids=["beside the zone", "one cell: less than four", "a fifth of each cell"],
)
def test_what_is_elsewhere_or_too_little_is_nobody(presence, field):
    assert feed(presence, [field] * 10) == []


def test_it_ends_after_ten_quiet_seconds(presence):
    # The last movement is at 0.4 s; 10.4 s are not more than ten seconds later, 10.6 s are.
    assert feed(presence, [movement()] * 3 + [STILL] * 60) == [("began", 0.4), ("ended", 10.6)]


def test_shorter_pauses_are_one_presence(presence):
    fields = ([movement()] * 3 + [STILL] * 40) * 3
    assert [phase for phase, _ in feed(presence, fields)] == ["began"]


def test_it_says_where_it_moves(presence):
    for _ in range(3):
        changes = presence.update(0.0, movement(row=20, column=15, size=10))
    assert changes[0].region == Region(15 / 60, 20 / 40, 10 / 60, 10 / 40)


def test_it_begins_only_in_its_hours_and_is_told_to_its_end():
    presence = Presence([Watch("pool", NIGHT)], ZONES, UTC)
    day_s, night_s = 12 * 3600.0, 6.99 * 3600.0
    assert feed(presence, [movement()] * 5, begin_s=day_s) == []
    began = feed(presence, [movement()] * 3 + [STILL] * 300, begin_s=night_s)
    assert [phase for phase, _ in began] == ["began", "ended"]


def test_what_was_seen_before_is_forgotten(presence):
    feed(presence, [movement()] * 3)
    presence.forget()
    assert feed(presence, [STILL] * 60, begin_s=1.0) == []
    assert feed(presence, [movement()] * 3, begin_s=20.0) == [("began", 20.4)]
