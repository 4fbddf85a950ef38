"""What a model says before and after its export in, how far apart that is out; too far is an error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import VideobertdError

F32 = NDArray[np.float32]

LEAST_COSINE = 0.99
LEAST_AGREEMENT = 0.99  # of decisions: accuracy cannot move by more than one point


class DriftError(VideobertdError):
    """Raised when an export differs too much from its model; nothing is written then."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Cosine between what the model and its export say, over `count` examples."""

    count: int
    mean_cosine: float
    worst_cosine: float


def compare(reference: F32, exported: F32) -> Parity:
    """Compare two sets of vectors (N, …), row by row."""
    ours, theirs = (rows.reshape(len(rows), -1).astype(np.float64) for rows in (reference, exported))
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines = (ours * theirs).sum(axis=1) / np.maximum(lengths, 1e-12)
    return Parity(len(cosines), mean_cosine=float(cosines.mean()), worst_cosine=float(cosines.min()))


def agreement(reference: F32, exported: F32) -> float:
    """Return the share of rows (N, labels) whose most likely label is the same."""
    return float((reference.argmax(axis=1) == exported.argmax(axis=1)).mean())


def demand_cosine(name: str, parity: Parity) -> None:
    """Accept an export's vectors.

    Raises:
        DriftError: Their mean cosine is under LEAST_COSINE.
    """
    if parity.mean_cosine < LEAST_COSINE:
        raise DriftError(
            f"The exported {name} drifts: cosine {parity.mean_cosine:.4f} on average, "
            f"{parity.worst_cosine:.4f} at worst, over {parity.count} examples; {LEAST_COSINE} is the least."
        )


def demand_agreement(task: str, share: float) -> None:
    """Accept an export's decisions.

    Raises:
        DriftError: More than one in a hundred differs.
    """
    if share < LEAST_AGREEMENT:
        raise DriftError(f"The exported head {task} decides otherwise in {1 - share:.1%} of the clips.")
