"""Labelled clips in, what the daemon's search compares them by out: a projection, and a table of words.

The projection keeps the largest principal components, shrinks what differs between clips of one label and
stretches a little what tells labels apart; by discriminating axes alone nothing unlabelled would be found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.clip_vector import read_clip, unit
from models.runtime import ClipBatch
from models.word_table import WordTable
from training.texts import label_sentences

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Names = NDArray[np.str_]

DIM = 64
WORD_DIM = 80
# What is added to the variance within labels, as a share of its mean: a few hundred clips know it poorly.
SHRINKAGE = 0.3
# The axis that tells labels apart best becomes twice as long: √(1 + 3).
STRETCH = 3.0
# Of the penalty on the map from clips to sentences, each label weighing 1.
PENALTY = 0.1
# BERT's first pieces are punctuation and single letters; from here on they stand in the order of how common.
FIRST_WORD = 1996


@dataclass(frozen=True, slots=True)
class ReadClips:
    """N clips: `columns` (N, C) as `read_clip` has them, their labels, these labels' tasks, their groups."""

    columns: F32
    labels: Names
    tasks: Names
    groups: Names

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, rows: NDArray[np.intp]) -> "ReadClips":
        """Return some of the clips."""
        return ReadClips(self.columns[rows], self.labels[rows], self.tasks[rows], self.groups[rows])


@dataclass(frozen=True, slots=True)
class Projection:
    """Columns less `centre` (C,), times `matrix` (C, D), are a clip's vector."""

    centre: F64
    matrix: F64

    def of(self, clips: ReadClips) -> F32:
        """Return the directions (N, D)."""
        return unit(((clips.columns - self.centre) @ self.matrix).astype(np.float32))


def read_batch(clips: ClipBatch, *, feature_dim: int) -> F32:
    """Return the columns (N, C) of each clip of a batch."""
    rows = zip(clips.features, clips.motion, clips.mask, strict=True)
    return np.stack(
        [read_clip(features[mask], motion[mask], feature_dim=feature_dim) for features, motion, mask in rows]
    )


def fit_projection(clips: ReadClips, weights: F32, *, dim: int = DIM, stretch: float = STRETCH) -> Projection:
    """Fit the projection; `weights` (C,) are those of `column_weights`.

    With a stretch of 0 only the variance within labels is shrunk; see `principal` for what knows no label.
    """
    plain = principal(clips, weights, dim=dim)
    vectors = (clips.columns - plain.centre) @ plain.matrix  # (N, D)
    whitening = _whitening(vectors, clips)
    squares, axes = np.linalg.eigh(_between(vectors @ whitening, clips))
    longer = np.sqrt(1 + stretch * np.maximum(squares, 0) / max(squares[-1], 1e-12))
    return Projection(plain.centre, plain.matrix @ whitening @ axes * longer)


def principal(clips: ReadClips, weights: F32, *, dim: int = DIM) -> Projection:
    """Return the projection to the largest principal components of the weighted columns, without labels."""
    columns = clips.columns.astype(np.float64)
    spread = columns.std(axis=0)
    scale = weights / np.where(spread > 1e-6, spread, 1.0)
    centre = columns.mean(axis=0)
    rows = (columns - centre) * scale
    squares, axes = np.linalg.eigh(rows @ rows.T)  # (N, N) is far smaller than (C, C)
    kept = np.flatnonzero(squares > 1e-10 * squares[-1])[-dim:]
    return Projection(centre, (rows.T @ axes[:, kept] / np.sqrt(squares[kept])) * scale[:, None])


def _whitening(vectors: F64, clips: ReadClips) -> F64:
    """Return the map (D, D) after which clips of one label differ about equally in all directions."""
    rest = np.concatenate([of_label - of_label.mean(axis=0) for of_label in _by_label(vectors, clips)])
    within = rest.T @ rest / len(rest)
    within += SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    squares, axes = np.linalg.eigh(within)
    return np.asarray(axes / np.sqrt(squares))


