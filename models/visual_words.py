"""Features in, visual words out: which leaf of a tree of centroids each frame falls to.

Source: VideoBERT (Sun et al., 2019), section 4.2: hierarchical k-means, d levels of k clusters, k^d words.
Needs neither torch nor scikit-learn; training/visual_words.py grows the tree.
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import VideobertdError

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

SCHEMA = 1
EPSILON = 1e-6


class VisualWordsError(VideobertdError):
    """Raised when a file of visual words cannot be used."""


class Normalisation(StrEnum):
    """What is done to features (N, V) before they are compared.

    `none`: nothing. `l2`: length 1. `layer_norm`: mean 0 and deviation 1 over the V numbers of a frame.
    `standard`: each of the V numbers has mean 0 and deviation 1 over the frames that the words were made of.
    `standard_l2`: that, then length 1: only the direction counts in which a frame differs from the mean one.
    """

    NONE = "none"
    L2 = "l2"
    LAYER_NORM = "layer_norm"
    STANDARD = "standard"
    STANDARD_L2 = "standard_l2"


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A normalisation with the `mean` and `deviation` (V,) of the frames that the words were made of."""

    kind: Normalisation
    mean: F32
    deviation: F32

    @classmethod
    def of(cls, kind: Normalisation, features: F32) -> "Normaliser":
        """Measure mean and deviation of features (N, V)."""
        return cls(kind, features.mean(axis=0), features.std(axis=0))

    def __call__(self, features: F32) -> F32:
        """Return the features (N, V), normalised."""
        return np.asarray(NORMALISE[self.kind](self, features), np.float32)


def _standard(of: Normaliser, features: F32) -> F32:
    return np.asarray((features - of.mean) / (of.deviation + EPSILON), np.float32)


def _length_1(features: F32) -> F32:
    return np.asarray(features / (np.linalg.norm(features, axis=1, keepdims=True) + EPSILON), np.float32)


def _layer_norm(features: F32) -> F32:
    centred = features - features.mean(axis=1, keepdims=True)
    return np.asarray(centred / (features.std(axis=1, keepdims=True) + EPSILON), np.float32)


NORMALISE: Mapping[Normalisation, Callable[[Normaliser, F32], F32]] = {
    Normalisation.NONE: lambda _, features: features,
    Normalisation.L2: lambda _, features: _length_1(features),
    Normalisation.LAYER_NORM: lambda _, features: _layer_norm(features),
    Normalisation.STANDARD: _standard,
    Normalisation.STANDARD_L2: lambda of, features: _length_1(_standard(of, features)),
}


@dataclass(frozen=True, slots=True)
class VisualWords:
    """A tree of centroids whose leaves are the words.

    `levels[l]` is (k^l, k, V) float32, the children of each node of level l; `present[l]` (k^l, k) says which
    of them there are: a node with fewer than k different frames has fewer children. The word of a leaf spells
    the path to it in base k: with k = 12, child 3 and then its child 5 are word 3 · 12 + 5 = 41.
    `features_key` names the features that the words were made of (`training.features.FeatureStore.key`).
    """

    levels: tuple[F32, ...]
    present: tuple[NDArray[np.bool_], ...]
    normaliser: Normaliser
    features_key: str = ""

    @property
    def branching(self) -> int:
        """Return k, how many children a node has at most."""
        return int(self.levels[0].shape[1])

    @property
    def num_words(self) -> int:
        """Return k^d, the words that the tree has room for."""
        return int(self.branching ** len(self.levels))

    def path(self, word: int) -> tuple[int, ...]:
        """Return which child leads on at each level: word 41 of 2 levels of 12 → 3, 5."""
        steps = range(len(self.levels) - 1, -1, -1)
        return tuple(word // self.branching**step % self.branching for step in steps)

    def tokenise(self, features: F32) -> I64:
        """Return the word (N,) of each frame's features (N, V): d · k comparisons a frame, not k^d."""
        return self._descend(self.normaliser(features))[0]

    def distances(self, features: F32) -> F32:
        """Return how far (N,) each frame is from the centroid of its word, after normalisation."""
        return self._descend(self.normaliser(features))[1]

    def _descend(self, rows: F32) -> tuple[I64, F32]:
        nodes = np.zeros(len(rows), np.int64)
        distances = np.zeros(len(rows), np.float32)
        for centroids, present in zip(self.levels, self.present, strict=True):
            children = np.empty_like(nodes)
            for node in np.unique(nodes):
                here = np.flatnonzero(nodes == node)
                squared = _squared_distances(rows[here], centroids[node])
                squared[:, ~present[node]] = np.inf
                children[here] = squared.argmin(axis=1)
                distances[here] = np.sqrt(squared.min(axis=1))
            nodes = nodes * self.branching + children
        return nodes, distances

    def save(self, path: Path) -> None:
        """Write the tree as .npz, centroids as float16: 53 MB for 4 levels of 12 and V = 1280."""
        arrays: dict[str, NDArray[Any]] = {
            f"level_{level}": rows.astype(np.float16) for level, rows in enumerate(self.levels)
        }
        arrays |= {f"present_{level}": rows for level, rows in enumerate(self.present)}
        with path.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                schema=np.array(SCHEMA),
                normalisation=np.array(self.normaliser.kind.value),
                mean=self.normaliser.mean,
                deviation=self.normaliser.deviation,
                features_key=np.array(self.features_key),
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> "VisualWords":
        """Read what `save` wrote.

        Raises:
            VisualWordsError: There is no such file, or it is damaged or of another schema.
        """
        try:
            with path.open("rb") as file, np.load(file) as arrays:
                return cls._of_arrays(dict(arrays))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise VisualWordsError(f"{path} holds no visual words: {error}.") from error

    @classmethod
    def _of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "VisualWords":
        if int(arrays["schema"]) != SCHEMA:
            raise ValueError(f"schema {arrays['schema']} is not {SCHEMA}")
        depth = sum(name.startswith("level_") for name in arrays)
        kind = Normalisation(str(arrays["normalisation"]))
        return cls(
            levels=tuple(arrays[f"level_{level}"].astype(np.float32) for level in range(depth)),
            present=tuple(arrays[f"present_{level}"].astype(np.bool_) for level in range(depth)),
            normaliser=Normaliser(
                kind, arrays["mean"].astype(np.float32), arrays["deviation"].astype(np.float32)
            ),
            features_key=str(arrays["features_key"]),
        )


def _squared_distances(rows: F32, centroids: F32) -> F32:
    """Return (N, k) squared distances of (N, V) to (k, V)."""
    squared = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centroids.T + (centroids**2).sum(axis=1)
    return np.asarray(np.maximum(squared, 0.0), np.float32)
