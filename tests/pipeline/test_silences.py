"""What past days say of a silence: the longest around this time, and how far days exceed one another."""

import math

import numpy as np
import pytest

from pipeline.silences import KEEP_DAYS, REACH, SLOT_S, SLOTS, UNIT, Silences

NOTHING = np.zeros((0, 2))
HOUR_S, NOON = 3600.0, SLOTS // 2


def silences(*noons_s, until=2 * REACH, unknown=frozenset()):
    """Return the silences of days that were silent for a minute at a time, but for so long at noon.

    They ended at midnight; slot `until` of the day after is in progress. `unknown` are pairs of day and slot.
    """
    kept = Silences()
    for number in range(len(noons_s) * SLOTS + until):
        day, slot = divmod(number, SLOTS)
        longest_s = noons_s[day] if slot == NOON and day < len(noons_s) else 60.0
        kept.keep(number, math.nan if (day, slot) in unknown else longest_s)
    return kept


def usual(kept, doubtful=NOTHING, counted=NOTHING):
    return kept.usual(np.array(doubtful), np.array(counted))


def tops(kept, doubtful=NOTHING, counted=NOTHING):
    """Return by which factor each day exceeded the others, smallest first."""
    return np.exp(usual(kept, doubtful, counted).tail.maxima * UNIT).round(6).tolist()


@pytest.mark.parametrize(
    ("slot", "longest_s"),
    [(NOON - REACH - 1, 60), (NOON - REACH, 7200), (NOON + REACH, 7200), (NOON + REACH + 1, 60)],
)
def test_the_longest_silence_within_an_hour_of_this_time_of_day_is_usual(slot, longest_s):
    assert usual(silences(*[HOUR_S] * 8, 2 * HOUR_S, until=slot)).longest_s == longest_s


def test_each_day_is_held_against_the_longest_of_all_others():
    # At noon one day was silent for three times as long as the others. They exceed nothing: at noon they are
    # shorter than that, and at any other time below half an hour.
    assert tops(silences(*[HOUR_S] * 8, 3 * HOUR_S)) == [1.0] * 8 + [3.0]


def test_two_days_that_were_silent_for_as_long_excuse_one_another():
    assert tops(silences(*[HOUR_S] * 8, 3 * HOUR_S, 3 * HOUR_S)) == [1.0] * 10


def test_a_shorter_silence_counts_as_one_of_half_an_hour():
    assert tops(silences(*[60.0] * 8, 2700.0)) == [1.0] * 8 + [1.5]


@pytest.mark.parametrize(("days", "is_known"), [(7, False), (8, True)])
def test_eight_whole_days_must_have_been_watched(days, is_known):
    assert (usual(silences(*[HOUR_S] * days)).tail is not None) == is_known


@pytest.mark.parametrize(("slots", "is_known"), [(9, True), (10, False)])
def test_a_day_of_which_a_tenth_is_unknown_is_no_proof(slots, is_known):
    hole = {(5, slot) for slot in range(60, 60 + slots)}  # of 96
    assert (usual(silences(*[HOUR_S] * 8, unknown=hole)).tail is not None) == is_known


def test_no_day_is_compared_with_whose_silence_within_the_hour_is_unknown():
    # The longest silence of the last noon is known, a quarter of an hour later none is.
    kept = silences(*[HOUR_S] * 8, 3 * HOUR_S, until=NOON, unknown={(8, NOON + 1)})
    assert (usual(kept).longest_s, usual(kept).days) == (HOUR_S, 8)


def test_what_is_doubtful_is_left_out_and_counts_as_far_as_it_is_said_to():
    noon_s = (8 * SLOTS + NOON) * SLOT_S
    doubtful, counted = [(noon_s - HOUR_S, noon_s)], [(noon_s, math.log(1.25) / UNIT)]
    kept = silences(*[HOUR_S] * 8, 3 * HOUR_S, until=NOON + 1)
    assert (usual(kept).longest_s, usual(kept, doubtful).longest_s) == (3 * HOUR_S, HOUR_S)
    assert tops(kept, doubtful, counted) == [1.0] * 8 + [1.25]


def test_what_is_doubtful_in_the_slot_in_progress_counts_for_the_newest_day():
    now_s = (8 * SLOTS + NOON) * SLOT_S
    counted = [(now_s, math.log(1.25) / UNIT)]
    kept = silences(*[HOUR_S] * 8, until=NOON)
    assert tops(kept, [(now_s - HOUR_S, now_s)], counted) == [1.0] * 7 + [1.25]


def test_the_silence_that_runs_does_not_raise_its_own_limit_but_its_day_was_watched():
    # The newest of nine days was silent for three times as long as the others at noon, and still is.
    kept, since_s = silences(*[HOUR_S] * 8, 3 * HOUR_S, until=0), (8 * SLOTS + NOON - 1) * SLOT_S
    assert tops(kept) == [1.0] * 8 + [3.0]
    running = kept.usual(NOTHING, NOTHING, since_s=since_s)
    assert np.exp(running.tail.maxima * UNIT).tolist() == [1.0] * 9


def test_slots_that_were_left_out_are_unknown():
    kept = silences(*[HOUR_S] * 9, until=NOON)
    kept.turn_to(10 * SLOTS + NOON)  # a day later
    assert usual(kept).days == 9  # of ten


def test_days_before_the_last_four_weeks_are_forgotten():
    kept = silences(*[HOUR_S] * 9)
    kept.turn_to((10 + KEEP_DAYS) * SLOTS)
    assert usual(kept).days == 0


def test_what_lies_in_the_future_of_a_clock_that_was_set_back_is_forgotten():
    kept = silences(*[HOUR_S] * 12, until=NOON)
    kept.turn_to(9 * SLOTS + NOON)
    assert usual(kept).days == 9
    kept.turn_to(0)
    assert usual(kept).days == 0


def test_silences_come_back_from_arrays():
    kept, again = silences(*[HOUR_S] * 8, 3 * HOUR_S, until=NOON), Silences()
    again.from_arrays(kept.to_arrays())
    assert (usual(again).longest_s, tops(again)) == (3 * HOUR_S, [1.0] * 8 + [3.0])


def test_arrays_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"longest_s is \(3,\)"):
        Silences().from_arrays(Silences().to_arrays() | {"longest_s": np.zeros(3)})
