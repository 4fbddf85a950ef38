"""A model and a recorded clip in, whether a region of its pictures is where the label shows out.

The region is covered in every picture of the clip, and the clip encoded anew: the log-odds must fall more
than where a random region of equal size is covered. Shown alone, all else covered, it must keep more of them.
Source: Petsiuk et al., RISE, BMVC 2018, section 4.2, with regions in place of pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.motion import NEUTRAL
from models.observer import Observation
from models.occlusion import Query, frame_importance, log_odds
from models.runtime import ClipBatch, Encoder
from pipeline.cells import SIDE
from pipeline.explanation import heat_of, key_frames, region_of_heat
from pipeline.recent import speeds_of
from pipeline.types import Region
from training.footage import Footage, observe_file
from training.held_out import HeldOutClip

F32 = NDArray[np.float32]

TILES = 4  # per side, each covered in turn
TILED_FRAMES = 2
RANDOM_PLACES = 3


@dataclass(frozen=True, slots=True)
class Watched:
    """A clip (1, T, …) and the N frames it was made of, oldest first: the newest N of its T."""

    clip: ClipBatch
    frames: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """How the log-odds changed beside random regions of equal size: lost if covered, kept if shown alone.

    `area` is the region's part of the picture.
    """

    lost: float
    kept: float
    area: float


def watch(held: HeldOutClip, footage: Footage) -> Watched:
    """Read the frames of a clip again.

    Raises:
        SourceError: The recording cannot be read.
    """
    window = held.cut.window
    first = max(window.first, window.stop - held.clip.mask.shape[1])
    frames = islice(observe_file(Path(window.segment.file), footage, movement=True), first, window.stop)
    return Watched(held.clip, tuple(frames))


def place(encoder: Encoder, watched: Watched, query: Query, *, rng: np.random.Generator) -> dict[str, Placed]:
    """Return how well each way of finding the region does; ways that find none are left out."""
    found = {}
    for name, heat in heats(encoder, watched, query).items():
        region = region_of_heat(heat)
        if region is not None:
            found[name] = _held_against_random(encoder, watched, query, region=region, rng=rng)
    return found


def heats(encoder: Encoder, watched: Watched, query: Query) -> Mapping[str, F32]:
    """Return the heat maps (14, 14) that are compared; the first is the daemon's."""
    importance = frame_importance(encoder, watched.clip, query)[-len(watched.frames) :]
    speeds = np.stack([speeds_of(frame.movement) for frame in watched.frames])
    weights = np.maximum(importance, 0)[:, None, None]
    return {
        "movement of key frames": heat_of(speeds[key_frames(importance)]),
        "movement by importance": heat_of(speeds * weights),
        "movement": heat_of(speeds),
        "covered tiles": _tile_heat(encoder, watched, query, importance=importance),
    }


def _tile_heat(encoder: Encoder, watched: Watched, query: Query, *, importance: F32) -> F32:
    """Cover each of 4 x 4 tiles of the two most important pictures in turn; return the losses (14, 14)."""
    moving = [number for number in np.argsort(-importance) if not watched.frames[number].still]
    rows, columns = np.divmod(np.arange(TILES**2), TILES)
    regions = [Region(x / TILES, y / TILES, 1 / TILES, 1 / TILES) for y, x in zip(rows, columns, strict=True)]
    losses = np.zeros(TILES**2)
    for number in moving[:TILED_FRAMES]:
        pictures = watched.frames[number].pictures
        drawn = np.concatenate([covered(pictures, region) for region in regions])
        features = encoder.encode(drawn).pooled.reshape(TILES**2, -1)  # (16 * P, 1280) → (16, P * 1280)
        clips = _repeated(watched.clip, TILES**2)
        # A picture that is held is none of the frame's own: its features stay.
        clips.features[:, number - len(watched.frames), : features.shape[1]] = features
        losses += np.maximum(log_odds(encoder, watched.clip, query) - log_odds(encoder, clips, query), 0)
    cells = np.arange(SIDE) * TILES // SIDE  # the tile of each cell: 0 0 0 0 1 1 1 2 2 2 2 3 3 3
    return np.asarray(losses.reshape(TILES, TILES)[np.ix_(cells, cells)], np.float32)


def _held_against_random(
    encoder: Encoder, watched: Watched, query: Query, *, region: Region, rng: np.random.Generator
) -> Placed:
    others = [_elsewhere(region, rng) for _ in range(RANDOM_PLACES)]
    before = float(log_odds(encoder, watched.clip, query)[0])
    lost = [before - _log_odds_if(encoder, watched, query, region=one) for one in (region, *others)]
    kept = [_log_odds_if(encoder, watched, query, region=one, alone=True) for one in (region, *others)]
    return Placed(
        lost=lost[0] - float(np.mean(lost[1:])),
        kept=kept[0] - float(np.mean(kept[1:])),
        area=region.width * region.height,
    )


def _log_odds_if(
    encoder: Encoder, watched: Watched, query: Query, *, region: Region, alone: bool = False
) -> float:
    """Return the log-odds with the region covered in all pictures, or all else."""
    clip = _repeated(watched.clip, 1)
    moving = [number for number, frame in enumerate(watched.frames) if not frame.still]
    pictures = [covered(watched.frames[number].pictures, region, outside=alone) for number in moving]
    encoded = iter(encoder.encode(np.concatenate(pictures)).pooled if moving else ())
    for number, frame in enumerate(watched.frames):
        place_in_clip = number - len(watched.frames)
        fresh = [next(encoded) for _ in frame.pictures]
        own = sum(map(len, fresh))
        if fresh:
            clip.features[0, place_in_clip, :own] = np.concatenate(fresh)
        if number > 0:  # what a still frame shows, or a held picture, is what the one before showed
            clip.features[0, place_in_clip, own:] = clip.features[0, place_in_clip - 1, own:]
    return float(log_odds(encoder, clip, query)[0])


def covered(pictures: NDArray[np.uint8], region: Region, *, outside: bool = False) -> NDArray[np.uint8]:
    """Return the pictures (P, S, S, 3) with the region grey, as if nothing moved there, or all else."""
    side = pictures.shape[1]
    left, top = round(region.x * side), round(region.y * side)
    right, bottom = round((region.x + region.width) * side), round((region.y + region.height) * side)
    inside = np.zeros((side, side), np.bool_)
    inside[top:bottom, left:right] = True
    return np.where((inside ^ outside)[..., None], np.uint8(NEUTRAL), pictures)


def _elsewhere(region: Region, rng: np.random.Generator) -> Region:
    x, y = rng.uniform(0, 1 - region.width), rng.uniform(0, 1 - region.height)
    return Region(float(x), float(y), region.width, region.height)


def _repeated(clip: ClipBatch, count: int) -> ClipBatch:
    return ClipBatch(
        features=np.repeat(clip.features, count, axis=0),
        motion=np.repeat(clip.motion, count, axis=0),
        mask=np.repeat(clip.mask, count, axis=0),
    )
