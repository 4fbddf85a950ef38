"""Features of training recordings in, a tree of visual words out.

Source: VideoBERT (Sun et al., 2019), section 4.2: k-means into k clusters, then again within each, d times.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from models.visual_words import Normalisation, Normaliser, VisualWords
from training.label_tables import DataError

F32 = NDArray[np.float32]

# Beyond so many frames the centroids of mini-batches are as good, in a tenth of the time.
MINI_BATCH_FROM = 20_000


@dataclass(frozen=True, slots=True)
class WordSettings:
    """The shape of the tree: `levels` d of `branching` k, so k^d words; 2 × 12 are 144, 4 × 12 are 20,736."""

    levels: int = 2
    branching: int = 12
    normalisation: Normalisation = Normalisation.STANDARD_L2
    seed: int = 0


def fit_visual_words(features: F32, settings: WordSettings, *, features_key: str = "") -> VisualWords:
    """Grow the tree on the features (N, V) of training frames; the same seed grows the same tree.

    Raises:
        DataError: There are fewer frames than branches.
    """
    if len(features) < settings.branching:
        raise DataError(f"{len(features)} frames are too few for {settings.branching} clusters.")
    normaliser = Normaliser.of(settings.normalisation, features)
    rows = normaliser(features)
    k, dim = settings.branching, rows.shape[1]
    levels, present = [], []
    nodes = np.zeros(len(rows), np.int64)
    for level in range(settings.levels):
        centroids = np.zeros((k**level, k, dim), np.float32)
        exists = np.zeros((k**level, k), np.bool_)
        children = np.empty_like(nodes)
        for node in np.unique(nodes).tolist():
            here = np.flatnonzero(nodes == node)
            found, children[here] = _cluster(rows[here], k, seed=_seed_of(settings.seed, level, node))
            centroids[node, : len(found)] = found
            exists[node, : len(found)] = True
        levels.append(centroids)
        present.append(exists)
        nodes = nodes * k + children
    return VisualWords(tuple(levels), tuple(present), normaliser, features_key)


def _cluster(rows: F32, k: int, *, seed: int) -> tuple[F32, NDArray[np.int64]]:
    """Return up to k centroids of (N, V), each with a frame, and which is nearest to each frame."""
    different = np.unique(rows, axis=0)
    if len(different) <= k:
        nearest = ((rows[:, None] - different[None]) ** 2).sum(axis=2).argmin(axis=1)
        return different, nearest
    method = KMeans if len(rows) < MINI_BATCH_FROM else MiniBatchKMeans
    fitted = method(k, n_init=3, random_state=seed).fit(rows)
    used, nearest = np.unique(fitted.labels_, return_inverse=True)
    return np.asarray(fitted.cluster_centers_[used], np.float32), nearest


def _seed_of(seed: int, level: int, node: int) -> int:
    """Return a seed of its own for each node, whatever order they come in."""
    return int(np.random.SeedSequence([seed, level, node]).generate_state(1)[0])
