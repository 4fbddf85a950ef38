"""Zones of a picture: what lies in them, and what is no zone."""

import numpy as np
import pytest

from pipeline.types import Region
from pipeline.zones import Zone, ZoneMap, check_polygon, drawn

LEFT = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
CORNER = Zone("corner", ((0, 0), (1, 0), (0, 1)))  # the upper left triangle
ZONES = ZoneMap([LEFT, CORNER])


def test_a_polygon_covers_the_pixels_whose_centres_it_holds():
    # 8 pixels: centres at 1/16, 3/16 … 15/16; 0.25 … 0.75 holds those of pixels 2 to 5.
    picture = drawn([((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))], height=8, width=8)
    expected = np.zeros((8, 8), bool)
    expected[2:6, 2:6] = True
    assert np.array_equal(picture, expected)


@pytest.mark.parametrize(
    ("region", "share"),
    [
        (Region(0, 0, 0.5, 1), 1.0),
        (Region(0.25, 0, 0.5, 1), 0.5),
        (Region(0.5, 0, 0.5, 1), 0.0),
        (Region(0, 0, 0, 0), 1.0),  # a point is one cell
        (Region(0.999, 0.999, 0.5, 0.5), 0.0),  # reaches beyond the picture
    ],
)
def test_the_share_of_a_region_that_lies_in_a_zone(region, share):
    assert ZONES.share(region, "left") == share


def test_a_region_touches_the_zones_that_a_tenth_of_it_lies_in():
    assert ZONES.touched_by(Region(0.05, 0.05, 0.2, 0.2)) == ("left", "corner")
    assert ZONES.touched_by(Region(0.46, 0.9, 0.5, 0.1)) == ()  # 0.04 of 0.5 is 8 %
    assert ZONES.touched_by(Region(0.44, 0.9, 0.5, 0.1)) == ("left",)


def test_a_zone_is_the_cells_of_movement_of_which_it_covers_half():
    cells = ZONES.cells("left")  # (40, 60)
    assert cells[:, :30].all()
    assert not cells[:, 30:].any()


def test_without_zones_nothing_is_touched():
    assert ZoneMap().touched_by(Region(0, 0, 1, 1)) == ()


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([(0, 0), (1, 1)], "a polygon has 3 to 64 points, this one has 2"),
        ([(0, 0)] * 65, "this one has 65"),
        ([(0, 0), (1, 0), (1, 1.2)], "the point 1, 1.2 is off the picture"),
        ([(0, 0), (float("nan"), 0), (1, 1)], "off the picture"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "crosses itself: edges 1 and 3 meet"),  # a bow tie
        ([(0, 0), (1, 0), (0.5, 1), (0.5, 0)], "crosses itself: edges 1 and 3 meet"),  # it touches
        ([(0, 0), (0.5, 0), (1, 0)], "encloses nothing"),
        ([(0.5, 0.5), (0.5001, 0.5), (0.5, 0.5001)], "encloses nothing"),
    ],
)
def test_what_is_no_area_of_the_picture_is_refused(points, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_polygon(points)


@pytest.mark.parametrize("zone", [LEFT, CORNER])
def test_an_area_of_the_picture_is_taken(zone):
    check_polygon(zone.polygon)


def test_a_polygon_may_be_hollow_on_one_side():
    check_polygon([(0, 0), (1, 0), (1, 1), (0.5, 0.5), (0, 1)])
