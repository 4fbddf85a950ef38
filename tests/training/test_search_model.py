"""The search model: more of the same comes nearer, and words lead to the clips that they were said of."""

from dataclasses import replace

import numpy as np
import pytest

from models.checkpoint import DEFAULT_DIR, load_checkpoint
from models.clip_vector import ClipReader, unit
from models.runtime import ClipBatch
from models.word_table import WordTable
from tests.searching import word_table as plane
from training.search_model import (
    Projection,
    ReadClips,
    align,
    fit_projection,
    principal,
    read_batch,
    search_arrays,
    word_table,
)

# Eight columns: the first says what happens, the others, four times as large, only where.
WHAT, COUNT = 0, 60


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    labels = np.repeat(["fall", "fight"], COUNT // 2)
    columns = rng.normal(size=(COUNT, 8))
    columns[:, WHAT] = np.where(labels == "fall", 1.0, -1.0) + 0.3 * rng.normal(size=COUNT)
    tasks, groups = np.full(COUNT, "task"), np.arange(COUNT).astype(str)
    return ReadClips(columns.astype(np.float32), labels, tasks, groups)


def precision(vectors, labels):
    """Return how often the nearest other clip has the same label."""
    alike = vectors @ vectors.T - 9 * np.eye(len(vectors))
    return (labels[alike.argmax(axis=1)] == labels).mean()


def test_clips_of_one_label_come_nearer_than_by_components_alone(clips):
    weights = np.ones(8, np.float32)
    plain, fitted = (
        principal(clips, weights, dim=8).of(clips),
        fit_projection(clips, weights, dim=8).of(clips),
    )
    assert precision(fitted, clips.labels) > precision(plain, clips.labels)


def test_what_tells_no_labels_apart_keeps_its_place(clips):
    # The longest axis is √(1 + 3) = 2 times the shortest: the others are not lost.
    vectors = (clips.columns - clips.columns.mean(axis=0)) @ fit_projection(
        clips, np.ones(8, np.float32), dim=8
    ).matrix
    spread = vectors.std(axis=0)
    assert spread.min() > 0.2 * spread.max()


def test_components_come_largest_and_a_column_that_never_changes_is_no_trouble(clips):
    clips.columns[:, 3] = 5.0
    projection = principal(clips, np.array([1, 1, 1, 1, 9, 1, 1, 1], np.float32), dim=1)
    assert np.abs(projection.matrix[:, 0]).argmax() == 4
    assert np.isfinite(projection.of(clips)).all()


def test_two_tasks_may_both_have_a_normal_that_is_not_the_same(clips):
    # What falls is normal at one task, what fights at another: the column that tells them apart differs
    # little within either, and much within one normal that would hold both.
    normal = np.full(COUNT, "normal")
    apart, same = (
        fit_projection(ReadClips(clips.columns, normal, tasks, clips.groups), np.ones(8, np.float32), dim=8)
        for tasks in (clips.labels, clips.tasks)
    )
    assert precision(apart.of(clips), clips.labels) > precision(same.of(clips), clips.labels)


def test_words_lead_to_the_clips_of_their_label(clips):
    vectors = fit_projection(clips, np.ones(8, np.float32), dim=4).of(clips)
    joined = align(vectors, clips.labels, plane())
    query = joined.query("a video of fall")
    scores = vectors @ query.direction + query.constant
    assert (clips.labels[np.argsort(-scores)[:20]] == "fall").all()
    assert joined.labels == ("fall", "fight")
    assert joined.reading("falls").nearest == "fall"


def test_a_label_of_many_clips_weighs_no_more_than_one_of_few(clips):
    few = np.r_[0:30, 30:33]
    vectors = unit(clips.columns[few, :1])
    joined = align(vectors, clips.labels[few], plane())
    # The mean of the two labels is what a clip says that tells nothing: the constant is near 0.
    assert abs(joined.query("fall").constant) < 0.25


def test_a_table_keeps_plain_words_and_pieces_and_makes_rare_ones_longer():
    vocabulary = {"[CLS]": 0, "!": 1, "the": 1996, "##s": 1997, "zebra": 1998, "日": 1999}
    alone = np.zeros((2000, 2), np.float32)
    alone[1996], alone[1997], alone[1998] = [1, 0], [-1, 1], [0, -1]
    words = word_table(alone, vocabulary, dim=2)
    assert list(words.pieces) == ["the", "##s", "zebra"]
    lengths = np.linalg.norm(words.rows * words.scales[:, None], axis=1)
    # log(1 + 1) of the first word, log(1 + 3) of the third; both have the length 1 before.
    assert lengths[2] / lengths[0] == pytest.approx(2.0, rel=0.02)


def test_what_is_written_is_what_is_read(clips, tmp_path):
    projection = fit_projection(clips, np.ones(8, np.float32), dim=4)
    joined = align(projection.of(clips), clips.labels, plane())
    np.savez(
        tmp_path / "search.npz", allow_pickle=False, **search_arrays(projection, joined, trust="Little.")
    )
    checkpoint = load_checkpoint(DEFAULT_DIR)
    moved = replace(checkpoint, folder=tmp_path)
    reader, words = ClipReader.load(moved), WordTable.load(moved)
    half = unit((clips.columns - reader.centre) @ reader.projection)
    np.testing.assert_allclose(half, projection.of(clips), atol=0.01)
    assert (words.labels, words.trust, words.pieces) == (("fall", "fight"), "Little.", plane().pieces)
    np.testing.assert_allclose(words.query("fall").direction, joined.query("fall").direction)


def test_a_batch_is_read_clip_by_clip_without_what_is_masked():
    features, mask = np.zeros((2, 3, 1), np.float32), np.ones((2, 3), np.bool_)
    features[1], mask[1, 0] = [[99.0], [1.0], [3.0]], False
    batch = ClipBatch(features, np.zeros((2, 3, 0), np.float32), mask)
    # Mean 2, deviation 1, step 2, first third 1, last third 3.
    assert read_batch(batch, feature_dim=1)[1].tolist() == pytest.approx([2, 1, 2, 1, 3])


def test_a_direction_has_the_length_one(clips):
    projection = Projection(np.zeros(8), np.eye(8)[:, :2])
    np.testing.assert_allclose(np.linalg.norm(projection.of(clips), axis=1), 1.0, rtol=1e-5)
