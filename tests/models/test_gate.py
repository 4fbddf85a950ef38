"""What moves is let through on the very frame; what only flickers is not."""

import numpy as np
import pytest

from models.gate import Gate, GateSettings

SCENE = np.random.default_rng(0).integers(30, 220, (36, 64)).astype(np.uint8)


def flickering(count, *, levels, seed=1):
    """Yield the scene with noise of the given deviation in grey levels."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield np.clip(SCENE + rng.normal(0, levels, SCENE.shape), 0, 255).astype(np.uint8)


def with_person(luma, column, *, contrast=30):
    """Return the picture with a person of 4 × 2 cells in it."""
    changed = luma.astype(np.int16)
    changed[10:14, column : column + 2] += np.where(
        changed[10:14, column : column + 2] > 128, -contrast, contrast
    )
    return changed.astype(np.uint8)


def judged(gate, pictures, begin_s=0.0):
    return [gate.is_still(picture, begin_s + index / 5) for index, picture in enumerate(pictures)]


def test_a_constant_picture_is_still_once_the_motion_pictures_have_faded():
    # 5 fps, hold_s 1.0: frames at 0.0 … 0.8 s are shown, from 1.0 s on the features are reused.
    assert judged(Gate(GateSettings()), [SCENE] * 8) == [False] * 5 + [True] * 3


@pytest.mark.parametrize("levels", [0.5, 1.0, 2.0])
def test_sensor_noise_is_still(levels):
    gate = Gate(GateSettings(refresh_s=1000))
    judged(gate, flickering(300, levels=levels))
    later = judged(gate, flickering(300, levels=levels, seed=2), begin_s=60.0)
    assert later.count(False) <= 6


@pytest.mark.parametrize("levels", [0.0, 0.5, 1.0, 2.0])
def test_a_person_is_let_through_on_the_very_frame(levels):
    gate = Gate(GateSettings())
    pictures = list(flickering(40, levels=levels))
    judged(gate, pictures[:39])
    assert not gate.is_still(with_person(pictures[39], 5), 7.8)


def test_noise_raises_the_threshold_and_calm_lowers_it_again():
    gate = Gate(GateSettings())
    judged(gate, flickering(200, levels=1.5))
    noisy = gate.threshold
    judged(gate, [SCENE] * 300, begin_s=40.0)
    assert noisy > 5.0
    assert gate.threshold == pytest.approx(3.0, abs=0.1)


def test_a_person_who_stands_still_becomes_part_of_the_picture():
    gate = Gate(GateSettings())
    pictures = [SCENE] * 10 + [with_person(SCENE, 5)] * 10
    assert judged(gate, pictures)[10:] == [False] * 5 + [True] * 5


def test_a_slow_change_adds_up_until_it_is_shown():
    # One level brighter every second: each step is under the threshold of 3, the sum is not.
    gate = Gate(GateSettings(refresh_s=1000))
    pictures = [np.minimum(SCENE.astype(int) + index // 5, 255).astype(np.uint8) for index in range(60)]
    assert judged(gate, pictures)[10:].count(False) >= 10


def test_all_is_shown_anew_every_ten_seconds():
    still = judged(Gate(GateSettings()), [SCENE] * 151)
    # The last frame held open is at 0.8 s, so 10.8 s and 20.8 s are shown: indices 54 and 104.
    assert [index for index, is_still in enumerate(still) if not is_still] == [0, 1, 2, 3, 4, 54, 104]


def test_after_a_reset_the_next_frame_is_shown():
    gate = Gate(GateSettings())
    judged(gate, [SCENE] * 20)
    gate.reset()
    assert not gate.is_still(SCENE, 4.0)
