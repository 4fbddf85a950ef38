"""What the routine misses is an event of the camera, from its state file to its picture; it always ends."""

import io

import av
import numpy as np
import pytest

from pipeline.anomaly import AnomalyDetector, AnomalySettings
from pipeline.errors import StateError
from pipeline.feedback import Lesson, Verdict
from pipeline.routine import AbsencePhase
from pipeline.types import CameraStatus, EventKind, EventPhase, Severity
from tests.benches import Bench
from tests.pipeline.homes import HOUR_S, MISSED_S, SOMEBODY, TODAY_S, learned_routine

# Frames so far apart are not yet a gap.
STEP_S = 300.0
TOLD_S = TODAY_S + MISSED_S


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Return the state file of a camera that knows nine days alike, and nothing else."""
    with np.load(io.BytesIO(AnomalyDetector(AnomalySettings()).to_bytes())) as file:
        arrays = {name: file[name] for name in file.files}
    arrays |= {f"routine.{name}": array for name, array in learned_routine().items()}
    path = tmp_path_factory.mktemp("state") / "porch.npz"
    np.savez(path, **arrays)
    return path


def loaded(path):
    detector = AnomalyDetector(AnomalySettings())
    detector.load(path)
    return detector


@pytest.fixture
def detector(state):
    return loaded(state)


@pytest.fixture
def bench(state):
    return Bench(detector=loaded(state))


def sleep(detector, from_s, until_s, **options):
    """Let nothing move; return what is said of it."""
    seen = (detector.rest(time_s, **options) for time_s in np.arange(from_s, until_s, STEP_S).tolist())
    return [(found.absence.phase, detector.newest, found.absence) for found in seen if found.absence]


def phases(said):
    return [phase for phase, *_ in said]


def stir(detector, time_s):
    """Let somebody move: the third frame says so."""
    return [detector.observe(None, SOMEBODY, time_s + frame / 5) for frame in range(3)][-1].absence


def test_still_frames_are_the_silence_in_which_somebody_is_missed(detector):
    ((phase, _, absence),) = sleep(detector, TODAY_S, TOLD_S + 1)
    assert (phase, absence.score > 0.5, absence.p_value <= 0.1) == (AbsencePhase.BEGAN, True, True)
    assert stir(detector, TOLD_S + 60).phase is AbsencePhase.ENDED


def test_an_absence_uses_the_budget_until_somebody_says_that_it_was_right(detector):
    sleep(detector, TODAY_S, TOLD_S + 1)
    assert detector.budget_used_ratio == 1.0
    detector.teach(Lesson("e", Verdict.WAS_AN_ALARM, TOLD_S, ()))
    assert detector.budget_used_ratio == 0.0


def test_an_absence_that_was_no_alarm_ends_with_the_next_frame(detector):
    sleep(detector, TODAY_S, TOLD_S + 1)
    detector.teach(Lesson("e", Verdict.NOT_AN_ALARM, TOLD_S, ()))
    assert phases(sleep(detector, TOLD_S + STEP_S, TOLD_S + HOUR_S)) == [AbsencePhase.ENDED]


def test_an_absence_is_told_once_over_a_restart(detector, tmp_path):
    assert phases(sleep(detector, TODAY_S, TOLD_S + 1)) == [AbsencePhase.BEGAN]
    detector.save(tmp_path / "porch.npz")
    again = loaded(tmp_path / "porch.npz")
    assert sleep(again, TOLD_S + STEP_S, TOLD_S + 2 * HOUR_S) == []
    again.teach(Lesson("e", Verdict.WAS_AN_ALARM, TOLD_S, ()))
    assert again.budget_used_ratio == 0.0


def test_a_state_without_the_routine_is_refused(state, tmp_path):
    with np.load(state) as file:
        np.savez(tmp_path / "porch.npz", **{n: file[n] for n in file.files if n != "routine.slot"})
    with pytest.raises(StateError, match="is damaged"):
        loaded(tmp_path / "porch.npz")


def test_while_the_camera_is_suppressed_nobody_is_missed(detector):
    assert sleep(detector, TODAY_S, TODAY_S + 12 * HOUR_S, suppressed=True) == []
    assert sleep(detector, TODAY_S + 12 * HOUR_S, TODAY_S + 12 * HOUR_S + 1800) == []


def miss(bench):
    """Let nobody get up until that is told."""
    original = av.VideoFrame(64, 48, "yuv420p")
    bench.see(*np.arange(TODAY_S, TOLD_S + 1, STEP_S).tolist(), original=original)


def test_an_absence_is_an_anomaly_event_with_the_picture_of_now(bench):
    miss(bench)
    ((event, shown),) = bench.listener.snapshots
    assert bench.listener.events == [event]
    assert (event.kind, event.label, event.severity) == (EventKind.ANOMALY, "absence", Severity.WARNING)
    assert (event.start_utc_s, event.region, shown.picture[:2]) == (TOLD_S, None, b"\xff\xd8")
    assert event.explanation.startswith("Nothing has moved here for 10.3 h; on the last 9 days ")


def test_the_event_ends_when_something_moves_again(bench):
    miss(bench)
    bench.move(TOLD_S + 60, TOLD_S + 60.2, TOLD_S + 60.4)
    *_, ended = bench.listener.events
    assert bench.told == [("new", "absence"), ("end", "absence")]
    assert (ended.phase, ended.end_utc_s) == (EventPhase.END, TOLD_S + 60.4)
    assert ended.explanation == "Something moves here again, after 10.4 h."


def test_a_persons_word_on_the_event_ends_it(bench):
    miss(bench)
    (event,) = bench.listener.events
    bench.analysis.teach(Lesson(event.id, Verdict.NOT_AN_ALARM, event.start_utc_s, event.sights))
    bench.see(TOLD_S + 60)
    assert bench.told == [("new", "absence"), ("end", "absence")]


def test_the_event_ends_with_the_reason_when_the_camera_goes_away_and_is_not_told_again(bench):
    miss(bench)
    bench.analysis.take_status(CameraStatus.OFFLINE, "The camera does not answer.")
    assert bench.listener.events[-1].explanation == "The camera does not answer."
    bench.analysis.take_status(CameraStatus.ONLINE, "The camera answers.")
    bench.see(*np.arange(TOLD_S + STEP_S, TOLD_S + HOUR_S, STEP_S).tolist())
    assert bench.told == [("new", "absence"), ("end", "absence")]


def test_the_event_ends_when_no_frame_came_for_longer_than_a_gap(bench):
    miss(bench)
    bench.see(TOLD_S + STEP_S + 1)
    assert bench.told == [("new", "absence"), ("end", "absence")]
    assert "was not seen for a while" in bench.listener.events[-1].explanation


def test_a_switch_that_is_off_ends_the_event(bench):
    miss(bench)
    bench.controls.set("anomaly", False)
    bench.see(TOLD_S + 60)
    assert bench.told == [("new", "absence"), ("end", "absence")]
    assert bench.listener.events[-1].explanation == "Anomaly events were switched off."


def test_who_switched_anomalies_off_misses_nobody(bench):
    bench.controls.set("anomaly", False)
    miss(bench)
    assert bench.listener.events == []
