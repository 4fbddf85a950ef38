"""Thresholds keep a promised false-alarm rate, counted by the live code, or there is none and a reason."""

import math

import numpy as np
import pytest

from models.checkpoint import Task
from pipeline.behaviour import BehaviourSettings
from training.thresholds import (
    Case,
    Promise,
    ScoreSeries,
    choose_threshold,
    choose_thresholds,
    count_events,
    count_false_alarms,
    recall,
    with_thresholds,
)

SETTINGS = BehaviourSettings(needed=2, out_of=3, merge_gap_s=2.0, cooldown_s=10.0)
ONE_AN_HOUR = Promise(per_hour=1.0)


def series(scores, duration_s=None):
    """One decision a second, unless the duration is told."""
    values = np.array(scores, np.float32)
    return ScoreSeries(np.arange(len(values), dtype=float), values, duration_s or float(len(values)))


def quiet_hours(hours, *bursts):
    """Hours at 0.1 with bursts of two decisions each, a minute apart, at the given scores."""
    scores = np.full(int(hours * 3600), 0.1, np.float32)
    for minute, score in enumerate(bursts, start=1):
        scores[minute * 60 : minute * 60 + 2] = score
    return series(scores)


def test_events_are_counted_after_votes_merging_and_cool_down():
    # One vote is no event; two begin one; the gap of 2 s is merged; the third burst falls into the cool-down.
    scores = [0.9, 0, 0, 0, 0.9, 0.9, 0, 0.9, 0, 0, 0, 0, 0.9, 0.9]
    assert count_events(series(scores), np.array([0.5]), SETTINGS).tolist() == [1]


def test_each_threshold_is_counted_on_its_own():
    scores = [0.6, 0.6, *[0] * 20, 0.8, 0.8]
    assert count_events(series(scores), np.array([0.5, 0.7, 0.9]), SETTINGS).tolist() == [2, 1, 0]


def test_no_event_in_three_hours_supports_one_an_hour():
    # The rule of three: −ln(0.05) = 2.996.
    assert ONE_AN_HOUR.needed_h == pytest.approx(2.996, abs=1e-3)
    assert ONE_AN_HOUR.upper_rate(0, 3.0) == pytest.approx(0.9986, abs=1e-4)
    # One event in 4.744 h: the Poisson mean under which one or none has 5 % is 4.744.
    assert ONE_AN_HOUR.upper_rate(1, 4.744) == pytest.approx(1.0, abs=1e-4)
    assert ONE_AN_HOUR.upper_rate(0, 0.0) == math.inf


def test_too_little_normal_footage_gives_no_threshold_and_says_how_much_is_needed():
    chosen = choose_threshold(Case([quiet_hours(2)], [series([0.9] * 5)]), ONE_AN_HOUR, SETTINGS)
    assert chosen.threshold is None
    assert math.isnan(chosen.recall)
    assert chosen.reason == (
        "2.00 h of normal footage cannot support 1 false alarms an hour: 3.00 h without any are needed"
    )


def test_without_any_normal_footage_there_is_no_threshold():
    assert choose_threshold(Case([], []), ONE_AN_HOUR, SETTINGS).threshold is None


def test_the_lowest_threshold_that_keeps_the_promise_is_chosen():
    # Five hours allow one event (4.744 / 5 < 1), not two (6.296 / 5 > 1). At 0.7 there are two.
    normal = [quiet_hours(2.5, 0.9), quiet_hours(2.5, 0.7)]
    chosen = choose_threshold(Case(normal, [series([0.79] * 4), series([0.3] * 4)]), ONE_AN_HOUR, SETTINGS)
    # 0.9 keeps the promise; half way to 0.7 there is as little.
    assert chosen.threshold == pytest.approx(0.8, abs=1e-6)
    assert (chosen.false_alarms.events, chosen.false_alarms.hours) == (1, 5.0)
    assert chosen.recall == 0.0
    assert count_false_alarms(normal, 0.69, promise=ONE_AN_HOUR, settings=SETTINGS).events == 2


def test_a_single_high_decision_does_not_raise_the_threshold():
    normal = quiet_hours(3)
    normal.scores[1000] = 0.99
    chosen = choose_threshold(Case([normal], [series([0.5] * 4)]), ONE_AN_HOUR, SETTINGS)
    # 0.99 stands alone and begins nothing. At 0.1 one event would go on for three hours: none is allowed.
    # Half way from 0.99 to 0.1 there is none either.
    assert chosen.threshold == pytest.approx(0.545, abs=1e-6)
    assert chosen.false_alarms.events == 0


