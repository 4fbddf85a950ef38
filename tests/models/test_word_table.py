"""Words without torch: pieces as BERT cuts them, sentences as means, clips where the words say they are."""

from dataclasses import replace

import numpy as np
import pytest

from models.checkpoint import DEFAULT_DIR, load_checkpoint
from models.processing import VideoBERTTokenizer
from models.word_table import WordTable
from tests.searching import word_table


def test_a_word_is_cut_into_its_longest_pieces():
    # falls = fall + ##s: the mean of (1, 0) and (0, 0) points to the right all the same.
    assert word_table().sentence("Falls!").tolist() == [1, 0]


def test_a_sentence_is_the_mean_of_its_pieces_and_unknown_words_are_passed_over():
    np.testing.assert_allclose(word_table().sentence("a fall, a fight"), [0.5**0.5, 0.5**0.5], rtol=1e-6)


@pytest.mark.parametrize("text", ["", "?!", "giraffe", "日本"])
def test_of_unknown_words_nothing_is_said(text):
    assert (word_table().sentence(text), word_table().query(text), word_table().reading(text)) == (
        None,
        None,
        None,
    )


def test_accents_and_case_do_not_matter():
    assert word_table().sentence("FÀLL").tolist() == [1, 0]


def test_words_ask_for_clips_of_which_they_would_be_said():
    query = word_table().query("fall")
    assert (query.direction.tolist(), query.constant) == ([1, 0], 0.25)
    assert word_table().query("fight").direction.tolist() == [0, 1]


def test_words_are_read_as_the_nearest_label_that_was_taught():
    reading = word_table().reading("fights")
    assert (reading.nearest, reading.cosine) == ("fight", pytest.approx(1.0))


def test_what_all_sentences_share_says_nothing():
    shared = word_table(mean=np.array([0.0, 1.0], np.float32))
    # fight (0, 1) less the mean is nothing; fall (1, 0) less the mean is (1, -1) / √2.
    assert shared.query("fight").direction.tolist() == [0, 0]
    np.testing.assert_allclose(shared.query("fall").direction, [0.5**0.5, -(0.5**0.5)], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("people are brawling in the street", "fight"),
        ("a traffic accident", "crash"),
        ("an old man collapses", "falling"),
        ("lies in bed", "lying"),
    ],
)
def test_the_default_table_understands_words_of_ones_own(text, label):
    assert WordTable.load(load_checkpoint(DEFAULT_DIR)).reading(text).nearest == label


def test_the_default_table_cuts_plain_words_as_the_tokenizer_does():
    words, tokenizer = (
        WordTable.load(load_checkpoint(DEFAULT_DIR)),
        VideoBERTTokenizer.from_pretrained(DEFAULT_DIR),
    )
    names = list(words.pieces)
    for text in ("two brawlers wrestling outside", "embarrassingly parked motorcycles"):
        rows = [words.rows[words.pieces[piece]] for piece in tokenizer.tokenize(text)]
        meant = np.mean(
            [
                row * words.scales[names.index(piece)]
                for row, piece in zip(rows, tokenizer.tokenize(text), strict=True)
            ],
            axis=0,
        )
        np.testing.assert_allclose(words.sentence(text), meant / np.linalg.norm(meant), atol=1e-5)


def test_the_default_table_says_how_far_to_trust_it():
    assert "96 %" in WordTable.load(load_checkpoint(DEFAULT_DIR)).trust


def test_a_checkpoint_without_a_table_has_none():
    assert WordTable.load(replace(load_checkpoint(DEFAULT_DIR), files={})) is None
