import numpy as np
import pytest

from models.visual_words import Normalisation, Normaliser, VisualWords, VisualWordsError


def tree(*, kind: Normalisation = Normalisation.NONE) -> VisualWords:
    """Return two levels of two on a line: 0 → (−1, 1), 10 → (9, absent); words 0, 1 and 2."""
    levels = (
        np.array([[[0.0], [10.0]]], np.float32),
        np.array([[[-1.0], [1.0]], [[9.0], [0.0]]], np.float32),
    )
    present = (np.array([[True, True]]), np.array([[True, True], [True, False]]))
    normaliser = Normaliser(kind, np.zeros(1, np.float32), np.ones(1, np.float32))
    return VisualWords(levels, present, normaliser, features_key="key")


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def test_a_frame_descends_to_the_nearest_child_of_the_nearest_child():
    # 4 is nearer to 0 than to 10, then nearer to 1 than to −1; 8 has only 9 to go to.
    assert tree().tokenise(column(-3, 4, 8)).tolist() == [0, 1, 2]


def test_an_absent_child_is_never_chosen():
    # The absent child would stand at 6, where the frame is; its sibling stands at 9.
    levels = (tree().levels[0], np.array([[[-1.0], [1.0]], [[9.0], [6.0]]], np.float32))
    words = VisualWords(levels, tree().present, tree().normaliser)
    assert words.tokenise(column(6)).tolist() == [2]
    assert words.distances(column(6)).tolist() == [3]


def test_the_distance_is_that_to_the_centroid_of_the_word():
    assert tree().distances(column(-3, 4, 8)) == pytest.approx([2, 3, 1])


def test_a_word_spells_its_path():
    words = tree()
    assert (words.num_words, words.branching) == (4, 2)
    assert [words.path(word) for word in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_no_frames_have_no_words():
    words = tree().tokenise(np.zeros((0, 1), np.float32))
    assert (words.shape, words.dtype) == ((0,), np.int64)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # Two frames (3, 4) and (3, 0): mean (3, 2), deviation (0, 2).
        (Normalisation.NONE, [[3, 4], [3, 0]]),
        (Normalisation.L2, [[0.6, 0.8], [1, 0]]),
        (Normalisation.LAYER_NORM, [[-1, 1], [1, -1]]),
        (Normalisation.STANDARD, [[0, 1], [0, -1]]),
        (Normalisation.STANDARD_L2, [[0, 1], [0, -1]]),
    ],
)
def test_features_are_normalised(kind, expected):
    features = np.array([[3, 4], [3, 0]], np.float32)
    assert Normaliser.of(kind, features)(features) == pytest.approx(np.array(expected), abs=1e-4)


def test_saved_words_come_back(tmp_path):
    tree(kind=Normalisation.STANDARD).save(tmp_path / "words.npz")
    loaded = VisualWords.load(tmp_path / "words.npz")
    assert (loaded.normaliser.kind, loaded.features_key) == (Normalisation.STANDARD, "key")
    frames = column(-3, 4, 8)
    assert (loaded.tokenise(frames) == tree(kind=Normalisation.STANDARD).tokenise(frames)).all()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 broken"])
def test_a_file_that_holds_no_words_is_one_sentence(tmp_path, content):
    path = tmp_path / "words.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VisualWordsError, match=r"words\.npz holds no visual words"):
        VisualWords.load(path)


def test_words_of_another_schema_are_refused(tmp_path):
    with (tmp_path / "words.npz").open("wb") as file:
        np.savez(file, schema=np.array(99))
    with pytest.raises(VisualWordsError, match="schema 99 is not 1"):
        VisualWords.load(tmp_path / "words.npz")
