"""One camera after the encoder: what it makes of frames, switches, statuses and saved state."""

import av
import cv2
import numpy as np
import pytest

from pipeline.alarm import AlarmPhase
from pipeline.analysis import stages_for
from pipeline.anomaly import AnomalySettings
from pipeline.behaviour import BehaviourSettings
from pipeline.gallery import NormalMoment
from pipeline.presence import Presence, Watch
from pipeline.privacy import Blur, Privacy
from pipeline.types import CameraState, CameraStatus, EventKind, EventPhase, Severity
from pipeline.zones import Zone, ZoneMap
from tests.benches import CLOSED, FALL, OPENED, QUIET, WALK, Bench
from tests.fakes import (
    Verdict,
    checkpoint,
)


@pytest.fixture
def bench():
    return Bench()


def test_every_frame_joins_the_clip_and_a_still_one_repeats_the_last(bench):
    bench.see(0.0, value=5)
    bench.see(0.2, value=7)
    bench.rest(0.4)
    clip = bench.analysis.due_clip
    assert clip.features[:, 0].tolist() == [0, 5, 7, 7]
    assert clip.motion[:, 0].tolist() == [0, 5, 7, 0]


def test_a_pts_gap_empties_the_clip(bench):
    bench.see(0.0, 0.2, 0.4, value=5)
    bench.see(9.0, value=7, begins=True)
    bench.see(9.2, value=7)
    assert bench.analysis.due_clip.mask.tolist() == [False, False, True, True]


def test_a_still_frame_with_nothing_before_it_is_dropped_and_counted(bench):
    bench.see(0.0)
    bench.rest(5.0, begins=True)
    bench.rest(5.2)
    assert bench.sample("videobert_frames_dropped_total", reason="nothing_to_repeat") == 2
    assert bench.detector.rested == []


def test_the_detector_sees_moving_frames_and_only_hears_of_still_ones(bench):
    bench.see(0.0, value=3)
    bench.rest(0.2)
    assert bench.detector.observed == [(0.0, 3.0, False)]
    assert bench.detector.rested == [(0.2, False)]


def test_a_clip_is_due_once_it_is_half_full(bench):
    bench.see(0.0)
    assert bench.analysis.due_clip is None
    bench.see(0.2)
    assert bench.analysis.due_clip is not None


def test_after_a_decision_the_next_clip_is_due_a_stride_later(bench):
    bench.see(0.0)
    bench.decide(0.2, QUIET)
    bench.see(1.0)
    assert bench.analysis.due_clip is None
    bench.see(1.2)
    assert bench.analysis.due_clip is not None


def test_after_an_interruption_a_clip_is_due_at_once_even_if_the_clock_went_back(bench):
    bench.see(1000.0)
    bench.decide(1000.2, QUIET)
    bench.see(10.0, begins=True)
    bench.see(10.2)
    assert bench.analysis.due_clip is not None


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_an_alarm_becomes_an_event_with_a_snapshot_of_its_frame():
    bench = Bench({0.2: Verdict(0.6, OPENED)})
    original = av.VideoFrame(64, 48, "yuv420p")
    bench.see(0.0, 0.2, original=original)
    ((event, shown),) = bench.listener.snapshots
    assert bench.listener.events == [event]
    assert (event.phase, event.captured_s, shown.picture[:2]) == (EventPhase.NEW, 0.2, b"\xff\xd8")
    assert shown.region == event.region


def test_an_alarm_is_shown_beside_the_nearest_normal_moment():
    bench = Bench({0.2: Verdict(0.6, OPENED)})
    bench.detector.normal = NormalMoment(-300.0, b"normal", np.zeros(0))
    bench.see(0.0, 0.2, original=av.VideoFrame(640, 360, "yuv420p"))
    ((event, shown),) = bench.listener.snapshots
    assert (event.nearest_normal_utc_s, shown.normal) == (-300.0, b"normal")


def test_the_detector_is_shown_what_moves_in_small():
    bench = Bench()
    bench.see(0.0, original=av.VideoFrame(1280, 720, "yuv420p"))
    bench.rest(0.2)
    bench.see(0.4)
    assert bench.detector.shown == [(0.0, (180, 320, 3))]


