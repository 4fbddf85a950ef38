"""A camera's memory tells the usual from the unusual, and says where and why."""

import math

import numpy as np
import pytest

from models.movement import NO_MOVEMENT
from pipeline.finding import STATISTICS
from pipeline.normality import LEARN_DELAY_S, Normality, NormalitySettings
from tests.pipeline.worlds import FPS, WALK_PER_S, World

LEARN_S = 60.0


class Watcher:
    """Shows a world to a normality, five frames a second."""

    def __init__(self, learn_s=LEARN_S):
        self.normality = Normality(NormalitySettings(learn_s=learn_s))
        self.world = World()
        self.frames = 0

    def watch(self, seconds, *, learn=True, **options):
        scores = []
        for seen in self.world.frames(seconds, **options):
            time_s = self.frames / FPS
            scores.append(self.normality.observe(seen.grid, seen.movement, time_s, learn=learn))
            self.frames += 1
        return scores


@pytest.fixture(scope="module")
def learned():
    """Return the arrays of a normality that has seen the walker for two minutes."""
    watcher = Watcher()
    watcher.watch(120)
    return watcher.normality.to_arrays()


@pytest.fixture
def watcher(learned):
    watcher = Watcher()
    watcher.normality.from_arrays({name: array.copy() for name, array in learned.items()})
    return watcher


def highest(scores):
    return max(score.score for score in scores)


def strangest(scores):
    return max(score.rarities["appearance"] for score in scores)


def test_it_is_silent_for_four_fifths_of_the_learning_phase():
    watcher = Watcher()
    scores = [score.score for score in watcher.watch(LEARN_S)]
    # 240 frames are 48 s less one step; the next begins the last fifth.
    assert all(map(math.isnan, scores[:241]))
    assert not any(map(math.isnan, scores[242:]))


def test_only_frames_to_learn_from_count_towards_the_learning_phase():
    watcher = Watcher()
    watcher.watch(30)
    ratio = watcher.normality.learned_ratio
    watcher.watch(30, learn=False)
    assert watcher.normality.learned_ratio == ratio == pytest.approx(0.5, abs=0.01)


def test_an_interruption_counts_as_nothing_observed():
    watcher = Watcher()
    watcher.watch(6)
    ratio = watcher.normality.learned_ratio
    watcher.frames += 1000 * FPS
    watcher.watch(0.2)
    assert watcher.normality.learned_ratio == ratio


def test_a_thing_where_nothing_ever_was_stands_out_from_the_usual(watcher):
    usual = highest(watcher.watch(20))
    assert highest(watcher.watch(30, bag=(2, 10), learn=False)) > 2 * usual


def test_the_region_is_that_of_the_new_thing_and_the_words_say_so(watcher):
    score = watcher.watch(30, bag=(2, 10), learn=False)[-1]
    # The bag covers rows 11…15 of 80 and columns 85…90 of 120.
    assert score.region.x == pytest.approx(85 / 120, abs=0.02)
    assert score.region.y == pytest.approx(11 / 80, abs=0.02)
    assert score.region.width == pytest.approx(6 / 120, abs=0.02)
    assert score.words == "Something new has been standing here for 30 s (upper right)."
    assert score.part == "standing"


def test_a_look_that_nothing_had_before_is_strange_at_once(watcher):
    watcher.watch(5)
    usual = watcher.watch(20)
    strange = watcher.watch(2, bag=(2, 10))[-1]
    assert np.unravel_index(strange.appearance.argmax(), (14, 14)) == (2, 10)
    assert strangest([strange]) > 3 * strangest(usual)


def test_the_walker_itself_looks_strange_where_it_never_walked(watcher):
    usual = strangest(watcher.watch(20))
    scores = [watcher.world.frame(walker=False) for _ in range(3)]
    for seen in scores:
        seen.grid[:, 12, 3] = watcher.world.walker_look
    strange = [
        watcher.normality.observe(s.grid, s.movement, 900 + i, learn=False) for i, s in enumerate(scores)
    ]
    assert strangest(strange) > 3 * usual


