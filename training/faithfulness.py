"""A model and a clip in, whether an order of its frames is that of their importance out.

Frames are taken away in the order of importance, and given back: the probability must fall, or rise, faster
than in random order. Source: Petsiuk et al., RISE, BMVC 2018, section 4.2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.motion import NEUTRAL
from models.occlusion import Query, frame_importance, log_odds, mean_frames, swapped
from models.runtime import ClipBatch, Encoder

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

RANDOM = "random"
RANDOM_ORDERS = 8
STEPS = 8  # shares of the frames that are taken away: 0, 1/8, …, 1

Judge = Callable[[Encoder, ClipBatch, Query], F32]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The label's probability (STEPS + 1,) over the share of frames taken away, and given back."""

    deletion: F64
    insertion: F64

    @property
    def deleted_area(self) -> float:
        """Return the area under `deletion`; small is good."""
        return _area(self.deletion)

    @property
    def inserted_area(self) -> float:
        """Return the area under `insertion`; large is good."""
        return _area(self.insertion)


def shown_alone(encoder: Encoder, clip: ClipBatch, query: Query) -> F32:
    """Judge each frame (T,) by what the log-odds gain where all others are the clip's mean one."""
    one_each = np.eye(clip.mask.shape[1], dtype=np.bool_)
    return log_odds(encoder, swapped(mean_frames(clip), clip, one_each), query)


def most_movement(_encoder: Encoder, clip: ClipBatch, _query: Query) -> F32:
    """Judge each frame (T,) by its mean speed alone, whatever the model says."""
    return np.asarray(clip.motion[0, :, 0])


# The first is what the daemon does.
JUDGES: Mapping[str, Judge] = {
    "left out": frame_importance,
    "shown alone": shown_alone,
    "most movement": most_movement,
}


def nothing_moves(encoder: Encoder, clip: ClipBatch) -> ClipBatch:
    """Return the clip with every frame replaced by one in which nothing moves: grey pictures, no flow."""
    checkpoint = encoder.checkpoint
    shape = (len(checkpoint.pictures), checkpoint.picture_px, checkpoint.picture_px, 3)
    nothing = encoder.encode(np.full(shape, NEUTRAL, np.uint8)).pooled.reshape(-1)  # (P * 1280,)
    return ClipBatch(np.broadcast_to(nothing, clip.features.shape), np.zeros_like(clip.motion), clip.mask)


def curves(
    encoder: Encoder, clip: ClipBatch, empty: ClipBatch, *, query: Query, rng: np.random.Generator
) -> dict[str, Curves]:
    """Return the curves of each judge and, as "random", the mean ones of random orders.

    `empty` has the frames that take the place of those taken away.
    """
    length = clip.mask.shape[1]
    orders = {name: judge(encoder, clip, query) for name, judge in JUDGES.items()}
    random = list(rng.random((RANDOM_ORDERS, length)))
    every: list[NDArray[np.floating]] = [*orders.values(), *random]
    rows = np.concatenate([_taken(order, clip.mask[0]) for order in every])
    shape = (len(orders) + RANDOM_ORDERS, STEPS + 1)
    away, back = (
        _probability(log_odds(encoder, swapped(one, other, rows), query)).reshape(shape)
        for one, other in ((clip, empty), (empty, clip))
    )
    found = {name: Curves(away[row], back[row]) for row, name in enumerate(orders)}
    first = len(orders)
    return {**found, RANDOM: Curves(away[first:].mean(axis=0), back[first:].mean(axis=0))}


def _taken(order: NDArray[np.floating], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which frames are taken at each step, (STEPS + 1, T), highest `order` (T,) first, real ones only.

    Four real frames, steps of an eighth: 0, 0, 1, 2, 2, 2, 3, 4, 4 of them, rounded to even.
    """
    ranks = np.where(mask, -order, np.inf).argsort().argsort()
    counts = np.round(np.linspace(0, 1, STEPS + 1) * mask.sum())
    return np.asarray(ranks < counts[:, None])


def _probability(odds: F32) -> F64:
    return np.asarray(1 / (1 + np.exp(-odds.astype(np.float64))))


def _area(curve: F64) -> float:
    return float(np.trapezoid(curve, dx=1 / STEPS))
