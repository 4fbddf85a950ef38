"""A clip's direction: the statistics of the linear path without torch, kept in a byte for each number."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models import statistics
from models.checkpoint import DEFAULT_DIR, SEARCH_FILE, load_checkpoint
from models.clip_vector import (
    FLOW,
    FRESH,
    HELD,
    ClipReader,
    clip_statistics,
    column_weights,
    pack,
    read_clip,
    unit,
    unpack,
)


@pytest.mark.parametrize("kind", statistics.STATISTICS)
def test_statistics_are_those_that_the_linear_path_reads(kind):
    frames = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    mask = torch.ones(1, 7, dtype=torch.bool)
    expected = statistics.clip_statistics(torch.from_numpy(frames)[None], mask, [kind])[0]
    np.testing.assert_allclose(clip_statistics(frames, kind), expected, atol=1e-5)


def test_one_frame_takes_no_step():
    assert clip_statistics(np.array([[3.0]], np.float32), "step", "deviation", "last").tolist() == [0, 0, 3]


def test_the_first_picture_is_read_in_full_and_a_held_one_in_short():
    # Two pictures of 3 features and 2 numbers of flow: 5 * 3, 2 * 3, 7 * 2.
    columns = read_clip(np.zeros((4, 6), np.float32), np.zeros((4, 2), np.float32), feature_dim=3)
    assert len(columns) == len(FRESH) * 3 + len(HELD) * 3 + len(FLOW) * 2 == 35
    assert len(column_weights(2, feature_dim=3, motion_dim=2)) == 35


def test_the_columns_of_a_kind_share_its_weight():
    weights = column_weights(2, feature_dim=3, motion_dim=2)
    assert (weights[:15] ** 2).sum() == pytest.approx(1.0)
    assert (weights[15:21] ** 2).sum() == pytest.approx(0.5)
    assert (weights[21:] ** 2).sum() == pytest.approx(0.15)


def test_a_direction_of_three_numbers_takes_three_bytes():
    # The largest becomes 127: 0.5 of it is 63.5, which rounds to the even 64.
    packed = pack(np.array([1.0, -0.5, 0.0], np.float32))
    assert unpack(packed).tolist() == [127, -64, 0]
    assert unpack(pack(np.zeros(2, np.float32))).tolist() == [0, 0]


def test_packing_hardly_turns_a_direction():
    vectors = unit(np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32))
    turned = unit(np.stack([unpack(pack(vector)) for vector in vectors]).astype(np.float32))
    assert (vectors * turned).sum(axis=1).min() > 0.999


def test_what_is_masked_changes_nothing():
    reader = ClipReader("m", 1, np.zeros(5, np.float32), np.eye(5, dtype=np.float32))
    mask = np.array([False, True, True])
    one, other = (np.array([[junk], [1.0], [2.0]], np.float32) for junk in (0.0, 99.0))
    motion = np.zeros((3, 0), np.float32)
    assert (reader.vector(one, motion, mask) == reader.vector(other, motion, mask)).all()


def test_the_default_checkpoint_names_its_projection_so_that_no_other_is_compared_with_it():
    checkpoint = load_checkpoint(DEFAULT_DIR)
    reader = ClipReader.load(checkpoint)
    assert reader.model == f"videobert-small {checkpoint.version} {checkpoint.files[SEARCH_FILE][:8]}"
    clip = np.random.default_rng(0).normal(size=(24, 2560)).astype(np.float32)
    vector = reader.vector(clip, np.zeros((24, 18), np.float32), np.ones(24, np.bool_))
    assert vector.shape == (64,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_a_retrained_model_has_the_vectors_of_the_one_that_it_comes_from():
    checkpoint = load_checkpoint(DEFAULT_DIR)
    again = replace(checkpoint, version=f"{checkpoint.version}+local.1")
    assert ClipReader.load(again).model == ClipReader.load(checkpoint).model


def test_a_checkpoint_without_a_projection_has_no_reader():
    checkpoint = load_checkpoint(DEFAULT_DIR)
    assert ClipReader.load(replace(checkpoint, files={})) is None
