"""What the routine misses is an event of its own, is taught like any other, and outlives a restart."""

import av
import numpy as np
import pytest

from models.movement import NO_MOVEMENT
from pipeline.anomaly import AnomalyDetector, AnomalySettings
from pipeline.feedback import Lesson
from pipeline.feedback import Verdict as Word
from pipeline.routine import AbsenceChange, AbsencePhase
from pipeline.types import CameraStatus
from tests.benches import OPENED, Bench
from tests.fakes import Verdict
from tests.pipeline.homes import DAY_S, DAYS, HOUR_S, MINUTE_S, MISSED_S, SOMEBODY, Home

MISSED = AbsenceChange(AbsencePhase.BEGAN, "Nothing has moved here for 11 h.", score=0.6, p_value=0.02)
BACK = AbsenceChange(AbsencePhase.ENDED, "Something moves here again, after 13 h.")
TOLD_S = DAYS * DAY_S + MISSED_S


def test_an_absence_is_an_event_with_a_picture_until_something_moves():
    bench = Bench({0.2: Verdict(absence=MISSED), 0.6: Verdict(absence=BACK)})
    bench.see(0.0, 0.2, 0.4, original=av.VideoFrame(64, 48, "yuv420p"))
    ((event, shown),) = bench.listener.snapshots
    assert (event.kind, event.label, event.severity) == ("anomaly", "absence", "warning")
    assert (event.score, event.p_value, event.start_utc_s, event.region) == (0.6, 0.02, 0.2, None)
    assert event.explanation == MISSED.words
    assert shown.picture[:2] == b"\xff\xd8"
    bench.rest(0.6)
    assert bench.told == [("new", "absence"), ("end", "absence")]
    assert bench.listener.events[-1].explanation == BACK.words


def test_an_absence_and_an_alarm_are_two_events():
    bench = Bench({0.2: Verdict(absence=MISSED), 0.4: Verdict(0.9, OPENED)})
    bench.see(0.2, 0.4)
    assert bench.told == [("new", "absence"), ("new", "unusual")]


def test_an_absence_ends_once_when_the_camera_is_lost():
    bench = Bench({0.2: Verdict(absence=MISSED), 0.6: Verdict(absence=BACK)})
    bench.see(0.2)
    bench.analysis.take_status(CameraStatus.OFFLINE, "The camera does not answer.")
    bench.analysis.take_status(CameraStatus.ONLINE, "The camera is back.")
    bench.see(0.6)
    assert bench.told == [("new", "absence"), ("end", "absence")]


def test_an_absence_ends_when_anomalies_are_switched_off():
    bench = Bench({0.2: Verdict(absence=MISSED)})
    bench.see(0.2)
    bench.controls.set("anomaly", False)
    bench.see(0.4)
    assert bench.listener.events[-1].explanation == "Anomaly events were switched off."


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Return the file of a detector that has seen nine days alike."""
    home, path = Home(), tmp_path_factory.mktemp("state") / "porch.npz"
    home.live(0, DAYS)
    AnomalyDetector(AnomalySettings()).save(path)
    with np.load(path) as file:
        arrays = dict(file) | {f"routine.{name}": a for name, a in home.routine.to_arrays().items()}
    np.savez(path, **arrays)
    return path


def loaded(path):
    detector = AnomalyDetector(AnomalySettings())
    detector.load(path)
    return detector


def sleep(detector, from_s, until_s, **options):
    """Let nothing move, a still frame a minute; return what is told of it."""
    seen = [detector.rest(s, **options) for s in np.arange(from_s, until_s, MINUTE_S).tolist()]
    return [anomaly.absence.phase.value for anomaly in seen if anomaly.absence]


def test_still_frames_make_a_silence_and_movement_ends_it(state):
    detector = loaded(state)
    assert sleep(detector, DAYS * DAY_S, TOLD_S + 120) == ["began"]
    for step in range(2):
        assert detector.observe(None, SOMEBODY, TOLD_S + 120 + step / 5).absence is None
    assert detector.observe(None, SOMEBODY, TOLD_S + 120.4).absence.phase is AbsencePhase.ENDED
    assert detector.observe(None, NO_MOVEMENT, TOLD_S + 120.6).absence is None


def test_an_absence_is_one_of_the_alarms_that_use_the_budget_unless_it_was_right(state):
    detector = loaded(state)
    sleep(detector, DAYS * DAY_S, TOLD_S + 60)
    assert detector.alarm.actual_per_day == 1.0
    detector.teach(Lesson("e", Word.WAS_AN_ALARM, TOLD_S, ()))
    assert detector.alarm.actual_per_day == 0.0


def test_a_camera_that_cannot_be_trusted_misses_nothing(state):
    assert sleep(loaded(state), DAYS * DAY_S, TOLD_S + HOUR_S, suppressed=True) == []


def test_what_was_dismissed_is_usual_after_a_restart(state, tmp_path):
    detector = loaded(state)
    sleep(detector, DAYS * DAY_S, TOLD_S + 60)
    detector.teach(Lesson("e", Word.NOT_AN_ALARM, TOLD_S, ()))
    assert sleep(detector, TOLD_S + 60, TOLD_S + 180) == ["ended"]
    detector.save(tmp_path / "porch.npz")
    assert sleep(loaded(tmp_path / "porch.npz"), TOLD_S + 180, TOLD_S + 2 * HOUR_S) == []
