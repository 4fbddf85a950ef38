"""What each part found is told with its place, in words, and as a vector to compare."""

import math

import numpy as np
import pytest

from pipeline import words
from pipeline.finding import PARTS, Findings, Found
from pipeline.flow_normality import NO_WINDOWS, FlowNormality, Windows
from pipeline.lasting import NOTHING, Lasting
from pipeline.sizes import NO_THINGS, SizeNormality, Things
from pipeline.types import Region

CALM = np.zeros((14, 14), np.float32)
NAMES = list(PARTS)


def block(row, column, *, right=0.3):
    """Return a movement field in which 5 x 3 cells move to the right."""
    cells = np.zeros((40, 60, 3), np.float32)
    cells[row : row + 5, column : column + 3] = 1, right, 0
    return cells


def findings(
    *, windows=NO_WINDOWS, things=NO_THINGS, lasting=NOTHING, looks=None, appearance=CALM, surprise=math.nan
):
    found = Found(windows, things, lasting, looks, surprise)
    return Findings(found, FlowNormality(), SizeNormality(), appearance=appearance)


def test_nothing_is_unusual_to_any_part():
    nothing = findings()
    assert nothing.tops()[:-1] == (0.0, 0.0, 0.0, 0.0)
    assert math.isnan(nothing.tops()[-1])  # nobody has guessed
    for part in range(len(PARTS)):
        assert nothing.of(part, is_record=False).signature.shape == (15,)


def test_the_fastest_thing_is_told_with_its_place_and_direction():
    found = findings(windows=Windows.of(block(18, 30))).of(NAMES.index("motion"), is_record=True)
    assert found.region.x == pytest.approx(30 / 60, abs=0.03)
    assert found.words == "Moves where nothing has moved so far (centre)."
    # Direction (1, 0) counts half; the usual is 0.01 a second: 30 times, 4.9 doublings.
    assert found.signature[7:10] == pytest.approx([0.5, 0.0, np.log2(30)], abs=0.01)


def test_one_fast_window_among_eight_slower_ones_counts_a_ninth():
    speeds, shares = np.zeros((40, 60), np.float32), np.zeros((40, 60), np.float32)
    speeds[10:13, 20:23], shares[10:13, 20:23] = 0.03, 1.0  # two deviations of 0.01 above the usual 0.01
    calm = findings(windows=Windows(speeds, shares, np.zeros((40, 60, 3), np.float32))).tops()[0]
    speeds[11, 21] += 0.09
    flash = findings(windows=Windows(speeds, shares, np.zeros((40, 60, 3), np.float32))).tops()[0]
    assert calm == pytest.approx(2.0)
    assert flash == pytest.approx(2.0 + 9 / 9)


def test_the_largest_thing_is_told_with_its_own_cells():
    found = findings(things=Things.of(block(10, 30))).of(NAMES.index("size"), is_record=False)
    assert found.region == Region(30 / 60, 10 / 40, 3 / 60, 5 / 40)
    assert found.words == "Something large where nothing has moved so far (upper centre)."


def test_what_stays_is_told_with_its_age_and_whether_it_came_or_went():
    where = np.zeros((80, 120), np.bool_)
    where[60:70, 10:16] = True
    part = NAMES.index("standing")
    came = findings(lasting=Lasting(25.2, where, is_new=True)).of(part, is_record=True)
    gone = findings(lasting=Lasting(25.2, where, is_new=False)).of(part, is_record=True)
    assert came.region == Region(10 / 120, 60 / 80, 6 / 120, 10 / 80)
    assert came.words == "Something new has been standing here for 25 s (lower left)."
    assert gone.words == "What always stood here has been gone for 25 s (lower left)."
    assert np.linalg.norm(came.signature - gone.signature) == 1.0


def test_a_strange_look_is_told_with_its_cell():
    strange, looks = CALM.copy(), np.eye(196, 112, dtype=np.float32)
    strange[2, 10] = 5.0
    found = findings(appearance=strange, looks=looks).of(NAMES.index("appearance"), is_record=True)
    assert found.region == Region(10 / 14, 2 / 14, 1 / 14, 1 / 14)
    assert found.words == "Nothing seen before at this place looks like this (upper right)."


@pytest.mark.parametrize("name", NAMES)
def test_the_heat_of_each_part_is_highest_in_its_region(name):
    where, strange = np.zeros((80, 120), np.bool_), CALM.copy()
    where[60:70, 10:16], strange[2, 10] = True, 5.0
    moving = block(18, 30)
    found = findings(
        windows=Windows.of(moving),
        things=Things.of(moving),
        lasting=Lasting(25.2, where, is_new=True),
        looks=np.eye(196, 112, dtype=np.float32),
        appearance=strange,
    ).of(NAMES.index(name), is_record=False)
    rows, columns = found.heat.shape
    row, column = np.argwhere(found.heat == found.heat.max())[0] + 0.5
    assert found.region.x < column / columns < found.region.x + found.region.width
    assert found.region.y < row / rows < found.region.y + found.region.height
    assert found.heat.min() == 0 < found.heat.max()


def test_a_record_is_told_as_one():
    here = Region(0.8, 0.1, 0.1, 0.1)
    usual, record = (words.of_motion(here, 3.04, is_first=False, is_record=value) for value in (False, True))
    assert usual == "Moves 3.0 times as fast as usual there (upper right)."
    assert (
        record
        == "Moves 3.0 times as fast as usual there, faster than anything seen here so far (upper right)."
    )
    assert (
        words.of_size(here, 2.96, is_first=False)
        == "Larger than usual at this place, 3.0 times (upper right)."
    )


def test_what_was_guessed_badly_is_told_where_most_moves():
    found = findings(windows=Windows.of(block(18, 30)), surprise=0.4)
    assert found.tops()[-1] == 0.4
    told = found.of(NAMES.index("surprise"), is_record=False)
    assert told.region.x == pytest.approx(30 / 60, abs=0.03)
    assert told.words == (
        "The last second does not follow from what came before as it usually does here (centre)."
    )
    assert told.signature[7:9] == pytest.approx([0.5, 0.0])  # to the right


def test_what_was_guessed_badly_while_nothing_moves_has_the_whole_picture_as_its_place():
    told = findings(surprise=0.4).of(NAMES.index("surprise"), is_record=False)
    assert told.region == Region(0.0, 0.0, 1.0, 1.0)
