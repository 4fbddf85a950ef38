"""Each control chart of an alarm goes by what it is used to itself, and together they keep the budget."""

import math

import numpy as np
import pytest

from pipeline.alarm import Alarm, AlarmPhase, AlarmSettings
from pipeline.control_chart import DAY_S, ChartSettings
from tests.pipeline.alarms import SETTINGS, STEP_S, calm

TWO_CHARTS = {"moving": ChartSettings(0.3), "standing": ChartSettings()}


def play_both(alarm, first, second):
    """Give an alarm with two charts their scores; return its changes."""
    steps = zip(first, second, strict=True)
    changes = [alarm.update(i * STEP_S, [float(a), float(b)]) for i, (a, b) in enumerate(steps)]
    return [change for change in changes if change]


def play_alone(alarm, scores):
    """Give an alarm with one chart its scores; return its changes."""
    changes = [alarm.update(i * STEP_S, [float(score)]) for i, score in enumerate(scores)]
    return [change for change in changes if change]


def two_charts():
    return Alarm(SETTINGS, TWO_CHARTS)


def test_what_one_chart_is_used_to_makes_no_other_less_sensitive():
    # While the camera begins to judge, somebody stands there for a minute. Ten minutes later something moves.
    moves, stands = calm(620), calm(620, seed=1)
    stands[:300] = np.linspace(1, 40, 300)
    moves[3050:3060] = 8
    alarm = two_charts()
    opened, *_ = play_both(alarm, moves, stands)
    assert opened.phase is AlarmPhase.OPENED
    assert 610 < opened.time_s < 612
    moving, standing = alarm.thresholds
    assert moving < 8
    assert standing > 40
    # As one score they would be what is rarest: the threshold is above what stands.
    single = Alarm(SETTINGS)
    assert play_alone(single, np.maximum(moves, stands)) == []


def test_charts_share_the_budget():
    alarm, single = two_charts(), Alarm(SETTINGS)
    play_alone(single, calm(600))
    play_both(alarm, calm(600), calm(600))
    assert alarm.thresholds[1] > single.thresholds[0]
    assert alarm.expected_per_day == pytest.approx(SETTINGS.budget_per_day)


def test_the_p_value_of_one_chart_at_its_threshold_is_that_of_the_whole_budget():
    alarm = two_charts()
    play_both(alarm, calm(600), calm(600))
    slowly = np.linspace(1, 8, 200)
    changes = [alarm.update(600 + i * STEP_S, [1.0, score]) for i, score in enumerate(slowly.tolist())]
    opened = next(change for change in changes if change)
    # A budget of 10 a day is one in 1,728 of the blocks of 5 s; each chart has half of that.
    assert opened.p_value == pytest.approx(10 * 5 / DAY_S, rel=0.2)


def test_nothing_opens_and_all_is_learned_before_every_chart_is_known():
    alarm = two_charts()
    unknown, stands = [math.nan] * 3000, calm(600)
    stands[1500:1600] = 50
    assert play_both(alarm, unknown, stands) == []
    assert alarm.thresholds is None
    assert alarm.level([1.0, 50.0]) == alarm.newest_level == 0.0
    assert alarm.expected_per_day is None
    for i in range(20):
        alarm.update(600 + i * STEP_S, [1.0, 50.0])
    assert alarm.is_calm


def test_each_chart_averages_over_its_own_time():
    alarm = two_charts()
    play_both(alarm, calm(600), calm(600))
    twice = [2 * threshold for threshold in alarm.thresholds]

    def steps_until_an_alarm(scores):
        after = two_charts()
        after.from_arrays(alarm.to_arrays())
        changes = (after.update(600 + i * STEP_S, scores) for i in range(50))
        return next(i for i, change in enumerate(changes) if change)

    # Twice the threshold is reached after 0.69 of the time, and one step later, as it takes two of three.
    assert steps_until_an_alarm([twice[0], 0.0]) * STEP_S <= 0.3 * 0.69 + 2 * STEP_S
    assert steps_until_an_alarm([0.0, twice[1]]) * STEP_S >= 0.69


