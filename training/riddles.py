"""Clips and captions in, batches of riddles out: which, in what words and what is hidden, all by the seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.processing import VideoBERTTokenizer
from models.runtime import ClipBatch
from models.visual_words import VisualWords
from training.corruption import Batch, Corruption, Corruptor, Riddle, Vocabulary
from training.footage_clips import FootageClip, FootageClips, tempered_order
from training.texts import Sentence
from training.windows import cut_batch

I64 = NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchSize:
    """How many clips and captions a batch has; texts are cut after `max_tokens` tokens."""

    clips: int = 32
    captions: int = 16
    max_tokens: int = 32


@dataclass(frozen=True, slots=True)
class Draw:
    """What a batch is made of; `seed` decides the rest."""

    seed: tuple[int, ...]
    clips: Sequence[FootageClip]
    captions: Sequence[Sentence]


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of B clips or captions as tokens, as in `Batch`."""

    input_ids: Tensor
    attention_mask: Tensor
    meanings: Tensor


def training_draws(
    clips: Sequence[FootageClip], captions: Sequence[Sentence], size: BatchSize, *, seed: tuple[int, int]
) -> list[Draw]:
    """Return an epoch's batches, the same for the same seed and epoch, `seed`."""
    rng = np.random.default_rng(seed)
    drawn = tempered_order(clips, rng)
    told = [captions[place] for place in rng.permutation(len(captions))]
    starts = range(0, len(drawn), size.clips)
    return [
        Draw((*seed, number), drawn[start : start + size.clips], _part(told, number, size.captions))
        for number, start in enumerate(starts)
    ]


def fixed_draws(
    clips: Sequence[FootageClip], captions: Sequence[Sentence], size: BatchSize, *, seed: int
) -> list[Draw]:
    """Return batches that have every clip once and then every caption once, apart, in a drawn order."""
    rng = np.random.default_rng(seed)
    of_clips = _split([clips[place] for place in rng.permutation(len(clips))], size.clips)
    of_captions = _split([captions[place] for place in rng.permutation(len(captions))], size.clips)
    parts = [(part, ()) for part in of_clips] + [((), part) for part in of_captions]
    return [Draw((seed, number), *part) for number, part in enumerate(parts)]


class RiddleMaker:
    """Makes the riddles of draws."""

    def __init__(
        self,
        footage: FootageClips,
        words: VisualWords,
        tokenizer: VideoBERTTokenizer,
        *,
        corruption: Corruption,
        max_tokens: int,
    ) -> None:
        self._footage = footage
        self._words = {name: words.tokenise(file.features) for name, file in footage.files.items()}
        self._tokenizer = tokenizer
        self._corruption = corruption
        self._max_tokens = max_tokens
        self.vocabulary = vocabulary_of(tokenizer)
        self.num_visual_words = words.num_words

    def riddle(self, draw: Draw, corruption: Corruption | None = None) -> Riddle:
        """Return the riddle of a draw, whose seed decides it."""
        generator = torch.Generator().manual_seed(_torch_seed(draw.seed))
        corruptor = Corruptor(corruption or self._corruption, self.vocabulary, generator)
        return corruptor.corrupt(self.batch(draw))

    def batch(self, draw: Draw) -> Batch:
        """Return clips and captions in one batch; a caption is a clip that has no frame."""
        texts, absent = self.texts(draw), len(draw.captions)
        video = self._video(draw.clips)
        words = cut_words(draw.clips, self._words, num_frames=self._footage.num_frames)
        return Batch(
            features=_followed(video.features, absent),
            motion=_followed(video.motion, absent),
            video_mask=_followed(video.mask, absent),
            visual_words=_followed(words, absent),
            input_ids=texts.input_ids,
            attention_mask=texts.attention_mask,
            meanings=texts.meanings,
        )

    def texts(self, draw: Draw) -> Texts:
        """Return what the clips and captions say; which of a clip's sentences is drawn."""
        rng = np.random.default_rng(draw.seed)
        said = [_drawn(clip.facts.sentences, rng) for clip in draw.clips]
        said += [caption.text for caption in draw.captions]
        tokens = self._tokenizer(
            said, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        )
        has_text = torch.tensor([bool(text) for text in said])
        facts = [clip.facts for clip in draw.clips] + [caption.text for caption in draw.captions]
        number = {fact: place for place, fact in enumerate(dict.fromkeys(facts))}
        return Texts(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"] * has_text[:, None],
            meanings=torch.tensor([number[fact] for fact in facts]),
        )

    def visual_words(self, clips: Sequence[FootageClip]) -> Tensor:
        """Return the visual words of all frames of the clips, one after the other."""
        return torch.from_numpy(
            np.concatenate([self._words[c.file][c.window.first : c.window.stop] for c in clips])
        )

    def _video(self, clips: Sequence[FootageClip]) -> ClipBatch:
        files, num_frames = self._footage.files, self._footage.num_frames
        if not clips:
            example = next(iter(files.values()))
            empty = np.zeros((0, num_frames, 1), np.float32)
            return ClipBatch(
                features=empty.repeat(example.features.shape[1], axis=2),
                motion=empty.repeat(example.motion.shape[1], axis=2),
                mask=np.zeros((0, num_frames), np.bool_),
            )
        return cut_batch([clip.window for clip in clips], files, num_frames=num_frames)


