"""What was measured of single clips becomes gains over chance, with intervals over groups."""

import numpy as np
import pytest

from training.explanation_report import Findings, gains
from training.faithfulness import RANDOM, Curves
from training.places import Placed


def level(value):
    """Return curves that lie at one height: their areas are that height."""
    return Curves(np.full(9, value), np.full(9, value))


def test_gains_are_above_zero_where_deletion_is_smaller_and_insertion_larger_than_random():
    findings = Findings()
    findings.add_curves("street", {"mean": {"left out": level(0.25), RANDOM: level(0.5)}})
    found = findings.frame_gains()["mean"]["left out"]
    assert (found["deletion"].mean, found["insertion"].mean) == (0.25, -0.25)


def test_random_orders_have_no_gain_over_themselves():
    findings = Findings()
    findings.add_curves("street", {"mean": {"left out": level(0.25), RANDOM: level(0.5)}})
    assert list(findings.frame_gains()["mean"]) == ["left out"]


def test_mean_curves_are_those_over_clips():
    findings = Findings()
    for value in (0.2, 0.6):
        findings.add_curves("street", {"mean": {"left out": level(value)}})
    assert findings.mean_curves("mean")["left out"].deletion.tolist() == pytest.approx([0.4] * 9)


def test_a_way_that_finds_no_region_in_a_clip_is_measured_on_the_others():
    findings = Findings()
    findings.add_places("street", {"movement": Placed(1.0, 2.0, 0.1), "tiles": Placed(3.0, 4.0, 0.2)})
    findings.add_places("bus", {"movement": Placed(3.0, 4.0, 0.3)})
    found = findings.place_gains()
    assert (found["movement"]["lost"].mean, found["movement"]["area"].mean) == (2.0, pytest.approx(0.2))
    assert found["tiles"]["kept"].mean == 4.0


def test_groups_not_clips_are_resampled():
    # Two groups: the mean of a resample is 0, 0.5 or 1, however many clips a group has.
    found = gains(["a"] * 50 + ["b"] * 50, {"x": [0.0] * 50 + [1.0] * 50})["x"]
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)
