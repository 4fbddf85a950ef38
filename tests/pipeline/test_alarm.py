"""An alarm opens on what lasts, stays one alarm, closes, and keeps its budget."""

import math

import numpy as np
import pytest

from pipeline.alarm import Alarm, AlarmPhase, AlarmSettings
from pipeline.control_chart import DAY_S
from pipeline.sustained import Sustained
from tests.pipeline.alarms import SETTINGS, STEP_S, calm


class Player:
    """Feeds an alarm five scores a second and notes its changes as (seconds since the start, phase)."""

    def __init__(self, settings=SETTINGS):
        self.alarm = Alarm(settings)
        self.steps = 0
        self.changes = []

    def play(self, scores, **options):
        before = len(self.changes)
        for score in scores:
            change = self.alarm.update(self.steps * STEP_S, [float(score)], **options)
            self.steps += 1
            if change:
                self.changes.append(change)
        return [change.phase.value for change in self.changes[before:]]

    @property
    def threshold(self):
        thresholds = self.alarm.thresholds
        return None if thresholds is None else thresholds[0]

    def level(self, score):
        return self.alarm.level([score])

    @property
    def time_s(self):
        return self.steps * STEP_S


# Twice the threshold of 3.6 for 2 s, which lifts the mean from 0.7 to 8 - 7.3 e^-2 = 7.0.
PULSE = [8] * 10


def calibrated(blocks, hours, *, p_values):
    """Return the arrays of an alarm with one chart that has seen these blocks of a minute."""
    kept = {"blocks": blocks, "hours": hours, "fine": np.zeros(0), "p_values": p_values}
    arrays = {**kept, "observed_s": np.array(60.0 * len(blocks))}
    return {f"score.{name}": array for name, array in arrays.items()} | {"opened_s": np.zeros(0)}


@pytest.fixture
def player():
    player = Player()
    assert player.play(calm(600)) == []
    return player


def test_there_is_no_threshold_before_eight_twelfths_of_a_minute():
    player = Player()
    player.play(calm(38))
    assert player.threshold is None
    assert player.play([1000.0] * 5) == []
    player.play(calm(10))
    assert player.threshold is not None


def test_what_is_high_for_a_second_opens_an_alarm_and_it_closes_after_the_hold(player):
    began_s = player.time_s
    assert player.play([*[8] * 5, *calm(5)]) == ["opened", "changed", "closed"]
    opened, _, closed = player.changes
    # The first is not yet the second of three. Then 8 - 7.3 e^-0.2n: 3.1, and at the fourth 4.0, above 3.6.
    assert opened.time_s == pytest.approx(began_s + 3 * STEP_S)
    # The first low one is the third of three. Then 1 + 4.3 e^-0.2n: 2.6 at the fifth, 2.3 at the sixth.
    assert closed.time_s == pytest.approx(began_s + 10 * STEP_S + 2.0)
    assert closed.began_s == opened.time_s


def test_one_high_score_alone_opens_nothing(player):
    assert player.play([1, 500, 1, 1, 500, 1, 1, *calm(5)]) == []


def test_what_flickers_opens_nothing_where_what_is_lower_and_lasts_does(player):
    # A pair, and the score after it that makes one of them the second of three: 1 + 5 (1 - e^-0.4) = 2.7.
    flicker = Player()
    flicker.play(calm(600))
    assert flicker.play([*[6, 6, *[1] * 10] * 2, *calm(5)]) == []
    assert player.play([5] * 8) == ["opened"]


def test_the_score_of_an_alarm_is_its_highest_mean(player):
    player.play([*PULSE, 500, *calm(5)])
    # 0.7 before, then ten steps towards 8; the flash of 500 makes no other the second highest of three, and
    # after it one 8 still is: twelve steps less the first.
    highest = 8 - 7.3 * math.exp(-0.2 * 11)
    assert player.changes[-1].level == pytest.approx(player.level(highest), rel=0.01)


def test_a_short_gap_is_merged(player):
    phases = player.play([*PULSE, *calm(2), *PULSE, *calm(6)])
    assert (phases.count("opened"), phases.count("closed")) == (1, 1)


def test_nothing_opens_during_the_cooldown(player):
    player.play([*PULSE, *calm(5)])
    assert player.changes[-1].phase is AlarmPhase.CLOSED
    assert player.play(PULSE) == []
    player.play(calm(10))
    assert player.play([8] * 5) == ["opened"]


def test_a_clearly_stronger_one_opens_even_during_the_cooldown(player):
    player.play([*PULSE, *calm(5)])
    assert player.play([12] * 9)[0] == "opened"


def test_a_growing_alarm_tells_so_once_a_second(player):
    phases = player.play([*[8] * 5, *np.linspace(10, 200, 15)])
    assert phases == ["opened", "changed", "changed", "changed"]
    assert all(change.began_s == player.changes[0].time_s for change in player.changes)


def test_the_p_value_of_an_alarm_is_below_that_of_the_budget(player):
    player.play(PULSE)
    # A budget of 10 a day is one in 1,728 of the blocks of 5 s that a young calibration uses.
    assert player.changes[0].p_value < 10 * 5 / DAY_S