def test_three_times_the_usual_speed_stands_out_by_its_motion(watcher):
    usual = highest(watcher.watch(20))
    scores = watcher.watch(4, speed_ratio=3.0)
    assert highest(scores) > 3 * usual
    score = max(scores, key=lambda score: score.score)
    assert score.motion.max() > score.appearance.max()
    # The walker is on rows 20…23 of 40.
    assert score.region.y == pytest.approx(20 / 40, abs=0.03)
    assert score.region.height == pytest.approx(4 / 40, abs=0.06)
    assert score.part == "motion"
    assert score.words.startswith("Moves ")


def test_half_the_usual_speed_is_as_usual(watcher):
    usual = highest(watcher.watch(20))
    assert highest(watcher.watch(20, speed_ratio=0.5)) < 1.5 * usual


def test_a_still_frame_keeps_what_stands_there_and_nothing_moves(watcher):
    watcher.watch(20, bag=(2, 10), learn=False)
    last = watcher.watch(1, bag=(2, 10), learn=False, walker=False)[-1]
    still = watcher.normality.rest(watcher.frames / FPS, learn=False)
    assert still.region == last.region
    assert still.rarities["standing"] > last.rarities["standing"] > 0
    assert still.motion.max() == 0.0


def test_what_stays_becomes_normal_once_it_may_be_learned(watcher):
    strange = strangest(watcher.watch(2, bag=(2, 10), learn=False))
    watcher.watch(2 * LEARN_DELAY_S, bag=(2, 10), learn=True)
    assert strangest(watcher.watch(5, bag=(2, 10))) < strange / 3


def test_what_stays_unusual_does_not_make_its_cell_wide(watcher):
    scores = watcher.watch(5, bag=(2, 10))
    # Learned for 5 s, less than LEARN_DELAY_S: the scale of the cell alone may have changed.
    assert scores[-1].appearance[2, 10] > 0.5 * scores[2].appearance[2, 10]


def test_the_lead_in_of_an_alarm_is_not_learned(watcher):
    for _ in range(10):
        watcher.watch(LEARN_DELAY_S - 2, bag=(2, 10), learn=True)
        watcher.watch(0.2, learn=False)
    watcher.watch(2 * LEARN_DELAY_S)
    usual = strangest(watcher.watch(20))
    assert strangest(watcher.watch(2, bag=(2, 10))) > 3 * usual


def test_an_accepted_bag_does_not_make_the_next_one_usual(watcher):
    first = watcher.watch(30, bag=(2, 10), learn=False)[-1].rarities["standing"]
    for _ in range(60):
        watcher.watch(1, bag=(2, 10), walker=False)
    watcher.watch(30, learn=False)
    # Had ages of a minute been learned as they were, one of 30 s would be nothing.
    assert watcher.watch(30, bag=(12, 3), learn=False)[-1].rarities["standing"] > first / 2


def test_what_was_dismissed_and_stands_counts_nothing_and_the_next_part_is_told(watcher):
    def score(bag):
        seen = watcher.world.frame(bag=bag)
        time_s = watcher.frames / FPS
        return watcher.normality.observe(
            seen.grid, seen.movement, time_s, learn=False, is_dismissed=lambda part, _: part == "standing"
        )

    assert watcher.watch(30, bag=(2, 10), learn=False)[-1].part == "standing"
    dismissed = score((2, 10))
    assert dismissed.rarities["standing"] == 0.0
    assert dismissed.part != "standing"
    still = watcher.normality.rest(watcher.frames / FPS, learn=False, is_dismissed=lambda *_: True)
    assert still.rarities["standing"] == 0.0


def test_it_scores_the_same_after_a_restart(watcher):
    twin = Watcher()
    twin.normality.from_arrays(watcher.normality.to_arrays())
    first, second = watcher.watch(2, bag=(2, 10)), twin.watch(2, bag=(2, 10))
    # Prototypes are kept with half precision.
    assert second[-1].score == pytest.approx(first[-1].score, rel=0.01)
    assert twin.normality.learned_ratio == 1.0


def test_what_was_learned_fits_in_four_megabytes(learned):
    assert sum(array.nbytes for array in learned.values()) < 4e6


def test_a_picture_without_any_texture_is_not_an_anomaly():
    normality = Normality(NormalitySettings(learn_s=LEARN_S))
    grey = np.ones((112, 14, 14), np.float32)
    scores = [normality.observe(grey, NO_MOVEMENT, i / FPS, learn=True).score for i in range(400)]
    assert scores[-1] == pytest.approx(0.0)


