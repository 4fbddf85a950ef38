"""Behaviours become events that say why they began, with the picture of the frame that counted most."""

from dataclasses import replace

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.behaviour import BehaviourChange, BehaviourPhase
from pipeline.behaviour_events import BehaviourEvents, Moment
from pipeline.clip_buffer import Clip
from pipeline.events import EventBook
from pipeline.explanation import Explainer
from pipeline.metrics import Metrics
from pipeline.recent import RecentFrames
from tests.fakes import ManualClock, RecordingListener, SummingEncoder, moving, observed_frame

BEGAN, ROSE, ENDED = BehaviourPhase.BEGAN, BehaviourPhase.ROSE, BehaviourPhase.ENDED


class Bench:
    """One camera's behaviour events, and what was told of them."""

    def __init__(self, *, explained=True):
        self.listener, self.encoder = RecordingListener(), SummingEncoder()
        book = EventBook(self.listener, ManualClock(), metrics=Metrics(CollectorRegistry()))
        explainer = Explainer(self.encoder) if explained else None
        self.events = BehaviourEvents("porch", book, alert_tasks=frozenset({"fight"}), explainer=explainer)

    def take(self, phase, probability, moment):
        return self.events.take(BehaviourChange("fight", "fight", phase, probability, 1), moment)


def moment(*features, originals=True):
    """Return a decision about frames 0 s, 0.2 s, … with these first features; each original is its number."""
    recent, frames = RecentFrames(len(features)), []
    for number in range(len(features)):
        frame = moving(observed_frame(number / 5), slice(0, 6), slice(0, 9))
        frames.append(replace(frame, frame=replace(frame.frame, original=number if originals else None)))
        recent.add(frames[-1])
    column = np.array(features, np.float32)[:, None]
    clip = Clip(column, np.zeros_like(column), np.ones(len(column), np.bool_))
    return Moment(frames[-1].frame, clip, recent)


def test_a_new_event_says_when_and_where_it_showed():
    told = Bench().take(BEGAN, 0.934, moment(0, 5, 0, 0))
    assert told.event.key_times_utc_s == (0.2,)
    assert (
        told.event.explanation
        == "Looks like fight (0.93), mostly the 0.2 s from 00:00:00.2 UTC (upper left)."
    )
    assert (told.event.region.x, told.event.region.y) == (0, 0)


def test_the_picture_is_that_of_the_frame_that_counted_most():
    assert Bench().take(BEGAN, 0.9, moment(0, 5, 0, 0)).picture.original == 1


def test_where_no_nearer_original_was_kept_the_picture_is_the_newest():
    # Of eight frames the originals 0, 2, 4, 6 are kept; the last frame counted most, and is at hand.
    assert Bench().take(BEGAN, 0.9, moment(0, 0, 0, 0, 0, 0, 0, 5)).picture.original == 7


def test_the_heat_of_a_behaviour_is_where_it_moved_in_its_key_frames():
    told = Bench().take(BEGAN, 0.9, moment(0, 5, 0, 0))
    assert told.heat.shape == (14, 14)
    assert told.heat.max() > 0


def test_a_camera_without_originals_has_no_picture():
    assert Bench().take(BEGAN, 0.9, moment(5, 0, originals=False)).picture.original is None


def test_the_model_is_asked_why_once_an_event():
    bench = Bench()
    bench.take(BEGAN, 0.9, moment(0, 5, 0, 0))
    rose = bench.take(ROSE, 0.99, moment(0, 0, 0, 5))
    assert bench.encoder.batches == 1
    assert (rose.event.score, rose.event.key_times_utc_s) == (0.99, (0.2,))
    assert rose.event.explanation.startswith("Looks like fight (0.99), mostly the 0.2 s from 00:00:00.2 UTC")


def test_the_next_event_has_reasons_of_its_own():
    bench = Bench()
    bench.take(BEGAN, 0.9, moment(0, 5, 0, 0))
    assert bench.take(ENDED, 0.9, moment(0, 0, 0, 0)) is None
    assert bench.take(BEGAN, 0.9, moment(5, 0, 0, 0)).event.key_times_utc_s == (0.0,)
    assert [event.phase for event in bench.listener.events] == ["new", "end", "new"]


def test_an_end_keeps_the_key_times_and_says_that_it_is_over():
    bench = Bench()
    bench.take(BEGAN, 0.9, moment(0, 5, 0, 0))
    bench.take(ENDED, 0.9, moment(0, 0, 0, 0))
    end = bench.listener.events[-1]
    assert (end.explanation, end.key_times_utc_s) == ("No more fight.", (0.2,))


@pytest.mark.parametrize("phase", [BEGAN, ROSE])
def test_without_an_explainer_an_event_says_only_what(phase):
    told = Bench(explained=False).take(phase, 0.9, moment(0, 5))
    assert (told.event.explanation, told.event.key_times_utc_s) == ("Looks like fight (0.90).", ())
    assert (told.picture.original, told.heat) == (1, None)
