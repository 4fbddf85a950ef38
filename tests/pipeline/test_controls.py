"""The switches of one camera: what they accept, and who hears of a change."""

import pytest

from pipeline.controls import SWITCH_NAMES, CameraControls, Switches
from pipeline.errors import SettingsError


def test_a_camera_starts_with_everything_on_and_one_alarm_a_day():
    assert CameraControls().snapshot() == Switches(True, True, True, 1.0)


def test_there_are_four_switches():
    assert SWITCH_NAMES == ("enabled", "anomaly", "behaviour", "budget_per_day")


@pytest.mark.parametrize("name", ["enabled", "anomaly", "behaviour"])
def test_one_switch_turns_alone(name):
    controls = CameraControls()
    after = controls.set(name, False)
    assert after == controls.snapshot()
    assert [switch for switch in SWITCH_NAMES if not getattr(after, switch)] == [name]


def test_a_budget_is_kept_as_a_float():
    budget = CameraControls().set("budget_per_day", 3).budget_per_day
    assert (budget, type(budget)) == (3.0, float)


def test_an_older_reading_does_not_change_with_the_switches():
    controls = CameraControls()
    before = controls.snapshot()
    controls.set("anomaly", False)
    assert before.anomaly is True


@pytest.mark.parametrize("value", [0.1, 100.0])
def test_the_ends_of_the_range_are_allowed(value):
    assert CameraControls().set("budget_per_day", value).budget_per_day == value


@pytest.mark.parametrize("value", [0, 0.09, 100.5, -1, float("nan"), float("inf"), True, "2"])
def test_a_budget_out_of_range_is_refused_and_nothing_changes(value):
    controls = CameraControls()
    with pytest.raises(
        SettingsError, match=r"budget_per_day is .*, but can only be a number from 0.1 to 100"
    ):
        controls.set("budget_per_day", value)
    assert controls.snapshot() == Switches()


@pytest.mark.parametrize("value", [1, 0.0, "ON", None])
def test_a_switch_takes_only_true_and_false(value):
    with pytest.raises(SettingsError, match=r"anomaly is .*, but can only be on or off"):
        CameraControls().set("anomaly", value)


def test_an_unknown_switch_is_refused_with_the_names_of_all():
    with pytest.raises(
        SettingsError, match="'volume'; there are enabled, anomaly, behaviour, budget_per_day"
    ):
        CameraControls().set("volume", True)


def test_a_change_is_told_to_everybody_who_asked_after_it_has_happened():
    controls, seen = CameraControls(), []
    controls.on_change(lambda: seen.append(("camera", controls.snapshot().enabled)))
    controls.on_change(lambda: seen.append(("publisher", controls.snapshot().enabled)))
    controls.set("enabled", False)
    assert seen == [("camera", False), ("publisher", False)]


def test_setting_a_switch_to_what_it_is_tells_nobody():
    controls, seen = CameraControls(), []
    controls.on_change(lambda: seen.append(1))
    controls.set("enabled", True)
    assert seen == []


def test_a_listener_may_turn_a_switch_itself():
    controls = CameraControls()
    controls.on_change(lambda: controls.set("anomaly", False))
    controls.set("enabled", False)
    assert controls.snapshot() == Switches(enabled=False, anomaly=False)
