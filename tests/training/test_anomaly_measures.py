"""Frames pooled over clips, events and alarms: worked examples with few frames."""

import numpy as np
import pytest

from tests.training.anomalies import labelled
from training.anomaly_measures import (
    FoundAt,
    Span,
    frame_intervals,
    labelled_spans,
    match,
    measure_frames,
    share_found_at,
    smoothed,
)


def spans(labels, *, fps=1.0, hold_s=0.5):
    found = labelled_spans(labelled("a", [0] * len(labels), labels, fps=fps), hold_s=hold_s)
    return [(span.start_s, span.end_s) for span in found]


def test_frames_are_pooled_and_not_normalised_by_clip():
    clips = [labelled("a", [1, 2], [0, 1]), labelled("b", [10, 20], [0, 1])]
    found = measure_frames(clips, sigma_frames=0)
    # Of the pairs (2, 1), (2, 10), (20, 1), (20, 10) the second is wrong; within each clip all are right.
    assert found.auc == 0.75
    assert found.auc_offline == 0.75
    # The threshold 20 takes no normal frame; any lower one takes half of them.
    assert found.recall_at_fpr == {0.01: 0.5, 0.02: 0.5, 0.05: 0.5}


def test_the_raw_auc_knows_no_smoothing_and_the_offline_one_does():
    # One abnormal frame in the middle of five has a low score between high ones.
    clip = labelled("a", [0, 0, 5, 1, 5, 0, 0], [0, 0, 1, 1, 1, 0, 0])
    found = measure_frames([clip], sigma_frames=1.0)
    assert (found.auc, found.auc_offline) == (1.0, 1.0)
    noisy = labelled("a", [0, 9, 0, 0, 3, 3, 3, 3], [0, 0, 0, 0, 1, 1, 1, 1])
    assert measure_frames([noisy], sigma_frames=0).auc == 0.75
    assert measure_frames([noisy], sigma_frames=1.0).auc_offline < 1


def test_smoothing_stays_within_a_clip_and_keeps_its_mean():
    assert smoothed(np.ones(5), 3.0) == pytest.approx(np.ones(5))
    assert smoothed(np.array([0.0, 1.0, 0.0]), 0) == pytest.approx([0, 1, 0])


def test_one_label_alone_cannot_be_ranked():
    found = measure_frames([labelled("a", [1, 2], [0, 0])], sigma_frames=3)
    assert all(np.isnan([found.auc, found.auc_offline, found.ap]))


def test_a_span_runs_to_the_frame_after_its_last():
    assert spans([0, 1, 1, 0]) == [(1, 3)]
    assert spans([1, 0, 0, 1]) == [(0, 1), (3, 4)]
    assert spans([0, 0]) == []


def test_spans_that_are_less_apart_than_the_hold_are_one():
    # From 1 to 2 s and from 4 to 5 s: 2 s apart.
    assert spans([0, 1, 0, 0, 1], hold_s=2.5) == [(1, 5)]
    assert spans([0, 1, 0, 0, 1], hold_s=2.0) == [(1, 2), (4, 5)]


CLIP = labelled("a", [0.0] * 30, [0] * 10 + [1] * 5 + [0] * 15, fps=1.0)  # abnormal from 10 to 15 s


def test_an_alarm_that_begins_in_a_span_finds_it_with_its_delay():
    found = match(CLIP, [Span(12, 20)])
    assert [event.delay_s for event in found.events] == [2]
    assert (found.false_alarms, found.normal_s) == ((), 25)


def test_an_alarm_a_little_early_is_no_delay_and_much_too_early_is_false():
    assert match(CLIP, [Span(9.5, 12)]).events[0].delay_s == 0
    early = match(CLIP, [Span(5, 29)])
    assert (early.events[0].delay_s, early.false_alarms) == (None, (Span(5, 29),))
    assert match(CLIP, [Span(5, 29)], early_s=5).events[0].delay_s == 0


def test_an_alarm_after_the_span_is_false():
    found = match(CLIP, [Span(11, 12), Span(15, 16)])
    assert (found.events[0].delay_s, found.false_alarms) == (1, (Span(15, 16),))


def test_the_share_found_is_that_of_the_best_threshold_that_keeps_the_rate():
    # An hour of frames a minute apart; normal ones reach 5 once, the two events 7 and 3.
    scores, labels = np.zeros(60), np.zeros(60, int)
    scores[[10, 30, 50]] = 7, 5, 3
    labels[[10, 50]] = 1
    clip = labelled("a", scores, labels, fps=1 / 60)
    # 58 min are normal: one false alarm is 1.03 an hour, too many for a rate of 1.
    found = share_found_at([clip], [1.0, 2.0])
    assert found == {1.0: FoundAt(0.5, 7.0), 2.0: FoundAt(1.0, 3.0)}


def test_without_events_nothing_can_be_found():
    assert np.isnan(share_found_at([labelled("a", [1, 2], [0, 0])], [1.0])[1.0].share)


def test_an_alarm_that_never_ends_finds_nothing_late():
    # All scores alike: the only threshold that alarms is one that is always reached, from the start on.
    clip = labelled("a", [1.0] * 100, [0] * 50 + [1] * 50, fps=1.0)
    assert share_found_at([clip], [1.0])[1.0].share == 0.0


def test_intervals_resample_whole_clips():
    clips = [labelled(name, [0, 1, value], [0, 0, 1]) for name, value in (("a", 2), ("b", 0.5), ("c", 2))]
    found = frame_intervals(clips, draws=200)
    # Only b ranks anything wrong: resamples without it are perfect.
    assert found["auc"].high == 1.0
    assert found["auc"].low < 1.0
    assert frame_intervals(clips[:1])["auc"].note == "1 group cannot be resampled"