def test_a_movement_where_nothing_ever_moved_is_measured_against_the_noise():
    watcher = Watcher()
    watcher.watch(LEARN_S * 1.1, walker=False)
    score = watcher.watch(1)[0]
    # The usual is at least 0.01 picture widths a second, and varies by a half of that and 0.01 more.
    assert score.motion.max() > 0.8 * (0.8 * WALK_PER_S - 0.01) / 0.015
    assert score.words.startswith("Moves where nothing has moved so far")


def test_a_second_that_was_guessed_worse_than_ever_stands_out(watcher):
    for count in range(60):
        watcher.normality.expect(0.20 + 0.01 * (count % 5))
        watcher.watch(1)
    usual = watcher.watch(1)[-1]
    watcher.normality.expect(0.60)
    scores = watcher.watch(1, learn=False)
    assert scores[-1].part == "surprise"
    assert scores[-1].score > 2 * usual.score
    assert scores[-1].rarities["surprise"] > 4


def test_where_nobody_guesses_nothing_is_a_surprise(watcher):
    watcher.normality.expect(None)
    assert watcher.watch(1)[-1].rarities["surprise"] == 0.0


def test_a_guess_does_not_hold_over_an_interruption(watcher):
    for _ in range(60):
        watcher.normality.expect(0.20)
        watcher.watch(1)
    watcher.normality.expect(0.60)
    assert watcher.watch(0.2, learn=False)[-1].rarities["surprise"] > 0
    watcher.frames += 1000 * FPS
    assert watcher.watch(0.2, learn=False)[-1].rarities["surprise"] == 0.0


def test_a_frame_without_a_new_look_looks_like_the_last_one(watcher):
    strange = watcher.watch(1, bag=(2, 10), learn=False)[-1]
    seen = watcher.world.frame()
    held = watcher.normality.observe(None, seen.movement, watcher.frames / FPS, learn=False)
    assert held.appearance == pytest.approx(strange.appearance)


def test_a_look_that_is_held_for_a_second_is_learned_once(watcher):
    before = watcher.normality.to_arrays()["appearance.memory.weights"].sum()
    for number in range(60 * FPS):
        seen = watcher.world.frame()
        grid = seen.grid if number % FPS == 0 else None
        watcher.normality.observe(grid, seen.movement, (watcher.frames + number) / FPS, learn=True)
    learned = watcher.normality.to_arrays()["appearance.memory.weights"].sum() - before
    # Of 60 looks those of the last 10 s are not old enough; each of 196 cells takes one.
    assert learned == pytest.approx(196 * 50, rel=0.05)


def test_a_guess_counts_only_while_something_moves(watcher):
    for _ in range(60):
        watcher.normality.expect(0.20)
        watcher.watch(1)
    watcher.normality.expect(0.60)
    assert watcher.watch(1, learn=False, walker=False)[-1].rarities["surprise"] == 0.0
    still = watcher.normality.rest(watcher.frames / FPS, learn=False)
    assert still.rarities["surprise"] == 0.0
    assert watcher.watch(1, learn=False)[-1].rarities["surprise"] > 4


def test_how_long_things_stand_is_known_while_the_rest_is_still_learned():
    watcher = Watcher()
    watcher.watch(0.34 * LEARN_S)
    moving, surprise, standing = watcher.watch(20, bag=(2, 10))[-1].statistics
    assert math.isnan(moving)
    assert math.isnan(surprise)
    assert standing == pytest.approx(20 / STATISTICS["standing"].unit, rel=0.02)


def test_what_is_dismissed_and_stands_counts_nothing_in_its_statistic_either(watcher):
    watcher.watch(30, bag=(2, 10), learn=False)
    still = watcher.normality.rest(watcher.frames / FPS, learn=False, is_dismissed=lambda *_: True)
    assert still.statistics[list(STATISTICS).index("standing")] == 0.0


def test_told_is_of_the_statistic_that_is_nearest_to_its_threshold(watcher):
    watcher.watch(30, bag=(2, 10), learn=False)

    def told(*thresholds):
        return watcher.normality.rest(watcher.frames / FPS, learn=False, thresholds=thresholds).part

    # What the walker looked like a moment ago still holds, and counts a little; the bag has stood for 30 s.
    assert told(5.0, 5.0, 5.0) == "standing"
    assert told(0.1, 5.0, 1e6) == "appearance"
    assert told(math.inf, math.inf, math.inf) == "standing"
