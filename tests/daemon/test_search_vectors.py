"""The vectors in memory: every one is compared, whatever was added, changed and forgotten."""

import numpy as np
import pytest

from daemon.event_log import BegunFilter
from daemon.search.vectors import Entry, VectorTable
from models.clip_vector import pack, unit
from pipeline.types import EventKind

ANYTHING = BegunFilter()
EAST = np.array([1.0, 0.0], np.float32)


def entry(name, camera="porch", kind="anomaly", label="unusual", start_utc_s=0.0):
    return Entry(name, camera, kind, label, start_utc_s)


def towards(degrees):
    """Return a packed direction so many degrees from east."""
    angle = np.radians(degrees)
    return pack(np.array([np.cos(angle), np.sin(angle)], np.float32))


@pytest.fixture
def table():
    """Return a table of four events: a, b, c, d at 0, 30, 60 and 180 degrees."""
    filled = VectorTable()
    filled.put(entry("a", start_utc_s=10), towards(0))
    filled.put(entry("b", "yard", start_utc_s=20), towards(30))
    filled.put(entry("c", "yard", "behaviour", "fall", 30), towards(60))
    filled.put(entry("d", "hall", start_utc_s=40), towards(180))
    return filled


def names(found):
    return "".join(one.id for one in found)


def test_the_nearest_come_first_with_their_cosines(table):
    found = table.nearest(EAST, ANYTHING, limit=3)
    assert names(found) == "abc"
    assert [one.score for one in found] == pytest.approx([1.0, 0.866, 0.5], abs=0.005)


def test_the_example_itself_is_not_like_itself(table):
    assert names(table.nearest(EAST, ANYTHING, limit=2, without="a")) == "bc"


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (BegunFilter(camera="yard"), "bc"),
        (BegunFilter(cameras=("porch", "hall")), "ad"),
        (BegunFilter(cameras=()), ""),
        (BegunFilter(camera="never seen"), ""),
        (BegunFilter(kind=EventKind.BEHAVIOUR), "c"),
        (BegunFilter(label="unusual"), "abd"),
        (BegunFilter(since_utc_s=20), "bcd"),
        (BegunFilter(until_utc_s=20), "a"),
    ],
)
def test_only_what_matches_is_found_and_the_limit_counts_those(table, which, expected):
    assert names(table.nearest(EAST, which, limit=4)) == expected
    assert names(table.nearest(EAST, which, limit=1)) == expected[:1]


def test_an_event_that_changes_has_its_newest_vector(table):
    table.put(entry("a", start_utc_s=10), towards(180))
    assert names(table.nearest(EAST, ANYTHING, limit=4)) == "bcad"
    assert len(table) == 4


def test_forgotten_events_are_found_no_more_and_the_others_still_are(table):
    table.drop(["a", "unknown", "d"])
    assert names(table.nearest(EAST, ANYTHING, limit=4)) == "bc"
    assert table.vector("a") is None
    table.put(entry("e"), towards(10))
    assert names(table.nearest(EAST, ANYTHING, limit=4)) == "ebc"


def test_an_empty_table_finds_nothing():
    assert VectorTable().nearest(EAST, ANYTHING, limit=5) == ()


def test_thousands_are_compared_as_one_product_would():
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(9000, 16)).astype(np.float32))
    table = VectorTable()
    for row, vector in enumerate(vectors):
        table.put(entry(str(row)), pack(vector))
    found = table.nearest(vectors[4242], ANYTHING, limit=5, without="4242")
    alike = vectors @ vectors[4242]
    # Bytes turn a direction by less than a hundredth: what is found is as near as what is truly nearest.
    truly = np.sort(alike)[::-1][1:6]
    assert [alike[int(one.id)] for one in found] == pytest.approx(truly, abs=0.01)