def test_a_suppressed_camera_neither_opens_nor_calibrates(player):
    ratio = player.alarm.calibration_ratio
    assert player.play([500] * 50, suppressed=True) == []
    assert player.alarm.calibration_ratio == ratio


def test_an_open_alarm_closes_when_the_camera_is_suppressed(player):
    assert player.play([8] * 5) == ["opened"]
    assert player.play([50] * 20, suppressed=True) == ["closed"]


def test_what_leads_to_an_excused_frame_and_follows_it_is_not_counted_as_normal(player):
    before, nearly = player.threshold, 0.95 * player.threshold
    for _ in range(20):
        player.play([*calm(20), *[nearly] * 15])
        player.alarm.excuse(player.time_s)
        player.play([math.nan, *[nearly] * 3])  # the hold is 2 s, in which what fades of it passes
    assert player.threshold == pytest.approx(before, rel=0.1)


def test_a_score_that_is_not_known_yet_changes_nothing():
    player = Player()
    assert player.play([math.nan] * 1000) == []
    assert player.threshold is None
    assert player.level(math.nan) == 0.0


def test_the_newest_level_is_what_the_scores_come_to(player):
    assert player.play(PULSE[:4]) == ["opened"]
    assert player.alarm.newest_level == player.changes[-1].level
    player.play([math.nan])
    assert player.alarm.newest_level == 0.0
    player.play(PULSE)
    player.steps += round(2.5 / STEP_S)
    player.play([8.0])
    assert player.alarm.newest_level == 0.0  # one score after a gap says nothing


def test_what_fades_of_an_accepted_thing_is_no_normal_score(player):
    before = player.threshold
    player.play([800] * 400)
    assert player.changes[-1].phase.value == "closed"
    player.play(calm(10))
    assert player.threshold == pytest.approx(before, rel=0.1)


def test_what_does_not_end_is_closed_once_and_accepted(player):
    assert player.play([8] * 400)[:: len(player.changes) - 1] == ["opened", "closed"]
    assert player.changes[-1].time_s - player.changes[0].time_s == pytest.approx(60.0)
    assert player.alarm.is_calm
    player.play(calm(20))
    assert player.play([8] * 5) == ["opened"]


def test_frames_of_an_alarm_and_those_nearly_one_are_not_safe_to_learn(player):
    assert player.alarm.is_calm
    player.play([0.9 * player.threshold] * 8)
    assert not player.alarm.is_calm
    player.play(PULSE)
    assert not player.alarm.is_calm
    player.play(calm(5))
    assert player.alarm.is_calm


def test_a_larger_budget_lowers_the_threshold_and_none_silences_the_alarm(player):
    before = player.threshold
    player.alarm.set_budget(1000.0)
    assert player.threshold < before
    player.alarm.set_budget(0.0)
    assert player.play([1e9] * 5) == []
    assert player.alarm.budget_used_ratio == 0.0


def test_calibration_is_complete_after_one_budget_period():
    player = Player(AlarmSettings(budget_per_day=DAY_S / 1200))  # one alarm in 20 minutes
    player.play(calm(600))
    assert player.alarm.calibration_ratio == pytest.approx(0.5, abs=0.001)
    player.play(calm(700))
    assert player.alarm.calibration_ratio == 1.0


def test_the_budget_counts_the_alarms_of_the_last_day(player):
    for _ in range(3):
        player.play([*PULSE, *calm(20)])
    assert player.alarm.budget_used_ratio == pytest.approx(0.3)
    player.alarm.update(player.time_s + DAY_S + 1, [1.0])
    assert player.alarm.budget_used_ratio == 0.0


@pytest.mark.parametrize("height", [50.0, 1e6])
def test_alarms_within_the_budget_leave_the_threshold_and_those_beyond_raise_it(height):
    player = Player(AlarmSettings(budget_per_day=2.0, hold_s=2.0, cooldown_s=10.0))
    player.play(calm(600))
    thresholds = []
    for _ in range(3):
        thresholds.append(player.threshold)
        player.play([*[height] * 10, *calm(60)])
    # The calm footage between them moves the threshold a little; the third alarm of the day is one too many.
    assert thresholds == pytest.approx([thresholds[0]] * 3, rel=0.15)
    assert 1.1 * thresholds[0] < player.threshold < 50.0


def test_the_slow_beginning_of_an_alarm_is_not_counted_as_normal(player):
    before = player.threshold
    player.play([*np.linspace(1, 0.95 * before, 30), *PULSE, *calm(20)])
    assert player.threshold == pytest.approx(before, rel=0.1)


def test_time_that_jumps_back_does_not_hold_an_alarm_open():
    player = Player()
    player.play(calm(600))
    player.play(PULSE)
    player.steps = 0
    assert player.play(calm(5)) == ["closed"]
    player.play(calm(10))
    assert player.play([8] * 5) == ["opened"]


def test_an_alarm_ends_when_the_hold_is_over_though_the_camera_was_away_by_then(player):
    assert player.play([8] * 5) == ["opened"]
    high_s = player.time_s - STEP_S
    player.steps += round(60 / STEP_S)
    # The hold of 2 s and the cool-down of 10 s both passed while nothing was seen.
    assert player.play([8] * 6) == ["closed", "opened"]
    assert player.changes[-2].time_s == pytest.approx(high_s + 2.0)


