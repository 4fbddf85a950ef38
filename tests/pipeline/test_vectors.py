"""Each event takes the vector of its clip along, from its beginning and from each stronger moment."""

import numpy as np

from models.clip_vector import ClipReader, unpack
from pipeline.alarm import AlarmPhase
from pipeline.presence import Presence, Watch
from pipeline.types import Severity
from pipeline.zones import Zone, ZoneMap
from tests.benches import FALL, OPENED, Bench
from tests.fakes import Verdict

# Three features and sixteen numbers of flow; of all columns the means of the first two features count.
COLUMNS = 5 * 3 + 7 * 16
READER = ClipReader("m 1", 3, np.zeros(COLUMNS, np.float32), np.eye(COLUMNS, 2, dtype=np.float32))


def bench(script=None, **options):
    """Return a bench whose clips point to where features 0 and 1 do."""
    return Bench(script, reader=READER, **options)


def test_an_alarm_has_the_vector_of_the_clip_that_ends_with_it():
    one = bench({1.0: Verdict(0.8, OPENED)})
    one.see(0.0, 1.0, value=4)
    # Both features have the mean 4: the direction is north-east, packed as 127 127.
    assert [unpack(event.vector).tolist() for event in one.listener.events] == [[127, 127]]


def test_a_stronger_moment_brings_its_own_vector_and_the_end_keeps_it():
    script = {
        0.0: Verdict(0.8, OPENED),
        1.0: Verdict(0.9, AlarmPhase.CHANGED),
        9.0: Verdict(0.1, AlarmPhase.CLOSED),
    }
    one = bench(script)
    one.see(0.0, value=0)
    one.see(1.0, 5.0, 9.0, value=4)
    assert [unpack(event.vector).tolist() for event in one.listener.events] == [
        [0, 0],
        [127, 127],
        [127, 127],
    ]


def test_behaviours_have_a_vector_too():
    one = bench()
    one.see(0.0, value=4)
    one.decide(1.0, FALL)
    (event,) = one.listener.events
    assert len(unpack(event.vector)) == 2


def test_what_moves_in_a_watched_zone_has_one_too():
    corner = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.2))
    zones = ZoneMap([Zone("gate", corner)])
    one = bench(presence=Presence([Watch("gate", severity=Severity.INFO)], zones))
    one.move(*(number / 5 for number in range(10)))
    assert {len(event.vector) for event in one.listener.events} == {2}


def test_without_a_reader_events_have_none():
    one = Bench({0.0: Verdict(0.8, OPENED)})
    one.see(0.0)
    assert [event.vector for event in one.listener.events] == [b""]
