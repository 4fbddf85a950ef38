"""What each kind of made-up anomaly is worth: against normal frames; a control against untouched ones."""

import pytest

from benchmarks.kinds import by_kind


def test_a_kind_is_told_from_normal_frames_and_a_control_from_untouched_ones():
    kinds = {"a": ["", "large", "same"], "b": ["fast 2", ""]}
    scores = {"a": [0.0, 2.0, 1.0], "b": [0.5, 0.0]}
    # large (2) lies above 0, 1 and 0; fast 2 (0.5) above two of them; same (1) above both untouched ones.
    assert by_kind(scores, kinds) == {"fast 2": pytest.approx(2 / 3), "same": 1.0, "large": 1.0}


def test_kinds_that_do_not_occur_are_left_out():
    assert by_kind({"a": [0.0, 1.0]}, {"a": ["", "large"]}) == {"large": 1.0}
