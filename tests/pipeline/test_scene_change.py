"""A light that is switched is one change of the whole picture; a visitor is none, and a flicker passes."""

import numpy as np
import pytest

from pipeline.scene_change import Scene, SceneChange

STEP_S = 0.2
DAY, NIGHT = np.full((36, 64), 150, np.uint8), np.full((36, 64), 60, np.uint8)
VISITOR = DAY.copy()
VISITOR[:, :36] = 20  # 36 of 64 columns are 56 % of the picture


def play(scene, *shown):
    """Show (luma, seconds, unusual share) in turn; return each scene and its second, as it begins."""
    told, step = [], 0
    for luma, seconds, everywhere in shown:
        for _ in range(round(seconds / STEP_S)):
            now = scene.observe(luma, everywhere, step * STEP_S)
            if not told or told[-1][0] is not now:
                told.append((now, round(step * STEP_S, 1)))
            step += 1
    return told


def test_a_light_that_is_switched_is_learned_once_it_has_settled():
    # The last jump is at 20.0 s; it has settled 8 s later, and is learned for 120 s.
    assert play(SceneChange(), (DAY, 20, 0.0), (NIGHT, 200, 0.9)) == [
        (Scene.STEADY, 0.0),
        (Scene.UNSETTLED, 20.0),
        (Scene.RELEARNING, 28.0),
        (Scene.STEADY, 148.0),
    ]


def test_a_flicker_passes():
    assert play(SceneChange(), (DAY, 20, 0.0), (NIGHT, 1, 0.9), (DAY, 40, 0.0)) == [
        (Scene.STEADY, 0.0),
        (Scene.UNSETTLED, 20.0),
        (Scene.STEADY, 29.0),
    ]


def test_a_visitor_who_fills_half_of_the_picture_is_no_change_of_it():
    assert play(SceneChange(), (DAY, 20, 0.0), (VISITOR, 60, 0.5)) == [(Scene.STEADY, 0.0)]


def test_dusk_is_followed():
    scene = SceneChange()
    steps = [(np.full((36, 64), level, np.uint8), 10, 0.0) for level in range(150, 60, -2)]
    assert play(scene, *steps) == [(Scene.STEADY, 0.0)]


def test_the_first_seconds_of_a_camera_change_nothing():
    assert play(SceneChange(), (NIGHT, 2, 0.0), (DAY, 20, 0.0)) == [(Scene.STEADY, 0.0)]


@pytest.mark.parametrize(("share", "rests"), [(0.39, False), (0.4, True)])
def test_alarms_rest_only_while_most_of_the_picture_is_unusual(share, rests):
    scene = SceneChange()
    play(scene, (DAY, 20, 0.0), (NIGHT, 1, share))
    assert scene.lets_alarms_rest is rests


def test_alarms_go_on_when_the_new_look_has_been_learned():
    scene = SceneChange()
    play(scene, (DAY, 20, 0.0), (NIGHT, 140, 0.9))
    assert not scene.lets_alarms_rest


def test_what_never_settles_is_left_alone():
    scene, blinking = SceneChange(), [(NIGHT, 0.2, 0.9), (DAY, 0.2, 0.9)] * 300
    told = play(scene, (DAY, 20, 0.0), *blinking)
    # 60 s of patience, then alone for ten minutes.
    assert told == [(Scene.STEADY, 0.0), (Scene.UNSETTLED, 20.0), (Scene.STEADY, 80.0)]


def test_a_camera_that_was_moved_is_learned_anew():
    scene = SceneChange()
    play(scene, (DAY, 20, 0.0))
    scene.relearn()
    assert scene.lets_alarms_rest
    assert scene.observe(DAY, 0.9, 20.0) is Scene.RELEARNING


def test_a_camera_that_was_moved_is_learned_for_two_minutes_from_its_first_frame_on():
    scene = SceneChange()
    play(scene, (DAY, 20, 0.0))
    scene.relearn()
    # Moved, it was not observed for a minute; then for 120 s.
    assert scene.observe(NIGHT, 0.9, 80.0) is Scene.RELEARNING
    told = [scene.observe(NIGHT, 0.9, 80.0 + STEP_S * i) for i in range(1, 602)]
    assert told[598] is Scene.RELEARNING
    assert told[600] is Scene.STEADY


def test_an_interruption_ends_what_had_not_settled():
    scene = SceneChange()
    play(scene, (DAY, 20, 0.0), (NIGHT, 1, 0.9))
    scene.forget()
    assert scene.observe(NIGHT, 0.9, 22.0) is Scene.STEADY
