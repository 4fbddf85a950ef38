"""What is inserted into a looped video, and how a run tells what was told of it."""

from itertools import cycle

import av
import numpy as np

from benchmarks.insertions import Insertion, Kind, Plan, insert
from benchmarks.live_alarms import Told, rows

FPS = 10


def level_of(picture):
    return int(picture.to_ndarray(format="rgb24")[0, 0, 0])


def darkest(picture):
    return int(picture.to_ndarray(format="rgb24").min())


def inserted(*kinds, calm_s=2, pause_s=1):
    """Return what becomes of pictures whose levels are 100, 101 … 199, 100 …"""
    grey = [np.full((36, 64, 3), level, np.uint8) for level in range(100, 200)]
    pictures = cycle([av.VideoFrame.from_ndarray(image, format="rgb24") for image in grey])
    return list(insert(pictures, Plan(kinds, pause_s), calm_s=calm_s, fps=FPS))


def test_in_a_hurry_every_third_picture_is_shown():
    pictures = inserted((Kind.HURRY, 1))
    assert [level_of(p) for p in pictures] == [*range(100, 120), *range(120, 150, 3), *range(150, 160)]


def test_a_box_fades_in_stands_there_and_is_gone():
    pictures = inserted((Kind.BOX, 2))
    assert [level_of(p) for p in pictures] == list(range(100, 150))
    assert min(map(darkest, pictures[:20])) >= 100
    assert darkest(pictures[20]) > darkest(pictures[21]) > darkest(pictures[24])
    assert max(map(darkest, pictures[24:40])) < 30
    assert min(map(darkest, pictures[40:])) >= 100


def test_one_thing_follows_another_after_the_pause():
    plan = Plan(((Kind.HURRY, 6), (Kind.BOX, 90)), pause_s=60)
    assert plan.schedule(600) == (Insertion(Kind.HURRY, 600, 606), Insertion(Kind.BOX, 666, 756))
    assert plan.duration_s == 216


def test_an_alarm_belongs_to_what_was_inserted_until_three_seconds_after_it():
    insertions = (Insertion(Kind.HURRY, 600, 606), Insertion(Kind.BOX, 666, 756))
    told = [Told("porch", 602.5, "faster"), Told("porch", 609.5, "larger"), Told("porch", 759.0, "gone")]
    assert list(rows("porch", told, insertions, [0.6, 0.4])) == [
        "porch",
        "  hurry at 600 s, highest level 0.60: 2.5 s: faster",
        "  box at 666 s, highest level 0.40: 93.0 s: gone",
        "  1 alarms beside them",
        "    609.5 s  larger",
    ]