def test_the_level_is_one_half_at_the_threshold(player):
    threshold = player.threshold
    assert player.level(threshold) == 0.5
    assert player.level(3 * threshold) == 0.75
    assert player.level(0.0) == 0.0


def test_an_alarm_survives_a_restart(player):
    player.play([*PULSE, *calm(20)])
    after = Alarm(SETTINGS)
    after.from_arrays(player.alarm.to_arrays())
    # A block that was not over is lost, so the thresholds agree but for what came in the last seconds.
    assert after.thresholds == pytest.approx([player.threshold], rel=0.01)
    after.update(player.time_s, [1.0])
    assert after.budget_used_ratio == player.alarm.budget_used_ratio


def test_scores_that_only_vary_as_usual_stay_within_the_budget():
    # 6 hours with a budget of 48 a day: 12 are allowed; the young first half hour is the hard part.
    rng, settings = np.random.default_rng(5), AlarmSettings(budget_per_day=48.0)
    player, scores = Player(settings), np.empty(6 * 3600 * 5)
    state = 0.0
    for i, noise in enumerate(rng.standard_normal(len(scores)).tolist()):
        state = 0.9 * state + math.sqrt(1 - 0.9**2) * noise
        scores[i] = max(0.0, 2 + state)
    phases = player.play(scores)
    assert phases.count(AlarmPhase.OPENED) <= 12
    assert player.alarm.calibration_ratio == 1.0


def test_the_threshold_follows_the_time_of_day():
    # 16 days whose minutes from noon to midnight score ten higher.
    hours = np.tile(np.repeat(np.arange(24), 60), 16)
    rng, alarm = np.random.default_rng(0), Alarm(AlarmSettings())
    blocks = np.where(hours < 12, 0.0, 10.0) + rng.exponential(1.0, len(hours))
    alarm.from_arrays(calibrated(blocks, hours, p_values=np.zeros(0)))
    thresholds = []
    for hour in (6, 18):
        alarm.update(hour * 3600.0, [1.0])
        thresholds += alarm.thresholds
    # One in 1440 of exponential scores: ln 1440 = 7.3 above the level of the hour.
    assert thresholds == pytest.approx([math.log(1440), 10 + math.log(1440)], abs=1.0)


def test_the_actual_rate_is_a_week_s_and_at_least_a_day_s_and_counts_no_confirmed_alarm(player):
    for _ in range(3):
        player.play([*PULSE, *calm(20)])
    assert player.alarm.actual_per_day == 3.0
    player.alarm.confirm(player.changes[-1].began_s + 0.0004)  # told to the millisecond
    assert player.alarm.actual_per_day == 2.0
    assert player.alarm.budget_used_ratio == pytest.approx(0.2)


def test_the_expected_rate_is_the_budget_while_nothing_else_is_known():
    player = Player()
    player.play(calm(30))
    assert player.alarm.expected_per_day is None
    player.play(calm(600))
    assert player.alarm.expected_per_day == pytest.approx(SETTINGS.budget_per_day)


def test_a_rougher_day_raises_the_threshold_before_it_brings_alarms():
    uniform = (np.arange(1440) + 0.5) / 1440
    thresholds = []
    for p_values in (uniform, uniform**1.5):
        alarm, blocks = Alarm(AlarmSettings()), np.random.default_rng(0).exponential(1.0, 1440)
        alarm.from_arrays(calibrated(blocks, np.arange(1440) // 60, p_values=p_values))
        thresholds += alarm.thresholds
    assert thresholds[1] > thresholds[0] + 1


def test_a_stretch_taken_at_once_is_as_good_as_its_scores_one_by_one():
    scores = calm(1800)
    slow, fast = Player(), Player()
    slow.play(scores)
    fast.play(scores[:3000])
    sustained = Sustained()
    for i in range(3000, len(scores), 25):  # 25 scores are 5 s
        levels = []
        for score in scores[i : i + 25]:
            sustained = sustained.then(score, STEP_S)
            levels.append(sustained.level)
        assert fast.alarm.pass_calm((i + 24) * STEP_S, [max(levels)], newest=[sustained], duration_s=5.0)
    assert fast.threshold == pytest.approx(slow.threshold, rel=0.05)
    high = 2 * fast.threshold
    assert not fast.alarm.pass_calm(1805.0, [high], newest=[sustained], duration_s=5.0)


def test_what_rises_slowly_alarms_though_it_was_high_for_long(player):
    before = player.threshold
    # Within two minutes from nothing to three times the threshold.
    assert player.play(np.linspace(1, 3 * before, 600))[0] == "opened"
    assert player.changes[0].level < player.level(2.5 * before)


def test_high_scores_that_fall_again_without_an_alarm_count():
    scores = [*calm(600), *[3.0] * 100, *calm(30)]
    player = Player()
    player.play(scores[:3000])
    before = player.threshold
    assert player.play(scores[3000:]) == []
    assert player.threshold > before