def test_a_low_threshold_whose_events_merge_into_few_is_not_taken():
    # All of the footage at 0.1 is one event, and five hours allow one; but at 0.5 there were two.
    normal = quiet_hours(5, 0.5, 0.5)
    chosen = choose_threshold(Case([normal], []), ONE_AN_HOUR, SETTINGS)
    assert count_false_alarms([normal], 0.1, promise=ONE_AN_HOUR, settings=SETTINGS).events == 1
    assert chosen.threshold > 0.5


def test_the_recall_is_the_share_of_positives_in_which_the_behaviour_begins():
    positive = [series([0.9, 0.9]), series([0.9]), series([0.2, 0.9, 0.2, 0.9]), series([0.4, 0.4])]
    # The second has one vote of two; the third 2 of 3; the fourth none.
    assert recall(positive, 0.5, SETTINGS) == 0.5
    assert math.isnan(recall([], 0.5, SETTINGS))


def test_certainty_in_normal_footage_leaves_no_threshold():
    chosen = choose_threshold(Case([quiet_hours(3, 1.0)], [series([1.0] * 4)]), ONE_AN_HOUR, SETTINGS)
    assert chosen.threshold is None
    assert chosen.reason == "normal footage reaches probability 1 too often for any threshold"


def test_a_task_gets_the_thresholds_of_the_labels_that_have_one():
    cases = {"fall": Case([quiet_hours(3)], [series([0.9] * 3)]), "fight": Case([quiet_hours(1)], [])}
    chosen = choose_thresholds(cases, ONE_AN_HOUR, SETTINGS)
    task = with_thresholds(("normal", "fall", "fight"), chosen)
    # Above 0.1, the highest normal score, by the margin of 0.05.
    assert task == Task(("normal", "fall", "fight"), (None, pytest.approx(0.15), None))
    assert chosen["fall"].recall == 1.0


def brute_force(normal, promise):
    """Return the lowest score of the footage from which on every higher one keeps the promise."""
    kept = None
    for threshold in sorted(set(normal.scores.tolist()), reverse=True):
        alarms = count_false_alarms([normal], threshold, promise=promise, settings=SETTINGS)
        if alarms.at_most_per_hour > promise.per_hour:
            break
        kept = threshold
    return kept


def test_trying_few_thresholds_never_breaks_the_promise_and_loses_little():
    scores = np.random.default_rng(0).beta(1, 6, 3600).round(3).astype(np.float32)
    normal = series(scores)
    promise = Promise(per_hour=10.0)
    chosen = choose_threshold(Case([normal], []), promise, SETTINGS)
    assert chosen.false_alarms.at_most_per_hour <= 10.0
    best = brute_force(normal, promise)
    # The margin of 0.05, and what lies between the thresholds that are tried.
    assert best <= chosen.threshold < best + 0.1


def test_the_promised_rate_is_kept_on_footage_that_was_not_chosen_on():
    def footage(seed):
        return series(np.random.default_rng(seed).beta(1, 6, 6 * 3600).astype(np.float32))

    promise = Promise(per_hour=2.0)
    chosen = choose_threshold(Case([footage(1)], []), promise, SETTINGS)
    # 12 events in six hours would be allowed on average; the upper bound leaves a margin for chance.
    fresh = count_false_alarms([footage(2)], chosen.threshold, promise=promise, settings=SETTINGS)
    assert 0 < fresh.events <= 12


def test_a_stricter_promise_never_lowers_the_threshold():
    normal = quiet_hours(10, 0.9, 0.8, 0.7, 0.6, 0.5)
    rates = [1.0, 0.7, 0.5, 0.3]
    thresholds = [choose_threshold(Case([normal], []), Promise(rate), SETTINGS).threshold for rate in rates]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) > 2


def test_recordings_do_not_vote_together():
    # One vote at the end of the first and one at the beginning of the second are no event.
    normal = [series([0.1, 0.9]), series([0.9, 0.1])]
    assert count_false_alarms(normal, 0.5, promise=ONE_AN_HOUR, settings=SETTINGS).events == 0
