"""Whole clips and texts in, riddles out: parts of them hidden or exchanged, and what was there."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.heads import IGNORED
from models.pretraining import Targets

# Of the chosen words 80 % become [MASK], 10 % another word, 10 % stay (Devlin et al., 2019, section 3.1).
MASKED_SHARE, REPLACED_SHARE = 0.8, 0.1


@dataclass(frozen=True, slots=True)
class Corruption:
    """How much is hidden.

    Frames are hidden in runs of `hidden_run` frames: beside a frame that is seen, a hidden one is no riddle.
    `shuffled` and `exchanged` are the shares of clips whose frames lose their order, and whose text is
    another clip's; `without_text` is the share of clips that are read alone, as live streams may be.
    """

    words: float = 0.15
    frames: float = 0.3
    hidden_run: int = 3
    shuffled: float = 0.5
    exchanged: float = 0.5
    without_text: float = 0.3


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The word pieces: how many, which one hides another, and which are no words (a tensor of ids)."""

    size: int
    mask_id: int
    special_ids: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """B clips of T frames with texts of L tokens.

    `features` (B, T, V), `motion` (B, T, F), `video_mask` (B, T), `visual_words` (B, T), `input_ids` (B, L),
    `attention_mask` (B, L), 0 throughout for a clip without text. A sentence without a video is a clip whose
    `video_mask` is 0 throughout. Texts of the same number in `meanings` (B,) say the same in other words.
    """

    features: Tensor
    motion: Tensor
    video_mask: Tensor
    visual_words: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    meanings: Tensor


@dataclass(frozen=True, slots=True)
class Riddle:
    """What the model is shown, and what it is asked."""

    batch: Batch
    targets: Targets


class Corruptor:
    """Makes riddles; the generator decides all of them, so that a run can be repeated and resumed."""

    def __init__(self, corruption: Corruption, vocabulary: Vocabulary, generator: torch.Generator) -> None:
        self._corruption = corruption
        self._vocabulary = vocabulary
        self._generator = generator

    def corrupt(self, batch: Batch) -> Riddle:
        """Return a riddle; what is in `batch` stays as it is."""
        batch = self._drop_texts(batch)
        batch, matches = self._exchange_texts(batch)
        batch, words = self._hide_words(batch)
        batch, in_order = self._shuffle_frames(batch)
        hidden = hide_runs(batch.video_mask.bool(), self._corruption, self._generator)
        visual_words = batch.visual_words.masked_fill(~hidden, IGNORED)
        return Riddle(batch, Targets(words, hidden, visual_words, in_order, matches, batch.meanings))

    def _chance(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._generator)

    def _drop_texts(self, batch: Batch) -> Batch:
        kept = self._chance(len(batch.features)) >= self._corruption.without_text
        kept |= ~batch.video_mask.any(dim=1)  # a sentence without a video is all there is
        return replace(batch, attention_mask=batch.attention_mask * kept[:, None])

    def _exchange_texts(self, batch: Batch) -> tuple[Batch, Tensor]:
        """Give some clips the text of the next one that has any; say which texts still belong."""
        has_text = batch.attention_mask.any(dim=1) & batch.video_mask.any(dim=1)
        rows = torch.arange(len(has_text))
        owners = rows[has_text]
        chosen = self._chance(len(owners)) < self._corruption.exchanged
        giver = rows.clone()
        giver[owners] = torch.where(chosen, owners.roll(-1), owners)
        same = batch.meanings[giver] == batch.meanings
        matches = torch.where(has_text, same.long(), IGNORED)
        texts = {"input_ids": batch.input_ids[giver], "attention_mask": batch.attention_mask[giver]}
        return replace(batch, **texts), matches

    def _hide_words(self, batch: Batch) -> tuple[Batch, Tensor]:
        ids, vocabulary = batch.input_ids, self._vocabulary
        can = batch.attention_mask.bool() & ~torch.isin(ids, vocabulary.special_ids)
        asked = can & (self._chance(*ids.shape) < self._corruption.words)
        way = self._chance(*ids.shape)
        others = torch.randint(vocabulary.size, ids.shape, generator=self._generator)
        shown = torch.where(way < MASKED_SHARE, vocabulary.mask_id, others)
        shown = torch.where(way < MASKED_SHARE + REPLACED_SHARE, shown, ids)
        return replace(batch, input_ids=torch.where(asked, shown, ids)), ids.masked_fill(~asked, IGNORED)

    def _shuffle_frames(self, batch: Batch) -> tuple[Batch, Tensor]:
        """Shuffle the real frames of some clips; a clip of fewer than three says nothing about order."""
        chosen = self._chance(len(batch.features)) < self._corruption.shuffled
        chosen &= batch.video_mask.sum(dim=1) >= 3
        order = shuffled_order(batch.video_mask.bool(), chosen, self._generator)  # (B, T)
        moved = {
            "features": batch.features.take_along_dim(order[..., None], dim=1),
            "motion": batch.motion.take_along_dim(order[..., None], dim=1),
            "visual_words": batch.visual_words.take_along_dim(order, dim=1),
        }
        asked = batch.video_mask.sum(dim=1) >= 3
        return replace(batch, **moved), torch.where(asked, (~chosen).long(), IGNORED)


def hide_runs(real: Tensor, corruption: Corruption, generator: torch.Generator) -> Tensor:
    """Return (B, T), True at runs of real frames, about the share that is asked for.

    With a share of 0.3 and runs of 3 a frame begins a run with the chance 0.1. Every clip keeps its oldest
    frame.
    """
    begins = torch.rand(real.shape, generator=generator) < corruption.frames / corruption.hidden_run
    hidden = begins.clone()
    for step in range(1, corruption.hidden_run):
        hidden[:, step:] |= begins[:, :-step]
    oldest = real & (real.cumsum(dim=1) == 1)
    return hidden & real & ~oldest


def shuffled_order(real: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Return (B, T) indices that shuffle the real frames of the chosen clips; padding stays where it is.

    Of - a b c (one frame of padding in front) with the chances . .7 .2 .5 the order becomes - b c a.
    """
    places = torch.arange(real.shape[1]).expand(real.shape)
    chance = torch.rand(real.shape, generator=generator)
    keys = torch.where(real & chosen[:, None], 1 + chance, -1.0)
    keys = torch.where(chosen[:, None], keys, places.float())
    return keys.argsort(dim=1, stable=True)
