"""Made-up anomalies: what moves is cut out whole, and pasted where and as fast as its kind says."""

import json
from itertools import cycle

import cv2
import numpy as np
import pytest

from benchmarks.synthetic_anomalies import KINDS, Kind, paste, paste_into, performance, write_round
from benchmarks.things import Sight, Thing, find_things

GREY, WHITE = 100, 250


def walk(count, *, step_px=2, top=40, first=10):
    """Return frames (100, 160, 3) of a white upright rectangle, 10 x 20 pixels, that goes to the right."""
    frames = [np.full((100, 160, 3), GREY, np.uint8) for _ in range(count)]
    for index, frame in enumerate(frames):
        left = first + step_px * index
        frame[top : top + 20, left : left + 10] = WHITE
    return frames


def square(x_px, *, size=6):
    """Return a sight of a white square that covers its whole outline."""
    return Sight(np.full((size, size, 3), WHITE, np.uint8), np.ones((size, size), np.float32), x_px, 50.0)


@pytest.fixture(scope="module")
def walker():
    (thing,) = find_things("a", walk(50))
    return thing


def test_a_thing_that_crosses_the_picture_is_followed_in_every_frame(walker):
    assert len(walker.sights) == 50
    assert np.diff(walker.path()[:, 0]) == pytest.approx(np.full(49, 2.0), abs=0.1)


def test_what_stands_still_or_is_seen_too_briefly_is_no_thing():
    assert find_things("a", walk(50, step_px=0)) == []
    assert find_things("a", walk(20)) == []


def test_a_faster_performance_is_shorter_and_goes_as_far_in_each_frame_as_its_speed_says():
    thing = Thing("a", tuple(square(float(x)) for x in range(0, 60, 2)))
    fast = list(performance(thing, Kind(is_anomaly=True, speed=2.0)))
    # 30 sights last 29 steps: times 0, 2 … 28.
    assert [sight.x_px for sight in fast] == pytest.approx(list(range(0, 60, 4)))


def test_a_pasted_thing_grows_from_the_middle_of_its_feet():
    frame = np.full((100, 100, 3), GREY, np.uint8)
    made = paste(frame, square(40.0), Kind(is_anomaly=True, width=2.0, height=2.0))
    rows, columns = np.nonzero(made[..., 0] > (GREY + WHITE) / 2)
    # Feet at row 56, middle at column 43: 12 pixels up, 6 to either side; the edge is blurred by a pixel.
    assert (rows.min(), rows.max()) == (pytest.approx(44, abs=1), pytest.approx(55, abs=1))
    assert (columns.min(), columns.max()) == (pytest.approx(37, abs=1), pytest.approx(48, abs=1))


def test_what_is_pasted_unchanged_looks_as_it_did(walker):
    empty = np.full((100, 160, 3), GREY, np.uint8)
    (sight, *_) = performance(walker, KINDS["same"])
    difference = np.abs(paste(empty, sight, KINDS["same"]).astype(int) - walk(50)[0])
    assert difference.mean() < 1


def test_controls_are_labelled_normal_and_anomalies_not():
    frames = [np.full((100, 160, 3), GREY, np.uint8) for _ in range(80)]
    thing = Thing("a", tuple(square(float(x)) for x in range(25)))
    made = paste_into(frames, [thing, thing], cycle(["same", "large"]), 10)
    # 25 sights, so the first has the frames 10 to 34; after 12 frames without, the other has 47 to 71. They
    # fade over 8 frames: the first and the last three are less than half there.
    assert [index for index, kind in enumerate(made.kinds) if kind == "same"] == list(range(13, 32))
    assert [index for index, label in enumerate(made.labels) if label] == list(range(50, 69))


def test_a_round_holds_linked_lessons_test_frames_and_their_labels(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index, frame in enumerate(walk(60, step_px=1, first=20)):
            cv2.imwrite(str(tmp_path / "data" / name / f"{index}.png"), frame)
    clips = {name: walk(60, step_px=1, first=20) for name in ("b", "c")}
    things = [thing for name, frames in clips.items() for thing in find_things(name, frames)]
    write_round(tmp_path / "data", clips, things, out=tmp_path / "made", seed=0)
    assert [path.name for path in (tmp_path / "made/train").iterdir()] == ["a"]
    labels = json.loads((tmp_path / "made/test/frame_labels.json").read_text())
    assert {name: len(values) for name, values in labels.items()} == {"b": 60, "c": 60}
    assert len(list((tmp_path / "made/test/b").iterdir())) == 60