def _between(vectors: F64, clips: ReadClips) -> F64:
    """Return how the labels of each task differ from that task's mean, (D, D)."""
    apart = []
    for task in np.unique(clips.tasks):
        members = np.flatnonzero(clips.tasks == task)
        means = np.stack([of.mean(axis=0) for of in _by_label(vectors[members], clips.pick(members))])
        apart.append(means - means.mean(axis=0))
    rows = np.concatenate(apart)
    return np.asarray(rows.T @ rows / len(rows))


def _by_label(vectors: F64, clips: ReadClips) -> list[F64]:
    """Return the vectors of each label of each task; what is normal at one may not be at another."""
    names = np.char.add(np.char.add(clips.tasks, "/"), clips.labels)
    return [vectors[names == name] for name in np.unique(names)]


def align(vectors: F32, labels: Names, words: WordTable) -> WordTable:
    """Return the table with clips joined to what is said of their labels: ridge regression, all labels alike.

    Vectors are (N, D), labels (N,).
    """
    names = tuple(map(str, np.unique(labels)))
    taught = np.stack([_said(words, name) for name in names])
    mean = taught.mean(axis=0)
    place = np.array([names.index(str(label)) for label in labels])
    weight = 1 / np.bincount(place)[place]
    rows = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)  # (N, D + 1)
    left = (rows * weight[:, None]).T @ rows + PENALTY * np.eye(rows.shape[1])
    right = (rows * weight[:, None]).T @ (taught - mean)[place]
    return replace(
        words,
        mean=mean.astype(np.float32),
        from_clips=np.linalg.solve(left, right).astype(np.float32),
        labels=names,
        taught=taught.astype(np.float32),
    )


def word_table(read_alone: F32, vocabulary: Mapping[str, int], *, dim: int = WORD_DIM) -> WordTable:
    """Return a table of the pieces of plain words, not yet joined to clips.

    `read_alone` (all pieces, H) is what the text tower says of each piece of the vocabulary by itself.
    """
    kept = sorted(place for piece, place in vocabulary.items() if _is_word(piece))
    names = {place: piece for piece, place in vocabulary.items()}
    rows = read_alone[kept].astype(np.float64)
    rows -= rows.mean(axis=0)
    axes = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :dim]
    rarity = np.log(1 + np.maximum(np.array(kept) - FIRST_WORD + 1, 1))  # the rarer, the more it says
    reduced = rows @ axes * rarity[:, None]
    scales = np.maximum(np.abs(reduced).max(axis=1), 1e-9) / 127
    return WordTable(
        pieces={names[place]: row for row, place in enumerate(kept)},
        rows=np.round(reduced / scales[:, None]).astype(np.int8),
        scales=scales.astype(np.float32),
        mean=np.zeros(dim, np.float32),
        from_clips=np.zeros((1, dim), np.float32),
        labels=(),
        taught=np.zeros((0, dim), np.float32),
    )


def _is_word(piece: str) -> bool:
    letters = piece.removeprefix("##")
    return letters.isascii() and letters.isalnum()


def _said(words: WordTable, label: str) -> F32:
    """Return the mean of what may be said of a label (W,)."""
    sentences = (words.sentence(text) for text in label_sentences(label))
    return np.asarray(np.mean([meant for meant in sentences if meant is not None], axis=0))


def search_arrays(
    projection: Projection, words: WordTable, *, trust: str = ""
) -> dict[str, NDArray[np.generic]]:
    """Return what `models.checkpoint.SEARCH_FILE` holds; half precision where it is multiplied only."""
    largest = np.abs(projection.matrix).max()  # only the direction of a vector counts
    return {
        "centre": projection.centre.astype(np.float32),
        "projection": (projection.matrix / largest).astype(np.float16),
        "pieces": np.array("\n".join(words.pieces)),
        "rows": words.rows,
        "scales": words.scales.astype(np.float32),
        "mean": words.mean,
        "from_clips": words.from_clips,
        "labels": np.array(words.labels),
        "taught": words.taught,
        "trust": np.array(trust),
    }
