"""Two signatures at most 1 apart are the same thing at about the same place."""

import numpy as np

from pipeline import signature
from pipeline.types import Region

HERE, NEAR, FAR = (Region(x, 0.5, 0.1, 0.2) for x in (0.3, 0.4, 0.6))


def walker(region, *, right=1.0, ratio=2.0, part=0):
    what = signature.of_motion(np.array([right, 0.0], np.float32), ratio)
    return signature.signature(part, region, what, parts=4)


def apart(one, other):
    return float(np.linalg.norm(one - other))


def test_the_same_thing_a_few_steps_on_is_the_same():
    # 0.1 of 0.15.
    assert apart(walker(HERE), walker(NEAR)) < 0.7


def test_the_same_thing_at_another_place_is_another():
    assert apart(walker(HERE), walker(FAR)) > 1.9


def test_the_other_direction_and_twice_the_speed_are_each_another():
    assert apart(walker(HERE), walker(HERE, right=-1.0)) == 1.0
    assert apart(walker(HERE), walker(HERE, ratio=4.0)) == 1.0


def test_what_another_part_finds_is_another():
    assert apart(walker(HERE), walker(HERE, part=1)) > 2.0


def test_looks_are_as_far_apart_as_their_vectors():
    rng = np.random.default_rng(1)
    looks = rng.standard_normal((200, 112)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    described = np.stack([signature.of_look(look) for look in looks])
    # Random directions are 1.41 apart, in units of 0.6: 2.4; eight projections keep that within a half.
    distances = np.linalg.norm(described[:100] - described[100:], axis=1)
    assert 2.0 < distances.mean() < 2.7
    assert (distances > 1.0).mean() > 0.95


def test_what_came_and_what_is_gone_are_different():
    assert apart(signature.of_lasting(0.01, is_new=True), signature.of_lasting(0.01, is_new=False)) == 1.0


def test_all_parts_have_signatures_of_one_length():
    assert signature.signature(3, HERE, signature.of_size(2.0), parts=4).shape == (14,)
