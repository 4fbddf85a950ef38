"""The demo's scenes: what is rendered, and that the film shows it when the script says so."""

from itertools import islice, pairwise

import av
import numpy as np
import pytest

from daemon.demo import figures, props
from daemon.demo.feeds import Segment, SegmentEncoder
from daemon.demo.painter import Place, Sensor, Sprite, cast_shadow, paste
from daemon.demo.plaza import Plaza
from daemon.demo.room import Room
from daemon.demo.rtp import ParameterSets
from daemon.demo.scenes import FPS, Film, FilmFeed, Showing, cover, picture_stream
from daemon.demo.script import LOOP_S, PLAZA, ROOM, SCRIPT, Act, Deed, acts_of


class StoppedClock:
    def __init__(self, now_s):
        self.now_s = now_s

    def monotonic_s(self):
        return self.now_s

    def utc_s(self):
        return self.now_s


@pytest.fixture(scope="module")
def plaza():
    return Plaza(np.random.default_rng(1), run_s=30.0, cart_s=42.0)


@pytest.fixture(scope="module")
def room():
    return Room(np.random.default_rng(1))


def changed_ratio(one, other):
    """Return the share of pixels that differ by more than 12 levels."""
    return float((np.abs(one.astype(int) - other).max(axis=2) > 12).mean())


def decode(segment):
    """Put FU-A fragments together again and decode them."""
    context, frames = av.CodecContext.create("h264", "r"), []
    for unit in segment.units:
        data = b""
        for payload in unit.payloads:
            if payload[0] & 0x1F != 28:
                data += b"\0\0\0\1" + payload
            elif payload[1] & 0x80:
                data += b"\0\0\0\1" + bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:]
            else:
                data += payload[2:]
        frames += context.decode(av.Packet(data))
    return frames + context.decode(None)


