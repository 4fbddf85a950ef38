"""The script held against what a subscriber heard."""

from daemon.demo.script import Deed
from daemon.demo.verdict import count_by_kind, findings
from tests.demo.events import heard_at

BEGAN_S = 1000.0


def found(*events, playing_s=90.0):
    """Return deed → delay in seconds, or None where nothing reported it."""
    pairs = findings(events, began_s=BEGAN_S, playing_s=playing_s)
    return {finding.act.deed: finding.delay_s for finding in pairs}


def test_every_deed_that_is_over_is_judged():
    assert list(found(playing_s=50.0)) == [Deed.RUN, Deed.CART]  # they end at 34 and 49 s, the next at 58


def test_an_anomaly_on_the_right_camera_reports_a_runner():
    assert found(heard_at(BEGAN_S + 31.5))[Deed.RUN] == 1.5


def test_an_anomaly_before_the_deed_or_on_another_camera_reports_nothing():
    assert found(heard_at(BEGAN_S + 29.0))[Deed.RUN] is None
    assert found(heard_at(BEGAN_S + 31.0, camera="room"))[Deed.RUN] is None


def test_the_carts_event_does_not_report_the_runner_before_it():
    judged = found(heard_at(BEGAN_S + 43.6))
    assert judged[Deed.RUN] is None
    assert round(judged[Deed.CART], 3) == 1.6


def test_camera_troubles_are_told_apart_by_their_label():
    frozen = heard_at(BEGAN_S + 67.0, kind="camera", label="frozen")
    assert found(frozen)[Deed.FREEZE] == 5.0
    assert found(heard_at(BEGAN_S + 67.0, kind="camera", label="covered"))[Deed.FREEZE] is None


def test_the_first_of_several_events_counts():
    events = (heard_at(BEGAN_S + 33.0), heard_at(BEGAN_S + 32.0))
    assert found(*events)[Deed.RUN] == 2.0


def test_the_second_loop_is_judged_by_its_own_events():
    pairs = findings([heard_at(BEGAN_S + 122.0)], began_s=BEGAN_S, playing_s=130.0)
    runs = [finding.delay_s for finding in pairs if finding.act.deed is Deed.RUN]
    assert runs == [None, 2.0]  # at 30 s and at 120 s


def test_events_are_counted_by_kind_and_label():
    events = [heard_at(0.0), heard_at(1.0), heard_at(2.0, kind="camera", label="frozen")]
    assert count_by_kind(events) == {"anomaly unusual": 2, "camera frozen": 1}
