"""What each cell of the picture has looked like: features in, the distance to the nearest memory out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32, meeting_table, neighbour_table

CHANNELS = 112
# 196 cells x 16 prototypes x 112 channels x 4 bytes = 1.4 MB a camera.
PROTOTYPES = 16
# A channel that hardly varies over the picture says nothing: its noise must not be blown up to unit size.
MIN_DEVIATION = 1e-3
# Squared distances of unit vectors lie in 0…4; nearer than this, two sights are one.
MIN_RADIUS = 0.04
# A prototype follows slow change (light, season): each sight moves it by at least this share.
FOLLOW_RATIO = 0.02


class CellMemory:
    """At most 16 prototypes for each of the 196 cells.

    Leader clustering: a sight farther from every prototype of its cell than the cell's radius becomes a new
    one. Where the cell is full, its two nearest prototypes are joined and the radius grows to the distance
    they had, so that the memory covers ever more with the same size and forgets nothing outright.
    Source: Charikar et al., Incremental clustering and dynamic information retrieval, STOC 1997, section 3.
    """

    def __init__(self) -> None:
        self._mean = np.zeros(CHANNELS, np.float32)
        self._deviation = np.zeros(CHANNELS, np.float32)  # zeros: not known yet
        self._prototypes = np.zeros((CELLS, PROTOTYPES, CHANNELS), np.float32)
        self._weights = np.zeros((CELLS, PROTOTYPES), np.float32)  # 0: free
        self._radius = np.full(CELLS, MIN_RADIUS, np.float32)
        self._table = neighbour_table()
        self._views = meeting_table()

    @property
    def has_units(self) -> bool:
        """Say whether the unit of each channel is known, so that sights can be compared."""
        return bool(self._deviation.any())

    def set_units(self, mean: F32, deviation: F32) -> None:
        """Fix the centre and the unit of each of the 112 channels; what is learned refers to them."""
        self._mean, self._deviation = mean, np.maximum(deviation, MIN_DEVIATION)

    def embed(self, grid: F32) -> F32:
        """Return (196, 112) unit vectors of the (112, 14, 14) grid, centred and scaled by channel."""
        cells = np.ascontiguousarray(grid.reshape(CHANNELS, CELLS).T)
        cells -= self._mean
        cells /= self._deviation
        norms = np.sqrt(np.einsum("ij,ij->i", cells, cells))
        cells /= np.maximum(norms, 1e-6)[:, None]
        return cells

    def distances(self, cells: F32) -> F32:
        """Return (196,): how far each cell is from all that it or a cell beside it has looked like, 0…2."""
        around = cells[self._table].transpose(0, 2, 1)  # (196, 112, 9): what stands around each prototype
        likeness = np.matmul(self._prototypes, around)  # (196, 16, 9)
        likeness[self._weights == 0] = -1.0
        matches = _highest(likeness).reshape(-1)  # (196 * 9) views
        best = np.clip(matches[self._views].max(axis=1), -1.0, 1.0)
        return np.asarray(np.sqrt(2.0 - 2.0 * best))

    def learn(self, cells: F32) -> None:
        """Remember the (196, 112) unit vectors of one frame."""
        likeness = np.einsum("ckd,cd->ck", self._prototypes, cells)
        likeness[self._weights == 0] = -1.0
        nearest = likeness.argmax(axis=1)
        apart = 2.0 - 2.0 * likeness[np.arange(CELLS), nearest]
        known = apart <= self._radius
        self._follow(np.flatnonzero(known), nearest, cells)
        new = np.flatnonzero(~known)
        full = self._weights[new].all(axis=1)
        self._insert(new[~full], cells)
        if full.any():
            merged = self._make_room(new[full], apart)
            self._insert(new[full][~merged], cells)
            self._follow(new[full][merged], nearest, cells)

    def _follow(self, which: NDArray[np.intp], slot: NDArray[np.intp], cells: F32) -> None:
        slots = slot[which]
        self._weights[which, slots] += 1
        share = np.maximum(1 / self._weights[which, slots], np.float32(FOLLOW_RATIO))[:, None]
        self._prototypes[which, slots] += share * (cells[which] - self._prototypes[which, slots])
        self._make_unit(which, slots)

    def _insert(self, which: NDArray[np.intp], cells: F32) -> None:
        slots = (self._weights[which] == 0).argmax(axis=1)
        self._prototypes[which, slots] = cells[which]
        self._weights[which, slots] = 1

    def _make_room(self, which: NDArray[np.intp], apart: F32) -> NDArray[np.bool_]:
        """Join each full cell's two nearest prototypes; say where the new sight was nearer to one than they.

        There it is to follow its nearest prototype instead, and nothing was joined.
        """
        held = self._prototypes[which]  # (N, 16, 112)
        likeness = np.matmul(held, held.transpose(0, 2, 1))  # (N, 16, 16)
        likeness[:, np.arange(PROTOTYPES), np.arange(PROTOTYPES)] = -1.0
        flat = likeness.reshape(len(which), PROTOTYPES * PROTOTYPES)
        pair = flat.argmax(axis=1)
        pair_apart = 2.0 - 2.0 * flat[np.arange(len(which)), pair]
        self._radius[which] = np.maximum(self._radius[which], np.minimum(pair_apart, apart[which]))
        nearer = apart[which] <= pair_apart
        self._join(which[~nearer], *np.divmod(pair[~nearer], PROTOTYPES))
        return np.asarray(nearer)

    def _join(self, which: NDArray[np.intp], kept: NDArray[np.intp], freed: NDArray[np.intp]) -> None:
        weights, prototypes = self._weights, self._prototypes
        total = weights[which, kept] + weights[which, freed]
        share = (weights[which, freed] / total)[:, None]
        prototypes[which, kept] += share * (prototypes[which, freed] - prototypes[which, kept])
        self._make_unit(which, kept)
        weights[which, kept] = total
        weights[which, freed] = 0

    def _make_unit(self, which: NDArray[np.intp], slots: NDArray[np.intp]) -> None:
        vectors = self._prototypes[which, slots]
        norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
        self._prototypes[which, slots] = vectors / np.maximum(norms, np.float32(1e-6))[:, None]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        return {
            "mean": self._mean,
            "deviation": self._deviation,
            "prototypes": self._prototypes.astype(np.float16),
            "weights": self._weights,
            "radius": self._radius,
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._mean = arrays["mean"].copy()
        self._deviation = arrays["deviation"].copy()
        self._prototypes = arrays["prototypes"].astype(np.float32)
        self._weights = arrays["weights"].copy()
        self._radius = arrays["radius"].copy()


def _highest(likeness: F32) -> F32:
    """Return the maximum over the 16 prototypes of (196, 16, 9), by halves: four times as fast as `max`."""
    while likeness.shape[1] > 1:
        half = likeness.shape[1] // 2
        likeness = np.maximum(likeness[:, :half], likeness[:, half:])
    return likeness[:, 0]
