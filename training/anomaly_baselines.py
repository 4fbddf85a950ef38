"""Clips in, the scores of what users could take instead out: on the same sampled frames, by the same encoder.

None of it is part of the daemon: it is there to be compared with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from models.runtime import Encoder, FrameFeatures
from pipeline.clock import SystemClock
from pipeline.sampler import Sampler
from pipeline.scaler import Scaler
from pipeline.source import SourceSettings, open_source
from training.anomaly_folder import Clip
from training.anomaly_scores import ClipScores, per_frame
from training.measures import F64

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

# Differences are averaged over blocks of this share of the picture's height, about a person far away.
BLOCK_RATIO = 1 / 15
# PatchCore: candidates drawn at random, of which the coreset covers all as well as so few can.
CANDIDATES, CORESET = 20_000, 1_500
NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Look:
    """One sampled frame: when, its grey picture (H, W), the encoder's features of the picture as it is."""

    time_s: float
    grey: U8
    features: FrameFeatures
    begins: bool


class Baseline(Protocol):
    """Another way to say how unusual a frame is."""

    def learn(self, looks: Sequence[Look]) -> None:
        """Take what is normal."""

    def score(self, look: Look) -> float:
        """Judge the next frame."""


class FrameDifference:
    """The largest local difference to the sampled frame before it; learns nothing."""

    def __init__(self) -> None:
        self._earlier: U8 | None = None

    def learn(self, looks: Sequence[Look]) -> None:
        """Learn nothing."""

    def score(self, look: Look) -> float:
        """Return the highest mean difference over blocks, in grey levels; 0 for the first frame of a clip."""
        earlier, self._earlier = self._earlier, look.grey
        if earlier is None or look.begins or earlier.shape != look.grey.shape:
            return 0.0
        side = max(1, round(BLOCK_RATIO * look.grey.shape[0]))
        return float(cv2.blur(cv2.absdiff(look.grey, earlier).astype(np.float32), (side, side)).max())


class PatchCore:
    """The distance of the strangest cell to the nearest of a coreset of all cells that were learned.

    Source: Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022, sections 3.1 to 3.3,
    with this encoder's 14 x 14 grid and without the re-weighting of scores.
    """

    def __init__(self, *, coreset: int = CORESET, seed: int = 0) -> None:
        self._coreset = coreset
        self._rng = np.random.default_rng(seed)
        self._nearest = NearestNeighbors(n_neighbors=1, algorithm="brute")

    def learn(self, looks: Sequence[Look]) -> None:
        """Choose the coreset."""
        share = max(1, CANDIDATES // len(looks))
        patches = [_some(self._rng, _patches(look.features), share) for look in looks]
        self._nearest.fit(cover(np.concatenate(patches), self._coreset))

    def score(self, look: Look) -> float:
        """Return the largest of the cells' distances."""
        distances, _ = self._nearest.kneighbors(_patches(look.features))
        return float(distances.max())


class PooledNeighbours:
    """The mean distance of a frame's pooled features to the nearest frames that were learned."""

    def __init__(self) -> None:
        self._nearest = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute")

    def learn(self, looks: Sequence[Look]) -> None:
        """Keep all frames."""
        self._nearest.fit(np.concatenate([look.features.pooled for look in looks]))

    def score(self, look: Look) -> float:
        """Return the mean distance to the five nearest."""
        distances, _ = self._nearest.kneighbors(look.features.pooled)
        return float(distances.mean())


def baselines() -> dict[str, Baseline]:
    """Return one of each, by name."""
    return {
        "frame difference": FrameDifference(),
        "PatchCore": PatchCore(),
        "pooled nearest neighbours": PooledNeighbours(),
    }


@dataclass(frozen=True, slots=True)
class Rates:
    """Sampled frames a second, and images of a folder that make one."""

    sample_fps: float
    image_fps: float


def score_baselines(
    train: Sequence[Clip],
    test: Sequence[ClipScores],
    *,
    encoder: Encoder,
    rates: Rates,
    on_clip: Callable[[Path], None] = lambda _: None,
) -> Mapping[str, Mapping[str, F64]]:
    """Return name → clip → score of each frame; frames between sampled ones have the score of the last.

    Raises:
        SourceError: A recording cannot be read.
    """
    lessons = []
    for clip in train:
        lessons += list(looks(clip, encoder, rates))
        on_clip(clip.path)
    ways = baselines()
    for way in ways.values():
        way.learn(lessons)
    scores: dict[str, dict[str, F64]] = {name: {} for name in ways}
    for one in test:
        seen = list(looks(one.clip, encoder, rates))
        for name, way in ways.items():
            values = [way.score(look) for look in seen]
            scores[name][one.clip.name] = per_frame(one.times_s, [look.time_s for look in seen], values)
        on_clip(one.clip.path)
    return scores


def looks(clip: Clip, encoder: Encoder, rates: Rates) -> Iterator[Look]:
    """Yield each sampled frame of a clip; the encoder sees it as it is, without motion drawn."""
    sampler, scaler = Sampler(rates.sample_fps), Scaler(encoder.checkpoint.picture_px)
    source = SourceSettings(str(clip.path), fps=rates.image_fps, realtime=False)
    with open_source(source, SystemClock()) as frames:
        for frame in frames:
            if sampler.wants(frame.time_s):
                grey = np.asarray(frame.original.reformat(format="gray").to_ndarray(), np.uint8)
                features = encoder.encode(scaler.scale_rgb(frame.original)[None])
                yield Look(frame.time_s, grey, features, sampler.begins)


def cover(points: F32, count: int) -> F32:
    """Return `count` of the points (N, D), each the one farthest from all before it, the first one first.

    Of 0, 1, 5 and 6 on a line, two are 0 and 6, three are 0, 6 and 1.
    """
    if len(points) <= count:
        return points
    chosen = [0]
    apart = ((points - points[0]) ** 2).sum(axis=1)
    for _ in range(count - 1):
        farthest = int(apart.argmax())
        chosen.append(farthest)
        apart = np.minimum(apart, ((points - points[farthest]) ** 2).sum(axis=1))
    return points[chosen]


def _patches(features: FrameFeatures) -> F32:
    """Return (196, 112): each cell's features averaged with the 8 around it."""
    grid = features.grid[0]  # (112, 14, 14)
    around = np.stack([cv2.blur(channel, (3, 3)) for channel in grid])
    return np.ascontiguousarray(around.reshape(len(grid), -1).T)


def _some(rng: np.random.Generator, patches: F32, count: int) -> F32:
    return patches[rng.permutation(len(patches))[:count]]
