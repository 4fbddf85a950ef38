"""What was left behind, or is gone, is found by how long it has lasted, whatever the light does."""

import numpy as np
import pytest

from pipeline.lasting import LastingChanges

STEP_S = 0.2
FLOOR = np.random.default_rng(0).integers(60, 180, (20, 30)).repeat(4, axis=0).repeat(4, axis=1)
BRIGHT = FLOOR.copy()  # something bright where the bag of `view` is put
BRIGHT[50:57, 30:38] = 240
OTHER = np.random.default_rng(7).integers(20, 240, (20, 30)).repeat(4, axis=0).repeat(4, axis=1)


def view(*, bag=False, walker=None, light=1.0, floor=FLOOR):
    """Return an (80, 120) picture; the bag is on rows 50…56 and columns 30…37."""
    picture = floor * light
    if bag:
        picture[50:57, 30:38] = 15 * light
    if walker is not None:
        picture[40:64, walker : walker + 8] = 220 * light
    return np.clip(picture, 0, 255).astype(np.uint8)


def watch(changes, seconds, *, learn=True, **options):
    picture = view(**options)
    for _ in range(round(seconds / STEP_S)):
        lasting = changes.observe(picture, STEP_S, learn=learn)
    return lasting


@pytest.fixture
def changes():
    changes = LastingChanges()
    watch(changes, 60)
    return changes


def test_what_always_stands_there_has_not_lasted(changes):
    assert watch(changes, 60).age_s == 0.0


def test_a_bag_has_stood_for_as_long_as_it_is_there(changes):
    lasting = watch(changes, 25, bag=True, learn=False)
    # The frame in which it came still moves: one step less.
    assert lasting.age_s == pytest.approx(25 - STEP_S, abs=0.01)
    rows, columns = np.nonzero(lasting.where)
    assert (rows.min(), rows.max()) == (pytest.approx(50, abs=1), pytest.approx(56, abs=1))
    assert (columns.min(), columns.max()) == (pytest.approx(30, abs=1), pytest.approx(37, abs=1))


def test_a_change_younger_than_ten_seconds_is_nothing(changes):
    assert watch(changes, 9.8, bag=True).age_s == 0.0


def test_who_walks_by_has_not_lasted(changes):
    lasting = [changes.observe(view(walker=2 * i), STEP_S, learn=True).age_s for i in range(50)]
    assert not any(lasting)


def test_who_passes_in_front_of_a_bag_does_not_take_it_away(changes):
    watch(changes, 25, bag=True, learn=False)
    for column in range(10, 60, 3):
        changes.observe(view(bag=True, walker=column), STEP_S, learn=False)
    assert watch(changes, 1, bag=True, learn=False).age_s > 24.0


def test_a_bag_that_is_taken_away_is_over_at_once(changes):
    watch(changes, 25, bag=True, learn=False)
    assert watch(changes, 1).age_s == 0.0


def test_a_still_frame_lets_time_pass(changes):
    watch(changes, 5, bag=True, learn=False)
    assert changes.rest(20.0, learn=False).age_s == pytest.approx(25 - STEP_S, abs=0.01)


def test_what_stays_is_usual_after_minutes_though_every_frame_is_still(changes):
    watch(changes, 12, bag=True)
    ages = [changes.rest(STEP_S, learn=True).age_s for _ in range(900 * 5)]
    assert ages[0] > 0.0
    assert ages[-1] == 0.0


def test_what_is_accepted_is_usual_at_once_and_after_a_restart(changes):
    twin = LastingChanges()
    watch(changes, 25, bag=True, learn=False, light=1.2)
    changes.accept()
    twin.from_arrays(changes.to_arrays())
    for one in (changes, twin):
        assert watch(one, 25, bag=True, learn=False).age_s == 0.0
        assert watch(one, 25, learn=False).age_s > 0.0


def test_who_has_not_stayed_is_not_accepted(changes):
    watch(changes, 5, bag=True, learn=False)
    changes.accept()
    assert watch(changes, 20, bag=True, learn=False).age_s > 24.0


