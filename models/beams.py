"""A next-word model in, the sentences that it finds most probable out: beam search, greedy with one beam."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

NextWord = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Search:
    """How to search: the marks that begin, end and fill up a sentence, and how wide and far to look."""

    begin: int
    end: int
    pad: int
    num_beams: int = 1
    max_new_tokens: int = 32


@dataclass(frozen=True, slots=True)
class _Beams:
    """`words` (B, K, L) with their first mark, the sum of their log-probabilities and whether they ended."""

    words: Tensor
    scores: Tensor
    ended: Tensor

    @classmethod
    def at_first(cls, batch: int, search: Search, device: torch.device) -> "_Beams":
        shape = (batch, search.num_beams)
        # All beams begin alike, so that only one of them may go on.
        scores = torch.full(shape, -torch.inf, device=device)
        scores[:, 0] = 0.0
        words = torch.full((*shape, 1), search.begin, device=device)
        return cls(words, scores, torch.zeros(shape, dtype=torch.bool, device=device))

    def extended(self, logits: Tensor, search: Search) -> "_Beams":
        """Return the K best of all ways to go on, given the logits (B, K, V) of the next word."""
        size = logits.shape[-1]
        steps = logits.float().log_softmax(dim=-1)
        # What has ended goes on with padding alone, which costs nothing.
        only_pad = torch.full_like(steps[0, 0], -torch.inf)
        only_pad[search.pad] = 0.0
        steps = torch.where(self.ended[..., None], only_pad, steps)
        ways = (self.scores[..., None] + steps).flatten(1)  # (B, K, V) → (B, K * V)
        scores, chosen = ways.topk(search.num_beams, dim=-1)
        source, word = chosen // size, chosen % size  # (B, K)
        before = self.words.gather(1, source[..., None].expand(-1, -1, self.words.shape[2]))
        # A beam of probability 0 is none: it holds nothing up.
        ended = self.ended.gather(1, source) | (word == search.end) | scores.isneginf()
        return _Beams(torch.cat([before, word[..., None]], dim=-1), scores, ended)

    def best(self, search: Search) -> Tensor:
        """Return each clip's beam of the highest mean log-probability, (B, L) without the first mark."""
        words = self.words[..., 1:]
        length = (words != search.pad).sum(dim=-1).clamp(min=1)
        best = (self.scores / length).argmax(dim=1)
        return words[torch.arange(len(words), device=words.device), best]


def search_beams(next_word: NextWord, batch: int, search: Search, *, device: torch.device) -> Tensor:
    """Return the words (B, L) of a sentence for each of B clips: up to its end, then padding.

    `next_word` takes the words so far, (B * K, L), the K beams of a clip one after the other, and returns the
    logits (B * K, V) of the next one.
    """
    beams = _Beams.at_first(batch, search, device)
    for _ in range(search.max_new_tokens):
        logits = next_word(beams.words.flatten(0, 1))  # (B, K, L) → (B * K, L)
        # (B * K, V) → (B, K, V)
        beams = beams.extended(logits.reshape(batch, search.num_beams, -1), search)
        if bool(beams.ended.all()):
            break
    return beams.best(search)
