"""A pre-trained model and riddles that it has not seen in, what it has learned out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from models.joint import Tokens
from models.pretraining import LossWeights, VideoBERTForPreTraining
from training.corruption import Corruption, Riddle
from training.pretraining import PreTraining, ask
from training.riddles import Draw, RiddleMaker, exchange_texts
from training.trivial import Unigrams, log_frequencies, trivial_losses, weighted_mean

WHOLE = Corruption(words=0, frames=0, shuffled=0, exchanged=0, without_text=0)
GLANCE = 3  # every so many-th batch
ALIGNING = ("matching", "contrastive")


@dataclass(frozen=True, slots=True)
class Figure:
    """A loss on held-out material beside that of the trivial predictor; `asked` is how much was asked."""

    loss: float
    trivial: float
    beats_trivial: bool
    predictor: str
    asked: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A loss of the claim that texts fit, for clips with their own text and with another clip's.

    The other clip is one of the same data folder of which something else is true.
    """

    own: float
    exchanged: float
    falls_with_exchange: bool


@dataclass(frozen=True, slots=True)
class PreTrainingFigures:
    """What a model has learned, by losses on what was held out.

    `constant_order` is the figure of frame order where all frames of a clip are the same: positions alone
    are to tell nothing, so it must not beat its trivial predictor.
    """

    clips: Mapping[str, Figure]
    captions: Mapping[str, Figure]
    alignment: Mapping[str, Exchange]
    constant_order: Figure | None


@dataclass(frozen=True, slots=True)
class Examination:
    """Riddles of what is held out, always the same, and the word frequencies of what is not.

    `clips` are without captions and `captions` without clips; of the clips in `texted`, which all have
    a text and stand in batches of one data folder, nothing is hidden.
    """

    clips: Sequence[Riddle]
    captions: Sequence[Riddle]
    texted: Sequence[Riddle]
    unigrams: Unigrams
    weights: LossWeights

    @classmethod
    def of(cls, training: PreTraining, maker: RiddleMaker, weights: LossWeights) -> "Examination":
        """Make the riddles; losses without a weight are not asked for."""
        held_out = training.held_out()
        return cls(
            clips=[maker.riddle(draw) for draw in held_out if draw.clips],
            captions=[maker.riddle(draw) for draw in held_out if draw.captions],
            texted=[maker.riddle(draw, WHOLE) for draw in training.held_out_texted()],
            unigrams=measure_unigrams(training, maker),
            weights=weights,
        )

    def glance(self, model: VideoBERTForPreTraining) -> dict[str, Figure]:
        """Return the figures on a part of the clips, as they are wanted after every epoch."""
        return figures(model, self.clips[::GLANCE], self.unigrams, weights=self.weights)

    def measure(self, model: VideoBERTForPreTraining) -> PreTrainingFigures:
        """Return all figures, and make the checks that the weights allow."""
        order = {**dict.fromkeys(asdict(self.weights), 0.0), "frame_order": self.weights.frame_order}
        constants = [constant(riddle) for riddle in self.clips]
        of_order = figures(model, constants, self.unigrams, weights=LossWeights(**order))
        return PreTrainingFigures(
            clips=figures(model, self.clips, self.unigrams, weights=self.weights),
            captions=figures(model, self.captions, self.unigrams, weights=self.weights),
            alignment=alignment(model, self.texted, self.weights),
            constant_order=of_order.get("frame_order"),
        )


@torch.no_grad()
def figures(
    model: VideoBERTForPreTraining, riddles: Sequence[Riddle], unigrams: Unigrams, *, weights: LossWeights
) -> dict[str, Figure]:
    """Return the figure of each loss that has a weight and of which anything is asked."""
    model.eval()  # type: ignore[no-untyped-call]
    losses = [ask(model, riddle, weights).losses or {} for riddle in riddles]
    found = {}
    for name, trivial in trivial_losses(riddles, unigrams).items():
        if not getattr(weights, name) or not sum(trivial.counts):
            continue
        loss = weighted_mean([float(of[name]) for of in losses], trivial.counts)
        asked = sum(trivial.counts)
        found[name] = Figure(loss, trivial.loss, loss < trivial.loss, trivial.predictor, asked)
    return found


@torch.no_grad()
def alignment(
    model: VideoBERTForPreTraining, whole: Sequence[Riddle], weights: LossWeights
) -> dict[str, Exchange]:
    """Compare own with exchanged texts in riddles of which nothing is hidden, by the losses with a weight."""
    model.eval()  # type: ignore[no-untyped-call]
    exchanged = [exchange_texts(riddle) for riddle in whole]
    own = [_asked_alike(riddle, other) for riddle, other in zip(whole, exchanged, strict=True)]
    counts = [int((riddle.targets.matches == 1).sum()) for riddle in exchanged]
    names = [name for name in ALIGNING if getattr(weights, name) and sum(counts)]
    sides = [[ask(model, riddle, weights).losses or {} for riddle in side] for side in (own, exchanged)]
    means = {
        name: [weighted_mean([float(of[name]) for of in side], counts) for side in sides] for name in names
    }
    return {
        name: Exchange(own, other, falls_with_exchange=own < other) for name, (own, other) in means.items()
    }


def measure_unigrams(training: PreTraining, maker: RiddleMaker) -> Unigrams:
    """Count words and visual words of the training side: of clips as an epoch draws them, of all captions."""
    draws = training.draws(0)
    of_clips = [_words(maker, Draw(draw.seed, draw.clips, ())) for draw in draws]
    of_captions = [_words(maker, draw) for draw in training.caption_draws()]
    visual_words = [maker.visual_words(draw.clips) for draw in draws]
    return Unigrams(
        words=log_frequencies(_joined(of_clips), maker.vocabulary.size),
        captions=log_frequencies(_joined(of_captions), maker.vocabulary.size),
        visual_words=log_frequencies(_joined(visual_words), maker.num_visual_words),
    )


def constant(riddle: Riddle) -> Riddle:
    """Return the riddle with the mean of a clip's features and motion at each of its frames.

    The mean, since it is the same in any order: a frame that was chosen by its place would betray by what it
    shows whether the clip was shuffled.
    """
    batch = riddle.batch
    return replace(
        riddle,
        batch=replace(
            batch,
            features=_mean(batch.features, batch.video_mask),
            motion=_mean(batch.motion, batch.video_mask),
        ),
    )


def _mean(frames: Tensor, mask: Tensor) -> Tensor:
    """Return (B, T, N) that at every frame is the mean over the real ones."""
    return Tokens(frames, mask.bool()).mean()[:, None].expand_as(frames)


def _asked_alike(own: Riddle, other: Riddle) -> Riddle:
    """Return the riddle, asked for the same clips as the other."""
    return replace(own, targets=replace(own.targets, matches=other.targets.matches))


def _words(maker: RiddleMaker, draw: Draw) -> Tensor:
    texts = maker.texts(draw)
    real = texts.attention_mask.bool() & ~torch.isin(texts.input_ids, maker.vocabulary.special_ids)
    return texts.input_ids[real]


def _joined(ids: Iterable[Tensor]) -> Tensor:
    return torch.cat([torch.zeros(0, dtype=torch.long), *ids])