def cut_words(clips: Sequence[FootageClip], words: Mapping[str, I64], *, num_frames: int) -> I64:
    """Return the visual words (B, T) of clips, 0 at padding in front; `words` are those of recordings."""
    cut = np.zeros((len(clips), num_frames), np.int64)
    for row, clip in enumerate(clips):
        window = clip.window
        cut[row, num_frames - len(window) :] = words[clip.file][window.first : window.stop]
    return cut


def exchange_texts(riddle: Riddle) -> Riddle:
    """Give each clip the text of the next one that has another to give, and claim that it fits.

    A clip to which no other of the batch has anything else to say loses its text.
    """
    batch, targets = riddle.batch, riddle.targets
    rows = torch.arange(len(batch.meanings))
    says = batch.attention_mask.any(dim=1) & (targets.matches == 1)
    other = says[None] & (batch.meanings[:, None] != batch.meanings)  # (B, B): who could give to whom
    distance = (rows[None] - rows[:, None]) % len(rows)
    giver = distance.masked_fill(~other, len(rows)).argmin(dim=1)
    given = says & other.any(dim=1)
    exchanged = replace(
        batch,
        input_ids=batch.input_ids[giver],
        attention_mask=batch.attention_mask[giver] * given[:, None],
    )
    return Riddle(exchanged, replace(targets, matches=targets.matches.masked_fill(~given, -100)))


def on_device(riddle: Riddle, device: torch.device) -> Riddle:
    """Return the riddle on a device."""
    return Riddle(_moved(riddle.batch, device), _moved(riddle.targets, device))


def vocabulary_of(tokenizer: VideoBERTTokenizer) -> Vocabulary:
    """Return the tokenizer's word pieces."""
    return Vocabulary(len(tokenizer), tokenizer.mask_token_id, torch.tensor(tokenizer.all_special_ids))


def _moved(of: T, device: torch.device) -> T:
    names = type(of).__slots__  # type: ignore[attr-defined]  # dataclasses of tensors
    return replace(of, **{name: getattr(of, name).to(device) for name in names})  # type: ignore[type-var]


def _drawn(sentences: Sequence[str], rng: np.random.Generator) -> str:
    """Return one of the sentences, "" where there is none."""
    return sentences[int(rng.integers(len(sentences)))] if sentences else ""


def _followed(rows: NDArray[np.generic], absent: int) -> Tensor:
    """Return (B, …) as a tensor with so many rows of zeros below."""
    return torch.from_numpy(np.concatenate([rows, np.zeros((absent, *rows.shape[1:]), rows.dtype)]))


def _part(items: Sequence[T], number: int, size: int) -> list[T]:
    """Return the part with a number of items that are gone through again and again."""
    if not items:
        return []
    return [items[place % len(items)] for place in range(number * size, (number + 1) * size)]


def _split(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _torch_seed(seed: tuple[int, ...]) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
