"""The last minutes of a camera's score: what is kept, and how it is drawn and told."""

import pytest

from daemon.recent_scores import KEPT, RecentScores, curve, curve_words


def test_scores_are_kept_in_order_with_gaps_where_there_was_none():
    scores = RecentScores()
    for score in (0.1, None, 0.3):
        scores.note({"porch": score})
    assert scores.of("porch") == (0.1, None, 0.3)


def test_no_more_are_kept_than_are_shown():
    scores = RecentScores()
    for number in range(KEPT + 2):
        scores.note({"porch": number / 1000})
    assert len(scores.of("porch")) == KEPT
    assert scores.of("porch")[0] == 0.002  # the first two have gone


def test_a_camera_that_is_gone_is_forgotten_and_one_that_is_not_known_has_none():
    scores = RecentScores()
    scores.note({"porch": 0.1, "yard": 0.2})
    scores.note({"yard": 0.3})
    assert scores.of("porch") == ()
    assert scores.of("yard") == (0.2, 0.3)


def test_the_newest_score_is_drawn_at_the_right_end_and_a_high_one_at_the_top():
    # The curve is 150 wide from 0 to 149 and 100 high, and y grows downwards.
    assert curve((0.25, 0.5, 1.0)) == "M147 75L148 50L149 0"


def test_the_curve_is_interrupted_where_nothing_is_known():
    assert curve((0.0, None, None, 0.5, 0.5)) == "M145 100M148 50L149 50"


@pytest.mark.parametrize("scores", [(), (None, None)])
def test_without_a_score_nothing_is_drawn_and_the_words_say_so(scores):
    assert curve(scores) == ""
    assert curve_words(scores) == "No score in the last 5 minutes."


@pytest.mark.parametrize(
    ("scores", "times"),
    [((0.1, 0.4), "never"), ((0.6, None, 0.7), "once"), ((0.5, 0.4, 0.9, 0.1), "2 times")],
)
def test_the_words_count_how_often_the_threshold_was_passed(scores, times):
    assert f"{times} over the alarm's threshold" in curve_words(scores)


def test_the_words_say_the_newest_and_the_highest_score():
    text = curve_words((0.1, 0.834, 0.12))
    assert text.startswith("How unusual in the last 5 minutes: 12 % now, 83 % at most")
