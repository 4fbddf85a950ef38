"""Block maxima become p-values and thresholds that mean what they say."""

from itertools import pairwise

import numpy as np
import pytest

from pipeline.calibration import FINE_PER_BLOCK, MIN_BLOCKS, Calibration, Tail

HUNDRED = np.arange(1.0, 101.0)  # maxima 1, 2, … 100


def test_a_p_value_counts_the_blocks_that_reached_the_score_and_the_new_one():
    # Of 100 maxima 61 are 40 or more: (1 + 61) / (100 + 1).
    assert Tail.of(HUNDRED).p_value(40.0) == pytest.approx(62 / 101)


def test_a_score_below_all_maxima_has_the_p_value_1():
    assert Tail.of(HUNDRED).p_value(0.0) == 1.0


def test_the_tail_of_a_hundred_maxima_is_their_upper_35():
    # 30 + 100 // 20 = 35 excesses lie above the 65th value.
    tail = Tail.of(HUNDRED)
    assert (tail.excesses, tail.start) == (35, 65.0)


def test_p_values_fall_with_the_score_and_meet_where_the_tail_starts():
    tail = Tail.of(HUNDRED)
    p_values = [tail.p_value(score) for score in np.linspace(0, 200, 400)]
    assert all(before >= after for before, after in pairwise(p_values))
    assert tail.p_value(65.0 + 1e-9) == pytest.approx(36 / 101)


@pytest.mark.parametrize("p_value", [1e-6, 1e-4, 0.01, 0.3])
def test_the_threshold_is_the_score_with_that_p_value(p_value):
    tail = Tail.of(HUNDRED)
    assert tail.p_value(tail.threshold(p_value)) == pytest.approx(p_value, rel=1e-6)


def test_a_threshold_among_the_maxima_lets_so_many_reach_it():
    # p = 0.5: int(0.5 * 101) = 50 of the 100 maxima may reach it: 51, 52, … 100.
    assert Tail.of(HUNDRED).threshold(0.5) == 51.0


def test_a_budget_of_nothing_has_no_finite_threshold():
    assert Tail.of(HUNDRED).threshold(0.0) == np.inf


def test_few_maxima_ask_for_a_higher_threshold_than_many_of_the_same_kind():
    maxima = np.random.default_rng(0).exponential(1.0, 2000)
    few = np.mean([Tail.of(maxima[i : i + 10]).threshold(1e-4) for i in range(0, 2000, 10)])
    assert few > 2 * Tail.of(maxima).threshold(1e-4)


@pytest.mark.parametrize("n", [20, 60, 500])
def test_extrapolated_exponential_maxima_exceed_the_threshold_as_often_as_asked(n):
    # P(X > threshold) = exp(-threshold / 2), averaged over calibrations of n blocks; asked: 1 in 1000.
    rng = np.random.default_rng(1)
    thresholds = np.array([Tail.of(rng.exponential(2.0, n)).threshold(1e-3) for _ in range(500)])
    assert 0.5e-3 < np.exp(-thresholds / 2).mean() < 1.7e-3


def test_maxima_that_never_differ_still_leave_room_above_them():
    # With a scale of at least 0.5 and half of 8 blocks as the tail: 0.5 * 4 * ((5 / 9 / p) ** (1 / 4) - 1).
    tail = Tail.of(np.ones(MIN_BLOCKS))
    assert tail.threshold(1e-4) == pytest.approx(1 + 2 * ((5 / 9 / 1e-4) ** 0.25 - 1))


def observed(calibration, maxima):
    """Let each maximum stand for one fine block of 5 s; the last one is not settled yet."""
    for maximum in maxima:
        calibration.add(2.5, 0.0)
        calibration.add(2.5, maximum)
    return calibration


def test_nothing_is_known_before_the_eighth_block():
    calibration = observed(Calibration(block_s=60.0), np.ones(MIN_BLOCKS))
    assert calibration.tail is None
    assert observed(calibration, [1.0]).tail is not None


def test_a_young_calibration_works_on_twelfths_of_a_block():
    calibration = observed(Calibration(block_s=60.0), [3.0, 1.0, 2.0, 5.0, 4.0, 8.0, 7.0, 6.0, 9.0])
    assert calibration.block_s == 5.0
    assert calibration.tail.maxima.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_after_thirty_blocks_it_works_on_whole_ones():
    # Each block of twelve twelfths has one that reaches its own number.
    maxima = np.zeros((30, FINE_PER_BLOCK))
    maxima[:, 5] = np.arange(30)
    calibration = observed(Calibration(block_s=60.0), [*maxima.reshape(-1), 0.0])
    assert calibration.block_s == 60.0
    assert calibration.tail.maxima.tolist() == list(range(30))


