"""Each part counts by how rare its score is, so that a noisy one cannot drown a sharp one."""

import math

import numpy as np
import pytest

from pipeline.parts import KEEP, Part, Parts, Rarity


def rarity_of(scores, **options):
    rarity = Rarity(Part(unit=1.0, **options))
    for score in scores:
        rarity.add(score)
    return rarity


def test_nothing_is_rare_while_nothing_is_known():
    assert rarity_of([]).of(1000.0) == 0.0


def test_up_to_the_highest_tenth_rarity_is_counted():
    rarity = rarity_of(range(100))
    # 50 of 100 scores reach 50: ln(101 / 51).
    assert rarity.of(50) == pytest.approx(math.log(101 / 51))
    assert rarity.of(-1) == 0.0


def test_beyond_the_highest_tenth_each_mean_excess_is_one_more_nat():
    rarity = rarity_of(range(100))
    # The tail starts at 90; its ten scores exceed that by 4.5 on average.
    assert rarity.of(90 + 9) - rarity.of(90) == pytest.approx(2.0)


def test_what_short_footage_could_not_have_shown_counts_as_much_as_the_part_says():
    whole, fifth = rarity_of(range(100)), rarity_of(range(100), beyond=0.2)
    seen = math.log(1 + 100 / 25)  # four sights of 25 frames, and the new one
    assert fifth.of(60) == whole.of(60) < seen
    assert fifth.of(150) == pytest.approx(seen + 0.2 * (whole.of(150) - seen))


def test_scores_that_never_differ_leave_room_above_them():
    # The tail is a tenth of the unit at least: half a unit is five nats more.
    rarity = rarity_of([3.0] * 100)
    assert rarity.of(3.5) - rarity.of(3.0) == pytest.approx(5.0)


def test_the_oldest_scores_are_forgotten():
    rarity = rarity_of([*[100.0] * 50, *np.linspace(0, 1, KEEP + 25)])
    assert len(rarity.to_array()) == KEEP
    assert rarity.of(100.0) > 50


def test_a_capped_extreme_counts_as_three_nats_beyond_the_highest_tenth():
    rarity = rarity_of(range(100))
    before = rarity.of(1000)
    for _ in range(10):
        rarity.add(900.0, capped=True)
    # The tail starts at 90 with a slope of 1 / 4.5.
    assert rarity.to_array()[-10:] == pytest.approx([90 + 3 * 4.5] * 10)
    assert rarity.of(1000) > before / 2


def test_the_first_scores_have_nothing_to_be_capped_by():
    rarity = Rarity(Part(unit=1.0))
    rarity.add(900.0, capped=True)
    assert rarity.to_array() == [900.0]


def test_a_part_whose_numbers_are_large_does_not_drown_one_whose_numbers_are_small():
    rng, parts = np.random.default_rng(0), Parts({"loud": Part(1.0), "fine": Part(0.01)})
    for loud, fine in zip(rng.exponential(100, 1000), rng.exponential(0.01, 1000), strict=True):
        parts.add((loud, fine))
    usual, odd = parts.rarities((250.0, 0.01)), parts.rarities((100.0, 0.08))
    assert parts.union(odd) > 2 * parts.union(usual)


def test_what_two_parts_find_rare_is_rarer_than_what_one_does():
    parts = Parts({"one": Part(1.0), "two": Part(1.0)})
    assert parts.union([0.0, 3.0]) == 3.0
    # The length of (4, 3).
    assert parts.union([4.0, 3.0]) == 5.0


def test_a_part_counts_by_its_weight():
    quarter = rarity_of(range(100), weight=0.25)
    assert quarter.of(60) == rarity_of(range(100)).of(60) / 4


def test_a_record_is_higher_than_all_that_was_seen():
    parts = Parts({"one": Part(1.0)})
    assert not parts.is_record(0, 5.0)
    parts.add([5.0])
    assert not parts.is_record(0, 5.0)
    assert parts.is_record(0, 5.1)


def test_parts_survive_a_restart():
    parts, after = (Parts({"one": Part(1.0)}) for _ in range(2))
    for score in range(KEEP + 100):
        parts.add((score,))
    after.from_arrays(parts.to_arrays())
    assert after.rarities((KEEP,)) == pytest.approx(parts.rarities((KEEP,)), abs=0.15)
    for both in (parts, after):
        both.add((7.0,))
    one, two = parts.to_arrays()["one"], after.to_arrays()["one"]
    assert np.array_equal(one, two)


def test_how_long_a_camera_has_watched_survives_a_restart():
    before = rarity_of(range(10 * KEEP), beyond=0.0)
    after = Rarity(Part(unit=1.0, beyond=0.0))
    after.from_array(before.to_array(), before.count)
    # So many sights of 25 frames, and the new one; of KEEP scores it would be ln(1 + 4096 / 25), 5.1.
    assert after.of(1e6) == before.of(1e6) == pytest.approx(math.log(1 + 40_960 / 25))


def test_a_part_that_is_missing_from_a_file_is_an_error():
    with pytest.raises(KeyError, match="two"):
        Parts({"two": Part(1.0)}).from_arrays({"counts": np.array([3, 3]), "one": np.zeros(3)})


def test_a_part_that_cannot_say_yet_learns_nothing():
    parts = Parts({"one": Part(1.0), "two": Part(1.0)})
    parts.add((math.nan, 1.0))
    arrays = parts.to_arrays()
    assert (len(arrays["one"]), len(arrays["two"])) == (0, 1)


def test_a_part_that_cannot_say_finds_nothing_rare():
    parts = Parts({"speed": Part(unit=1.0), "surprise": Part(unit=1.0)})
    for score in range(100):
        parts.add((score, score))
    speed, surprise = parts.rarities((99.0, math.nan))
    assert speed > 2.3
    assert surprise == 0.0
