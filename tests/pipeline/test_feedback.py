"""What was dismissed is excused, and nothing else; what was confirmed is not."""

import pytest

from pipeline.feedback import MAX_LESSONS, Lesson, Lessons, Sights, Verdict
from pipeline.types import Sight

NO, YES = Verdict.NOT_AN_ALARM, Verdict.WAS_AN_ALARM
FLAG = Sight("motion", (1.0, 2.0))


def lesson(verdict, *sights, event_id="e"):
    return Lesson(event_id, verdict, began_s=7.0, sights=sights)


def taught(*lessons):
    pupil = Lessons()
    for number, one in enumerate(lessons):
        pupil.take(Lesson(f"{number}", one.verdict, one.began_s, one.sights))
    return pupil


@pytest.mark.parametrize(
    ("sight", "excused"),
    [
        (FLAG, True),
        (Sight("motion", (1.6, 2.8)), True),  # (0.6, 0.8) away: a distance of 1
        (Sight("motion", (1.7, 2.8)), False),
        (Sight("appearance", (1.0, 2.0)), False),
        (Sight("motion", (1.0, 2.0, 0.0)), False),  # of another version of normality
        (Sight("motion", ()), False),
    ],
)
def test_only_the_same_thing_of_the_same_part_is_excused(sight, excused):
    assert taught(lesson(NO, FLAG)).excuse(sight) is excused


@pytest.mark.parametrize(("strength", "excused"), [(3.0, True), (3.1, False), (0.5, True)])
def test_what_is_clearly_stronger_than_what_was_dismissed_alarms_all_the_same(strength, excused):
    # 1.5 times 2 is 3.
    pupil = taught(lesson(NO, Sight("motion", (1.0,), 2.0)))
    assert pupil.excuse(Sight("motion", (1.0,), strength)) is excused


def test_any_sight_of_a_dismissed_event_excuses():
    crossing = [Sight("motion", (float(place), 0.0)) for place in (0, 3, 6)]
    assert taught(lesson(NO, *crossing)).excuse(Sight("motion", (5.5, 0.0)))


def test_what_is_nearer_to_something_confirmed_alarms_again():
    pupil = taught(lesson(NO, FLAG), lesson(YES, Sight("motion", (1.8, 2.0))))
    assert pupil.excuse(Sight("motion", (1.3, 2.0)))
    assert not pupil.excuse(Sight("motion", (1.5, 2.0)))


def test_the_newest_word_on_an_event_counts_and_repeating_it_is_no_news():
    pupil = Lessons()
    assert [pupil.take(lesson(verdict, FLAG)) for verdict in (NO, NO, YES)] == [True, False, True]
    assert not pupil.excuse(FLAG)


def test_the_oldest_lesson_is_forgotten_first():
    pupil = Lessons()
    for number in range(MAX_LESSONS + 1):
        pupil.take(lesson(NO, Sight("motion", (10.0 * number,)), event_id=f"{number}"))
    assert len(pupil) == MAX_LESSONS
    assert [pupil.excuse(Sight("motion", (place,))) for place in (0.0, 10.0)] == [False, True]


def test_lessons_survive_a_restart_whatever_they_saw():
    before = taught(
        lesson(NO, FLAG, Sight("appearance", (3.0,))), lesson(NO), lesson(YES, Sight("motion", (9.0, 9.0)))
    )
    after = Lessons()
    after.from_arrays(before.to_arrays())
    assert len(after) == 3
    assert [
        after.excuse(one) for one in (FLAG, Sight("appearance", (3.5,)), Sight("motion", (9.0, 9.0)))
    ] == [
        True,
        True,
        False,
    ]


def test_no_lessons_survive_a_restart_too():
    after = Lessons()
    after.from_arrays(Lessons().to_arrays())
    assert not after.excuse(FLAG)


def test_sights_keep_what_is_new_and_not_more_than_enough():
    sights = Sights()
    for place in (0.0, 0.5, 0.6, *range(1, 40)):
        sights.see(Sight("motion", (float(place),)))
    sights.see(Sight("motion", ()))
    # 0.5 is as near to 0 as an old sight; 1.0 is within 0.5 of 0.6.
    assert [sight.signature[0] for sight in sights.kept] == [0.0, 0.6, *range(2, 16)]


def test_a_sight_that_is_kept_is_as_strong_as_it_ever_was():
    sights = Sights()
    for strength in (1.2, 2.5, 1.4):
        sights.see(Sight("motion", (1.0,), strength))
    assert sights.kept == (Sight("motion", (1.0,), 2.5),)
