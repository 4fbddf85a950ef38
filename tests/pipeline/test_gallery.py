"""Normal moments are kept where they differ, within a bound, and the one like a strange sight is found."""

import cv2
import numpy as np
import pytest

from pipeline.gallery import EVERY_S, MAX_JPEG_BYTES, SETTLE_S, NormalGallery
from pipeline.types import Region

WHOLE = Region(0.0, 0.0, 1.0, 1.0)
LEFT, RIGHT = Region(0.0, 0.0, 0.5, 1.0), Region(0.5, 0.0, 0.5, 1.0)
MORNING_S, NOON_S = 8 * 3600.0, 13 * 3600.0


def looks(left, right=None):
    """Return 196 cells that look like number `left`, and in the right half like `right`."""
    cells = np.zeros((14, 14, 112), np.float32)
    cells[:, :7, left] = 1.0
    cells[:, 7:, left if right is None else right] = 1.0
    return cells.reshape(196, 112)


def grey(level):
    return np.full((18, 32, 3), level, np.uint8)


def show(gallery, start_s, *sights):
    """Show each sight as a moment of its own, as grey as its number in the picture, until all settle."""
    count = len(sights)
    for number in range(count + int(SETTLE_S / EVERY_S)):
        cells = sights[min(number, count - 1)]
        gallery.offer(start_s + number * EVERY_S, cells, lambda level=number: grey(level))


def level(moment):
    return round(cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), cv2.IMREAD_COLOR).mean())


@pytest.fixture
def gallery():
    return NormalGallery()


def test_without_a_moment_there_is_no_nearest(gallery):
    assert gallery.nearest(looks(0), WHOLE) is None


def test_the_nearest_moment_is_found_with_its_time_and_picture(gallery):
    show(gallery, MORNING_S, looks(0), looks(1), looks(2))
    moment = gallery.nearest(looks(1), WHOLE)
    assert (moment.utc_s, level(moment)) == (MORNING_S + EVERY_S, 1)


def test_only_the_looks_within_the_region_count(gallery):
    show(gallery, MORNING_S, looks(0, 1), looks(2, 3))
    strange = looks(0, 3)
    assert level(gallery.nearest(strange, LEFT)) == 0
    assert level(gallery.nearest(strange, RIGHT)) == 1


def test_a_region_of_no_width_still_has_a_cell(gallery):
    show(gallery, MORNING_S, looks(0, 1), looks(2, 3))
    assert level(gallery.nearest(looks(0, 3), Region(1.0, 1.0, 0.0, 0.0))) == 1


def test_a_moment_is_drawn_only_where_one_is_due(gallery):
    drawn = []
    for number in range(60):  # 6 s of 10 frames a second: one at 0 s, one at 5 s
        gallery.offer(MORNING_S + number / 10, looks(0), lambda n=number: drawn.append(n) or grey(0))
    assert drawn == [0, 50]


def test_a_moment_is_kept_when_nothing_has_alarmed_for_a_while(gallery):
    gallery.offer(MORNING_S, looks(0), lambda: grey(0))
    gallery.offer(MORNING_S + SETTLE_S - 0.1, looks(0), lambda: grey(0))
    assert len(gallery) == 0
    gallery.offer(MORNING_S + SETTLE_S, looks(0), lambda: grey(0))
    assert len(gallery) == 1


def test_where_all_is_normal_by_definition_a_moment_is_kept_at_once(gallery):
    gallery.offer(MORNING_S, looks(0), lambda: grey(0), settle_s=0.0)
    assert len(gallery) == 1


def test_what_led_to_something_unusual_is_not_kept(gallery):
    gallery.offer(MORNING_S, looks(0), lambda: grey(0))
    gallery.interrupt()
    gallery.offer(MORNING_S + SETTLE_S, looks(0), lambda: grey(0))
    assert len(gallery) == 0


def test_a_clock_that_is_set_back_does_not_end_the_collecting(gallery):
    show(gallery, NOON_S, looks(0))
    show(gallery, MORNING_S, looks(1))
    assert level(gallery.nearest(looks(1), WHOLE)) == 0
    assert len(gallery) == 2


def test_of_each_part_of_the_day_sixteen_moments_are_kept(gallery):
    show(gallery, MORNING_S, *(looks(number) for number in range(40)))
    show(gallery, NOON_S, *(looks(number) for number in range(40)))
    assert len(gallery) == 32


def test_what_is_rare_stays_and_what_recurs_is_there_once_and_fresh(gallery):
    show(gallery, MORNING_S, *(looks(number) for number in range(16)), *[looks(16)] * 30)
    rare, usual = gallery.nearest(looks(3), WHOLE), gallery.nearest(looks(16), WHOLE)
    assert rare.utc_s == MORNING_S + 3 * EVERY_S
    assert usual.utc_s == MORNING_S + 45 * EVERY_S


def test_a_picture_that_is_too_large_is_kept_less_sharp(gallery):
    noise = np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8)
    gallery.offer(MORNING_S, looks(0), lambda: noise)
    gallery.offer(MORNING_S + SETTLE_S, looks(0), lambda: grey(0))
    moment = gallery.nearest(looks(0), WHOLE)
    assert 0.5 * MAX_JPEG_BYTES < len(moment.jpeg) <= MAX_JPEG_BYTES


def test_a_picture_that_is_too_large_in_any_case_is_not_kept(gallery):
    noise = np.random.default_rng(0).integers(0, 255, (1080, 320, 3), np.uint8)
    gallery.offer(MORNING_S, looks(0), lambda: noise)
    gallery.offer(MORNING_S + SETTLE_S, looks(0), lambda: grey(0))
    assert len(gallery) == 0


def test_a_gallery_comes_back_from_its_arrays(gallery):
    show(gallery, MORNING_S, looks(0), looks(1))
    again = NormalGallery()
    again.from_arrays(gallery.to_arrays())
    before, after = (one.nearest(looks(1), WHOLE) for one in (gallery, again))
    assert (after.utc_s, after.jpeg) == (before.utc_s, before.jpeg)


def test_an_empty_gallery_comes_back_empty(gallery):
    gallery.from_arrays(NormalGallery().to_arrays())
    assert len(gallery) == 0


def test_pictures_in_which_other_things_were_hidden_are_forgotten(gallery):
    show(gallery, MORNING_S, looks(0))
    careful = NormalGallery("all")
    careful.from_arrays(gallery.to_arrays())
    assert len(careful) == 0


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("looks", np.zeros((2, 196, 8), np.int8)),
        ("utc_s", np.zeros(3)),
        ("ends", np.array([5, 5])),
        ("ends", np.array([1])),
        ("jpegs", np.zeros(1, np.uint8)),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(gallery, name, array):
    show(gallery, MORNING_S, looks(0), looks(1))
    with pytest.raises(ValueError, match="normal moments"):
        NormalGallery().from_arrays(gallery.to_arrays() | {name: array})