def test_the_same_seed_renders_the_same_pictures():
    first, second = (list(islice(picture_stream(ROOM, seed=4), 2)) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_no_two_pictures_of_an_empty_room_are_identical():
    sensor = Sensor(640, 360, np.random.default_rng(1))
    clean = np.full((360, 640, 3), 100, np.uint8)
    assert len({sensor.expose(clean, 0.0).tobytes() for _ in range(100)}) == 100


def test_walkers_move_between_two_pictures_and_the_houses_stay(plaza):
    before, after = plaza.render(10.0), plaza.render(10.5)
    assert 0.002 < changed_ratio(before[100:], after[100:]) < 0.1
    assert np.array_equal(before[:100], after[:100])


def test_the_plaza_at_the_end_of_the_script_meets_its_start(plaza):
    assert np.array_equal(plaza.render(12.0), plaza.render(12.0 + LOOP_S))


def test_the_room_at_the_end_of_the_script_meets_its_start(room):
    assert np.array_equal(room.render(12.0), room.render(12.0 + LOOP_S))


@pytest.mark.parametrize(("deed_s", "usual_s"), [(32.0, 32.0 + 45.0), (45.5, 45.5 + 22.5)])
def test_a_runner_or_cart_is_seen_only_when_the_script_says_so(plaza, deed_s, usual_s):
    quiet = Plaza(np.random.default_rng(1), run_s=1e6, cart_s=1e6)
    assert not np.array_equal(plaza.render(deed_s), quiet.render(deed_s))
    assert np.array_equal(plaza.render(usual_s), quiet.render(usual_s))


def test_the_room_is_empty_before_somebody_comes_in(room):
    empty, walking, sitting = room.render(0.0), room.render(4.0), room.render(10.0)
    assert changed_ratio(empty, walking) > 0.02
    assert changed_ratio(empty, sitting) > 0.01
    assert np.array_equal(room.render(22.4), empty)


def test_whoever_sits_keeps_still(room):
    assert np.array_equal(room.render(9.0), room.render(13.0))


def test_a_covered_lens_shows_next_to_nothing():
    act = Act(ROOM, Deed.COVER, 50.0, 58.0)
    picture = np.full((360, 640, 3), 150, np.uint8)
    assert cover(picture, [act], 54.0).mean() < 20
    assert 20 < cover(picture, [act], 50.2).mean() < 145
    assert np.array_equal(cover(picture, [act], 49.9), picture)


def test_a_frozen_picture_is_repeated_to_the_last_bit():
    pictures = list(islice(picture_stream(PLAZA), round(60 * FPS), round(72 * FPS)))
    frozen = pictures[2 * FPS : 11 * FPS]  # 62 s to 71 s
    assert len({picture.tobytes() for picture in frozen}) == 1
    assert (
        len({picture.tobytes() for picture in pictures}) == 3 * FPS
    )  # the last of 2 s of life, and 1 s more


def test_a_segment_decodes_to_the_pictures_that_went_in():
    pictures = list(islice(picture_stream(ROOM), 5))
    frames = decode(SegmentEncoder(640, 360, FPS).encode(pictures))
    errors = [
        np.abs(frame.to_ndarray(format="rgb24").astype(int) - picture).mean()
        for frame, picture in zip(frames, pictures, strict=True)
    ]
    assert max(errors) < 6


def test_a_segment_lasts_as_long_as_its_pictures():
    segment = SegmentEncoder(640, 360, FPS).encode(islice(picture_stream(ROOM), 5))
    assert segment.duration_s == pytest.approx(0.5)
    assert [unit.send_s for unit in segment.units] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def numbered_film():
    return Film(ParameterSets(b"", b""), tuple(Segment((), float(number)) for number in range(4)))


def test_a_client_joins_the_film_where_the_clock_is():
    clock = StoppedClock(100.0)
    feed = FilmFeed(numbered_film(), Showing(clock))
    next(feed.segments())
    clock.now_s = 102.1
    assert next(feed.segments()).duration_s == 2.0


def test_the_script_begins_when_somebody_first_looks():
    clock = StoppedClock(100.0)
    showing = Showing(clock)
    clock.now_s = 107.0
    assert showing.playing_s == 0.0
    next(FilmFeed(numbered_film(), showing).segments())
    clock.now_s = 109.0
    assert (showing.began_s, showing.playing_s) == (107.0, 2.0)


def test_a_film_goes_on_second_by_second_and_starts_again():
    clock = StoppedClock(100.0)
    feed = FilmFeed(numbered_film(), Showing(clock))
    assert [segment.duration_s for segment in islice(feed.segments(), 5)] == [0, 1, 2, 3, 0]


def test_a_film_does_not_wait_for_a_client_that_stalled():
    clock = StoppedClock(100.0)
    segments = FilmFeed(numbered_film(), Showing(clock)).segments()
    next(segments)
    clock.now_s = 103.0
    assert next(segments).duration_s == 3.0


def test_half_a_stride_is_half_the_phases():
    assert figures.phase_of(figures.STRIDE_M / 2) == figures.NUM_PHASES // 2
    assert figures.phase_of(figures.STRIDE_M) == 0


def test_a_walkers_lower_foot_stands_on_the_ground():
    pose = figures.walking(0.25)  # legs spread: the hip sinks
    assert pose.hip_m < figures.walking(0.0).hip_m


def test_sitting_down_lowers_the_hip_to_a_chair():
    assert figures.sitting(0.0).hip_m == pytest.approx(0.95, abs=0.01)  # thigh 0.46, shin 0.44, ankle 0.05
    assert figures.sitting(1.0).hip_m == pytest.approx(0.59, abs=0.03)


def test_wheels_repeat_after_the_angle_between_two_spokes():
    fifth_of_a_turn_m = 2 * np.pi * props.WHEEL_M / 5
    assert props.wheel_phase_of(fifth_of_a_turn_m) == 0
    assert props.wheel_phase_of(fifth_of_a_turn_m / 2) == 6


def test_a_sprite_stands_with_its_foot_where_it_is_placed():
    rgba = np.full((4, 2, 4), 255, np.uint8)
    picture = np.zeros((10, 10, 3), np.uint8)
    paste(picture, Sprite(rgba, foot_x_px=1.0, foot_y_px=4.0, px_per_m=1.0), Place(5.0, 8.0, 1.0))
    assert picture[4:8, 4:6].min() == 255
    assert picture.sum() == 4 * 2 * 3 * 255


def test_a_sprite_outside_the_picture_changes_nothing():
    rgba = np.full((4, 2, 4), 255, np.uint8)
    picture = np.zeros((10, 10, 3), np.uint8)
    paste(picture, Sprite(rgba, 1.0, 4.0, 1.0), Place(-50.0, 8.0, 1.0))
    assert picture.max() == 0


def test_a_shadow_falls_to_the_right_and_only_darkens():
    rgba = np.full((40, 8, 4), 255, np.uint8)
    picture = np.full((60, 60, 3), 200, np.uint8)
    cast_shadow(picture, Sprite(rgba, 4.0, 40.0, 1.0), Place(20.0, 50.0, 1.0))
    assert picture.max() == 200
    columns = np.nonzero((picture < 200).any(axis=(0, 2)))[0]
    assert columns.mean() > 20


def test_a_sensor_adds_noise_around_the_true_value():
    sensor = Sensor(64, 48, np.random.default_rng(1))
    exposed = sensor.expose(np.full((48, 64, 3), 100, np.uint8), 0.0)
    assert exposed.mean() == pytest.approx(100, abs=1)
    assert 1.0 < exposed.std() < 5.0


def test_the_script_leaves_24_seconds_to_learn_and_fits_the_loop():
    assert min(act.start_s for act in SCRIPT) >= 24
    assert max(act.end_s for act in SCRIPT) < LOOP_S


def test_deeds_before_one_camera_do_not_overlap():
    for camera in (PLAZA, ROOM):
        acts = acts_of(camera)
        assert all(one.end_s < other.start_s for one, other in pairwise(acts))