def test_what_is_private_is_hidden_in_every_picture_of_an_event():
    stripes = np.zeros((360, 640, 3), np.uint8)
    stripes[::2] = 200
    bench = Bench({0.0: Verdict(0.6, OPENED)}, privacy=Privacy(blur=Blur.ALL))
    bench.see(0.0, original=av.VideoFrame.from_ndarray(stripes, format="bgr24"))
    ((_, shown),) = bench.listener.snapshots
    assert (decoded(shown.picture) == 100).all()
    for jpeg in (shown.marked, shown.thumbnail):  # the box is in the upper left quarter
        height_px = decoded(jpeg).shape[0]
        assert abs(decoded(jpeg)[height_px * 3 // 4 :].astype(int) - 100).max() <= 1


def test_an_event_has_one_snapshot_however_often_it_is_updated():
    bench = Bench({0.0: Verdict(0.6, OPENED), 5.0: Verdict(0.9, AlarmPhase.CHANGED)})
    bench.see(0.0, 5.0, original=av.VideoFrame(64, 48, "yuv420p"))
    assert bench.told == [("new", "unusual"), ("update", "unusual")]
    assert len(bench.listener.snapshots) == 1


def test_an_event_without_an_original_frame_has_no_snapshot():
    bench = Bench({0.0: Verdict(0.6, OPENED)})
    bench.see(0.0)
    assert bench.told == [("new", "unusual")]
    assert bench.listener.snapshots == []


def test_a_still_frame_can_end_an_alarm():
    bench = Bench({0.0: Verdict(0.6, OPENED), 9.0: Verdict(0.1, CLOSED)})
    bench.see(0.0)
    bench.rest(9.0)
    assert bench.told == [("new", "unusual"), ("end", "unusual")]


@pytest.fixture
def watching():
    """Return the bench of a camera whose left half is watched."""
    zones = ZoneMap([Zone("pool", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))])
    return Bench(presence=Presence([Watch("pool")], zones))


def test_whoever_is_in_a_watched_zone_is_an_event_until_it_is_quiet(watching):
    watching.move(0.0, 0.2, 0.4)
    watching.rest(5.0, 10.6)
    assert watching.told == [("new", "presence in pool"), ("end", "presence in pool")]
    (event, _) = watching.listener.events
    assert (event.kind, event.severity, event.region.x) == (EventKind.BEHAVIOUR, Severity.ALERT, 0.0)


def test_a_camera_that_cannot_be_trusted_sees_nobody(watching):
    watching.move(0.0, 0.2, 0.4)
    watching.analysis.take_status(CameraStatus.COVERED, "black")
    watching.move(0.6, 0.8, 1.0)
    assert [phase for phase, _ in watching.told] == ["new", "end"]
    watching.analysis.take_status(CameraStatus.ONLINE, "back")
    watching.move(1.2, 1.4, 1.6)
    assert [phase for phase, _ in watching.told] == ["new", "end", "new"]


def test_who_switches_behaviour_off_hears_of_nobody(watching):
    watching.controls.set("behaviour", False)
    watching.move(0.0, 0.2, 0.4, 0.6)
    assert watching.told == []


def test_a_behaviour_that_should_not_happen_is_an_alert(bench):
    bench.decide(1.0, FALL)
    (event,) = bench.listener.events
    assert (event.kind, event.label, event.severity) == (EventKind.BEHAVIOUR, "fall", Severity.ALERT)
    assert (event.score, event.captured_s) == (pytest.approx(0.9), 1.0)
    assert event.explanation == "Looks like fall (0.90)."


def test_an_everyday_behaviour_is_information(bench):
    bench.decide(1.0, WALK)
    assert [(event.label, event.severity) for event in bench.listener.events] == [("walks", Severity.INFO)]


def test_a_behaviour_ends_when_it_is_over(bench):
    bench.decide(1.0, FALL)
    bench.decide(4.5, QUIET)
    end = bench.listener.events[-1]
    assert (end.phase, end.end_utc_s, end.explanation) == (EventPhase.END, 4.5, "No more fall.")


@pytest.mark.parametrize("status", [status for status in CameraStatus if status is not CameraStatus.ONLINE])
def test_while_the_camera_cannot_be_trusted_nothing_is_learned_and_nothing_begins(status):
    bench = Bench({1.0: Verdict(0.9, OPENED)})
    bench.analysis.take_status(status, "the lens is covered")
    bench.decide(1.0, FALL)
    assert bench.detector.observed == [(1.0, 0.0, True)]
    assert bench.listener.events == []


def test_what_is_open_ends_with_the_reason_when_the_camera_is_covered():
    bench = Bench({0.0: Verdict(0.9, OPENED), 0.4: Verdict(0.9, CLOSED)})
    bench.see(0.0)
    bench.decide(0.2, FALL)
    bench.analysis.take_status(CameraStatus.COVERED, "The lens is covered.")
    bench.see(0.4)
    assert bench.told[2:] == [("end", "unusual"), ("end", "fall")]
    assert {event.explanation for event in bench.listener.events[2:]} == {"The lens is covered."}


def test_once_the_camera_is_back_alarms_begin_again():
    bench = Bench({0.0: Verdict(0.9, OPENED), 1.0: Verdict(0.9, OPENED)})
    bench.analysis.take_status(CameraStatus.COVERED, "The lens is covered.")
    bench.see(0.0)
    bench.analysis.take_status(CameraStatus.ONLINE, "The view is back.")
    bench.see(1.0)
    assert [event.captured_s for event in bench.listener.events] == [1.0]


def test_an_anomaly_switch_that_is_off_ends_the_event_and_suppresses_the_next():
    bench = Bench({0.0: Verdict(0.9, OPENED), 1.0: Verdict(0.9, OPENED)})
    bench.see(0.0)
    bench.controls.set("anomaly", False)
    bench.see(0.2, 1.0)
    assert bench.told == [("new", "unusual"), ("end", "unusual")]
    assert bench.listener.events[1].explanation == "Anomaly events were switched off."


def test_a_behaviour_switch_that_is_off_ends_the_event_and_suppresses_the_next(bench):
    bench.decide(1.0, FALL)
    bench.controls.set("behaviour", False)
    bench.decide(2.0, FALL)
    bench.decide(3.0, FALL)
    assert bench.told == [("new", "fall"), ("end", "fall")]


def test_a_behaviour_that_still_goes_on_is_a_new_event_when_the_switch_is_on_again(bench):
    bench.decide(1.0, FALL)
    bench.controls.set("behaviour", False)
    bench.decide(2.0, FALL)
    bench.controls.set("behaviour", True)
    bench.decide(3.0, FALL)
    assert bench.told == [("new", "fall"), ("end", "fall"), ("new", "fall")]


def test_a_new_budget_reaches_the_alarm_once(bench):
    bench.see(0.0, 0.2)
    bench.controls.set("budget_per_day", 5)
    bench.see(0.4, 0.6)
    assert bench.detector.budgets == [1.0, 5.0]


def test_the_state_says_what_is_true_now():
    bench = Bench({0.0: Verdict(0.614, OPENED)})
    bench.see(0.0)
    assert bench.listener.states == [
        CameraState(
            "porch",
            motion=True,
            anomaly_score=0.61,
            calibration_ratio=0.25,
            behaviour=None,
            active_events=("unusual",),
            expected_per_day=1.2,
            actual_per_day=0.5,
        )
    ]


def test_the_state_is_told_at_most_once_a_second_and_only_when_it_changed():
    bench = Bench({0.4: Verdict(0.3), 1.4: Verdict(0.4), 3.0: Verdict(0.5)})
    bench.see(0.0, 0.4, 1.0, 1.4, 2.0)
    bench.see(3.0, 4.0, 5.0, 6.0)
    # Each says the highest score of three seconds: 0.3 at 1.0, 0.4 at 2.0, 0.5 from 3.0 to 5.0.
    assert [state.anomaly_score for state in bench.listener.states] == [0.1, 0.3, 0.4, 0.5, 0.1]


def test_a_clock_that_was_set_back_does_not_silence_the_state(bench):
    bench.see(1000.0)
    bench.rest(10.0)
    assert [state.motion for state in bench.listener.states] == [True, False]


def test_a_camera_that_goes_offline_leaves_no_state_of_what_it_last_saw():
    bench = Bench({0.0: Verdict(0.9, OPENED)})
    bench.see(0.0)
    bench.analysis.take_status(CameraStatus.OFFLINE, "Nothing answers.")
    before, after = bench.listener.states
    assert (before.motion, before.anomaly_score, before.active_events) == (True, 0.9, ("unusual",))
    assert (after.motion, after.anomaly_score, after.active_events) == (False, 0.0, ())


def test_the_state_names_the_behaviour_that_goes_on(bench):
    bench.decide(1.0, WALK)
    bench.see(2.0)
    assert bench.listener.states[-1].behaviour == "walks"
    assert bench.listener.states[-1].active_events == ("walks",)


def test_scores_and_calibration_are_metrics(bench):
    bench.see(0.0)
    assert bench.sample("videobert_anomaly_score") == 0.1
    assert bench.sample("videobert_calibration_ratio") == 0.25
    assert bench.sample("videobert_alarm_budget_used_ratio") == 0.5


def test_stages_take_their_sizes_from_the_checkpoint():
    stages = stages_for(
        checkpoint(pictures=("fused", "crop"), num_frames=6), AnomalySettings(), BehaviourSettings()
    )
    clip = stages.clips.clip()
    assert (clip.features.shape, clip.motion.shape) == ((6, 2 * 1280), (6, 16))
    # A stride of 1 s at 5 frames a second: 1 - 0.1, so that a frame at 0.99 s is not too early.
    assert stages.stride_s == 0.9
    assert stages.alert_tasks == {"fight"}