def test_what_was_observed_is_counted_in_seconds():
    assert observed(Calibration(block_s=60.0), np.ones(24)).observed_s == 120.0


def test_what_led_to_an_alarm_is_left_out():
    calibration = observed(Calibration(block_s=60.0), [*np.ones(MIN_BLOCKS), 50.0])
    calibration.add(2.0, 60.0)
    calibration.forget_newest()
    assert observed(calibration, [1.0, 1.0]).tail.maxima.tolist() == [1.0] * (MIN_BLOCKS + 1)


def test_of_an_episode_only_the_highest_block_counts_and_the_others_as_the_median():
    calibration = observed(Calibration(block_s=60.0), [*np.ones(MIN_BLOCKS), 1.0])
    for maximum in (10.0, 20.0, 30.0, 25.0):
        calibration.add(5.0, maximum, waits_from=5.0, is_one_episode=True)
    assert calibration.tail.maxima.max() == 1.0  # it may become an alarm yet
    calibration.add(5.0, 1.0, waits_from=5.0, is_one_episode=True)
    assert sorted(calibration.tail.maxima)[-4:] == [1.0, 1.0, 1.0, 30.0]


def test_a_calibration_survives_a_restart():
    before = observed(Calibration(block_s=60.0), np.arange(30.0))
    after = Calibration(block_s=60.0)
    after.from_arrays(before.to_arrays())
    assert after.tail.threshold(1e-3) == before.tail.threshold(1e-3)
    assert after.observed_s == before.observed_s


def with_days(night, day, *, days=16):
    """Return a calibration that knows days of 60 blocks an hour: `night` until 6 o'clock, then `day`."""
    rng, hours = np.random.default_rng(0), np.tile(np.repeat(np.arange(24), 60), days)
    calibration = Calibration(block_s=60.0)
    calibration.from_arrays(
        {
            "blocks": np.where(hours < 6, night, day) + rng.exponential(1.0, len(hours)),
            "hours": hours,
            "fine": np.zeros(0),
            "p_values": np.zeros(0),
            "observed_s": np.array(days * 86_400.0),
        }
    )
    return calibration


def test_a_time_of_day_has_a_tail_of_its_own():
    calibration = with_days(night=0.0, day=10.0)
    medians = []
    for hour in (3, 12):
        calibration.turn_to(hour * 3600.0)
        medians.append(calibration.tail.median)
    # The median of an exponential distribution of scale 1 is ln 2.
    assert medians == pytest.approx([np.log(2), 10 + np.log(2)], abs=0.1)


def test_a_band_holds_the_hours_around_its_own_until_it_has_enough_blocks():
    # 16 days have 960 blocks of each hour: with one hour on either side there are 2,880, which is enough.
    calibration = with_days(night=0.0, day=10.0)
    calibration.turn_to(23.5 * 3600)
    assert len(calibration.tail.maxima) == 3 * 960
    assert (calibration.tail.maxima < 10).sum() == 960  # those of the hour after midnight


def test_one_day_is_one_band():
    calibration = with_days(night=0.0, day=10.0, days=1)
    calibration.turn_to(3 * 3600.0)
    assert len(calibration.tail.maxima) == 1440


def with_p_values(p_values):
    calibration = with_days(night=0.0, day=0.0, days=1)
    calibration.from_arrays({**calibration.to_arrays(), "p_values": p_values})
    return calibration


def test_a_day_whose_p_values_are_uniform_has_no_surplus():
    uniform = (np.arange(1440) + 0.5) / 1440
    assert with_p_values(uniform).surplus(1 / 1440) == pytest.approx(1.0, rel=0.1)


def test_a_day_rougher_than_those_before_has_a_surplus_and_a_calmer_one_a_deficit():
    # All p-values squared: P(p < 1 / 1440) is 1 / 1440 ** 0.5, 38 times too often.
    uniform = (np.arange(1440) + 0.5) / 1440
    assert 15 < with_p_values(uniform**2).surplus(1 / 1440) < 40
    assert with_p_values(uniform**0.5).surplus(1 / 1440) < 0.1


def test_too_few_blocks_say_nothing_of_a_surplus():
    assert with_p_values(np.full(59, 1e-6)).surplus(1 / 1440) is None


def test_blocks_without_their_hours_are_refused():
    arrays = with_days(night=0.0, day=0.0, days=1).to_arrays()
    with pytest.raises(ValueError, match="1440 blocks have 3 hours"):
        Calibration(60.0).from_arrays({**arrays, "hours": np.zeros(3)})
