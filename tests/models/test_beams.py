"""Sentences are found by their probability, looked up here in a table of next words."""

import pytest
import torch

from models.beams import Search, search_beams

BEGIN, END, PAD, A, B = range(5)
# After the beginning A is likelier than B; after A all words are as likely, after B the end is certain.
# So "A end" has 0.6 * 0.2 = 0.12 and "B end" has 0.4.
NEXT = torch.tensor(
    [
        [0.0, 0.0, 0.0, 0.6, 0.4],
        [0.2, 0.2, 0.2, 0.2, 0.2],
        [0.2, 0.2, 0.2, 0.2, 0.2],
        [0.2, 0.2, 0.2, 0.2, 0.2],
        [0.0, 1.0, 0.0, 0.0, 0.0],
    ]
)


def found(num_beams, *, batch=1, max_new_tokens=2):
    search = Search(BEGIN, END, PAD, num_beams, max_new_tokens)

    def next_word(words):
        assert len(words) == batch * num_beams
        return NEXT[words[:, -1]].log()

    return search_beams(next_word, batch, search, device=torch.device("cpu"))


def test_one_beam_takes_the_likeliest_word_each_time():
    assert found(1)[0, 0] == A


@pytest.mark.parametrize("num_beams", [2, 4])
def test_more_beams_find_the_likelier_sentence(num_beams):
    assert found(num_beams).tolist() == [[B, END]]


def test_each_clip_of_a_batch_has_a_sentence_of_its_own():
    def next_word(words):
        # The first clip's beams go on with A, the second's with B; then each ends.
        first = torch.tensor([A, A, B, B])
        wanted = first if words.shape[1] == 1 else torch.full((4,), END)
        return torch.nn.functional.one_hot(wanted, 5).float().log()

    words = search_beams(next_word, 2, Search(BEGIN, END, PAD, 2, 5), device=torch.device("cpu"))
    assert words.tolist() == [[A, END], [B, END]]


def test_what_has_ended_is_padded_until_all_have():
    def next_word(words):
        # The first clip ends at once, the second after two words.
        wanted = torch.tensor([END, END if words.shape[1] == 3 else B])
        return torch.nn.functional.one_hot(wanted, 5).float().log()

    words = search_beams(next_word, 2, Search(BEGIN, END, PAD, 1, 9), device=torch.device("cpu"))
    assert words.tolist() == [[END, PAD, PAD], [B, B, END]]


def test_a_sentence_that_does_not_end_is_cut():
    search = Search(BEGIN, END, PAD, 1, 3)
    only_a = torch.tensor([[0.0, 0.0, 0.0, 1.0, 0.0]]).log()
    assert search_beams(lambda _: only_a, 1, search, device=torch.device("cpu")).tolist() == [[A, A, A]]