def test_only_the_chart_that_alarmed_too_often_gets_a_higher_threshold():
    alarm = Alarm(AlarmSettings(budget_per_day=2.0, hold_s=2.0, cooldown_s=10.0), TWO_CHARTS)
    moves = np.concatenate([calm(600), *[[50.0] * 10, calm(60)] * 4])
    play_both(alarm, moves[:3000], calm(600))
    before = alarm.thresholds
    for i, score in enumerate(moves[3000:].tolist()):
        alarm.update(600 + i * STEP_S, [score, 1.0])
    assert alarm.thresholds[0] > 1.1 * before[0]
    assert alarm.thresholds[1] <= before[1]


def test_a_chart_that_has_not_alarmed_holds_no_alarm_open():
    alarm = two_charts()
    play_both(alarm, calm(600), calm(600))
    nearly = 0.8 * alarm.thresholds[1]
    moves = np.concatenate([calm(60), [50.0] * 10, calm(60), [50.0] * 10, calm(60)])
    changes = [alarm.update(600 + i * STEP_S, [score, nearly]) for i, score in enumerate(moves.tolist())]
    phases = [change.phase for change in changes if change and change.phase is not AlarmPhase.CHANGED]
    assert phases == [AlarmPhase.OPENED, AlarmPhase.CLOSED] * 2


def test_what_was_accepted_of_one_chart_silences_no_other():
    alarm = two_charts()
    play_both(alarm, calm(600), calm(600))
    moves = np.concatenate([calm(90), [50.0] * 10, calm(20)])
    changes = [alarm.update(600 + i * STEP_S, [score, 50.0]) for i, score in enumerate(moves.tolist())]
    times = [change.began_s for change in changes if change and change.phase is AlarmPhase.OPENED]
    # What stands is accepted after 60 s.
    assert times == [pytest.approx(600, abs=2), pytest.approx(690, abs=2)]


def test_the_level_is_that_of_the_chart_nearest_to_its_threshold():
    alarm = two_charts()
    play_both(alarm, calm(600), 10 * calm(600, seed=1))
    moving, standing = alarm.thresholds
    assert alarm.level([moving, 0.0]) == alarm.level([0.0, standing]) == 0.5
    assert alarm.level([2 * moving, standing]) == pytest.approx(2 / 3)


def high_blocks(scores, *, has_episodes=True):
    """Return how many blocks of 5 s that reached 2 an alarm has calibrated; calm ones are about 1."""
    alarm = Alarm(AlarmSettings(), {"standing": ChartSettings(has_episodes=has_episodes)})
    for i, score in enumerate(scores):
        assert alarm.update(i * STEP_S, [float(score)]) is None
    return int((alarm.to_arrays()["standing.fine"] >= 2.0).sum())


@pytest.mark.parametrize("begins_s", [600, 601, 602, 603, 604])
def test_an_episode_counts_once_and_only_when_it_is_over(begins_s):
    calm_before, episode = calm(begins_s), np.linspace(1.2, 3.5, 200)
    assert high_blocks([*calm_before, *episode]) == 0
    assert high_blocks([*calm_before, *episode, *calm(20)]) == 1
    assert high_blocks([*calm_before, *episode, *calm(20)], has_episodes=False) > 3


def test_an_episode_that_lasts_longer_than_blocks_may_wait_counts_once():
    assert high_blocks([*calm(300), *[2.5] * 5000, *calm(20)]) == 1


def test_an_alarm_of_another_chart_leaves_an_episode_to_be_counted():
    charts = {"moving": ChartSettings(0.3), "standing": ChartSettings(has_episodes=True)}
    alarm = Alarm(SETTINGS, charts)
    moves = np.concatenate([calm(630), [50.0] * 10, calm(60)])
    stands = np.concatenate([calm(600), np.linspace(1, 2.5, 140), [2.5] * 20, calm(60)])
    changes = play_both(alarm, moves, stands[: len(moves)])
    assert changes[0].phase is AlarmPhase.OPENED
    assert alarm.to_arrays()["standing.fine"].max() > 2.0


def test_a_chart_of_more_weight_has_a_larger_share():
    charts = {"moving": ChartSettings(weight=3.0), "standing": ChartSettings()}
    alarm = Alarm(SETTINGS, charts)
    play_both(alarm, calm(600), calm(600))
    moving, standing = alarm.thresholds
    assert moving < standing
    assert alarm.expected_per_day == pytest.approx(SETTINGS.budget_per_day)
