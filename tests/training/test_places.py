"""Whether a region is where the label shows: covered it costs more than a random one, alone it keeps more."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models.occlusion import Query
from models.runtime import ClipBatch, ClipUnderstanding, FrameFeatures
from pipeline.types import Region
from tests.fakes import moving, observed_frame
from training.places import Watched, covered, heats, place

FIGHT = Query("fight", 1)


@dataclass
class CornerEncoder:
    """Sees how far the upper left quarter of a picture is from grey; the sum speaks for a fight."""

    def encode(self, pictures):
        quarter = pictures[:, : pictures.shape[1] // 2, : pictures.shape[2] // 2]
        bright = np.abs(quarter.astype(np.float32) - 127).mean(axis=(1, 2, 3))[:, None] / 64
        return FrameFeatures(bright, np.zeros((len(pictures), 112, 14, 14), np.float32))

    def understand(self, clips):
        total = clips.features[..., 0].sum(axis=1).astype(np.float64)
        fight = 1 / (1 + np.exp(-total))
        return ClipUnderstanding(np.zeros((len(total), 1)), {"fight": np.stack([1 - fight, fight], axis=1)})


def watched(*, column, row, still=False):
    """Return a clip of three frames, bright in the upper left quarter, that moves in one of 14 x 14 cells."""
    frames = []
    for number in range(3):
        frame = observed_frame(number / 5, still=still and number == 1)
        pictures = np.full((1, 56, 56, 3), 127, np.uint8)
        pictures[:, :28, :28] = 255
        rows, columns = (
            slice(round(cells * side / 14), round(cells * (side + 1) / 14))
            for cells, side in ((40, row), (60, column))
        )
        frame = moving(frame, rows, columns)
        frames.append(replace(frame, pictures=pictures[: 0 if frame.still else 1]))
    features = np.full((1, 3, 1), 2.0, np.float32)  # (255 - 127) / 64
    clip = ClipBatch(features, np.zeros((1, 3, 1), np.float32), np.ones((1, 3), np.bool_))
    return Watched(clip, tuple(frames))


def test_a_region_that_shows_the_label_loses_more_and_keeps_more_than_random_ones():
    placed = place(CornerEncoder(), watched(column=3, row=3), FIGHT, rng=np.random.default_rng(0))["movement"]
    assert placed.lost > 0
    assert placed.kept > 0
    assert 0 < placed.area < 0.25


def test_a_region_beside_it_is_no_better_than_random_ones():
    placed = place(CornerEncoder(), watched(column=11, row=11), FIGHT, rng=np.random.default_rng(0))
    assert placed["movement"].lost <= 0
    assert placed["movement"].kept <= 0


def test_tiles_that_cost_when_covered_are_hot_wherever_it_moves():
    tiles = heats(CornerEncoder(), watched(column=11, row=11), FIGHT)["covered tiles"]
    # 2 x 2 of the 4 x 4 tiles are the quarter; a tile spans three or four cells.
    assert tiles[:7, :7].min() > 0
    assert tiles[7:].max() == tiles[:, 7:].max() == 0


def test_a_still_frame_looks_like_the_one_before_it_when_that_is_covered():
    still, all_move = watched(column=3, row=3, still=True), watched(column=3, row=3)
    rng = np.random.default_rng
    found = [place(CornerEncoder(), one, FIGHT, rng=rng(0))["movement"].lost for one in (still, all_move)]
    assert found[0] == pytest.approx(found[1])


def test_a_covered_region_is_grey_and_so_is_all_but_one_that_is_shown_alone():
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    # A quarter of eight pixels is two: rows 0 to 3, columns 4 and 5.
    region = Region(0.5, 0.0, 0.25, 0.5)
    assert (covered(pictures, region) == 127).sum() == 4 * 2 * 3
    assert (covered(pictures, region, outside=True) == 0).sum() == 4 * 2 * 3