@pytest.mark.parametrize(("rows", "is_told"), [(2, False), (3, True)])
def test_a_thing_has_a_body(rows, is_told):
    # A row that is a fifth darker differs by 128 ln(176 / 142) = 27. Blurred by three pixels, two of them
    # differ by 9, 18, 18 and 9, three by 9, 18, 27, 18 and 9: by more than 14 in two rows, and in three.
    plain = np.full((80, 120), 160.0)
    line = plain.copy()
    line[40 : 40 + rows, 20:100] = 126
    changes = LastingChanges()
    watch(changes, 60, floor=plain)
    assert (watch(changes, 25, floor=line, learn=False).age_s > 0) is is_told


def test_brighter_light_is_no_thing(changes):
    assert watch(changes, 30, light=1.3).age_s == 0.0


def test_a_picture_that_has_changed_as_a_whole_is_learned_anew(changes):
    assert watch(changes, 30, floor=OTHER, learn=False).age_s == 0.0
    assert watch(changes, 25, floor=OTHER, bag=True, learn=False).age_s > 24.0


@pytest.mark.parametrize(("held_s", "is_usual"), [(9.0, False), (11.0, True)])
def test_another_picture_is_usual_once_it_has_held_for_ten_seconds_of_which_some_may_be_still(
    changes, held_s, is_usual
):
    watch(changes, 5, floor=OTHER, learn=False)
    changes.rest(held_s - 5, learn=False)
    # Where it is not usual yet, a bag in the old picture is found there as before.
    assert (watch(changes, 9 + 5, bag=True, learn=False).age_s > 0) is not is_usual


def test_a_flash_does_not_take_away_what_stands_there(changes):
    watch(changes, 25, bag=True, learn=False)
    watch(changes, 2, floor=OTHER, learn=False)
    assert watch(changes, 1, bag=True, learn=False).age_s > 24.0


def test_a_thing_has_more_edges_than_what_is_left_where_one_is_gone():
    plain = np.full((80, 120), 120)
    came, gone = LastingChanges(), LastingChanges()
    watch(came, 60, floor=plain)
    watch(gone, 60, floor=plain, bag=True)
    assert watch(came, 25, floor=plain, bag=True, learn=False).is_new
    lasting = watch(gone, 25, floor=plain, learn=False)
    assert lasting.age_s > 20.0
    assert not lasting.is_new


def test_what_stays_is_usual_after_minutes(changes):
    watch(changes, 900, bag=True)
    assert watch(changes, 1, bag=True).age_s == 0.0


def test_an_interruption_ends_what_nobody_watched(changes):
    watch(changes, 25, bag=True, learn=False)
    changes.interrupt()
    assert watch(changes, 5, bag=True, learn=False).age_s == 0.0


def test_the_usual_view_survives_a_restart(changes):
    twin = LastingChanges()
    twin.from_arrays(changes.to_arrays())
    assert watch(twin, 25, bag=True, learn=False).age_s > 24.0


def test_two_who_take_turns_at_one_place_have_not_lasted(changes):
    # Half the time a dark thing and half the time a bright one: the usual view is between them.
    for _ in range(20):
        watch(changes, 6, bag=True)
        watch(changes, 6, light=1.0, floor=BRIGHT)
    assert watch(changes, 6, bag=True).age_s == 0.0


def test_who_takes_a_things_place_begins_anew(changes):
    watch(changes, 30, bag=True, learn=False)
    # The bright thing's first frame moves, and 3 s later it is no longer in front but instead of the bag.
    assert watch(changes, 9, floor=BRIGHT, learn=False).age_s == 0.0
    assert watch(changes, 5, floor=BRIGHT, learn=False).age_s == pytest.approx(14 - 2 * STEP_S, abs=STEP_S)


def test_who_stands_in_front_of_a_thing_for_a_moment_does_not_take_it_away(changes):
    watch(changes, 30, bag=True, learn=False)
    watch(changes, 2, floor=BRIGHT, learn=False)
    assert watch(changes, 5, bag=True, learn=False).age_s >= 34


def test_the_usual_view_that_follows_still_frames_takes_no_age_away(changes):
    watch(changes, 20, bag=True)
    for _ in range(120):  # in two minutes it moves by 24 of the 14 that count as another look
        changes.rest(1.0, learn=True)
    assert watch(changes, 5, bag=True).age_s == pytest.approx(145 - STEP_S, abs=0.01)
