"""Class probabilities and labels in, how far confidence and accuracy are apart out.

The confidence of an example is its highest probability; a model is calibrated if of all examples with
confidence 0.8 four in five are right. The error depends on the bins, so they are named with it, and few
examples raise it: compare it at equal n only.
Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 2: bins of equal width, 15 as
in their table 1. Nguyen and O'Connor, EMNLP 2015, section 3: bins of equal mass.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.measures import F64, I64, NAN, Scored

Binning = Literal["equal width", "equal mass"]

NUM_BINS = 15
ROUNDING = 1e-3  # float16 probabilities of six classes add up to 1 within this


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The `count` examples whose confidence lies in (`low`, `high`]: their mean confidence and accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The bins that hold examples, lowest first, and the expected calibration error `ece` over them.

    `ece` is NaN and `note` says why where there is nothing to bin.
    """

    binning: Binning
    bins: tuple[ReliabilityBin, ...]
    ece: float
    note: str | None = None


def reliability(
    examples: Scored, *, binning: Binning = "equal width", num_bins: int = NUM_BINS
) -> Reliability:
    """Bin the examples by confidence and compare it with accuracy."""
    if not len(examples.labels):
        return Reliability(binning, (), NAN, "there are no examples")
    if not _are_probabilities(examples.scores):
        return Reliability(binning, (), NAN, "the scores are no probabilities")
    confidence = examples.scores.max(axis=1).clip(0, 1)
    is_right = (examples.predicted == examples.labels).astype(np.float64)
    edges = _edges(confidence, binning, num_bins)
    bins = _fill(edges, confidence, is_right)
    # Σ |B_m| / n · |acc(B_m) − conf(B_m)|, their equation 3.
    gaps = [one.count * abs(one.accuracy - one.confidence) for one in bins]
    return Reliability(binning, bins, sum(gaps) / len(confidence))


def _are_probabilities(scores: F64) -> bool:
    return bool(scores.min() >= -ROUNDING and np.abs(scores.sum(axis=1) - 1).max() <= ROUNDING)


def _edges(confidence: F64, binning: Binning, num_bins: int) -> F64:
    """Return the edges (num_bins + 1,), the first 0 and the last 1."""
    edges = np.linspace(0, 1, num_bins + 1)
    if binning == "equal mass":
        edges[1:-1] = np.quantile(confidence, edges[1:-1], method="inverted_cdf")
    return edges


def _fill(edges: F64, confidence: F64, is_right: F64) -> tuple[ReliabilityBin, ...]:
    # A bin holds its upper edge: with edges 0, 0.5, 1 the confidence 0.5 belongs to bin 0. Equal confidences
    # share a bin, so nothing depends on the order of the examples.
    members: I64 = np.searchsorted(edges[1:-1], confidence, side="left").astype(np.int64)
    return tuple(
        ReliabilityBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            count=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(is_right[inside].mean()),
        )
        for index in range(len(edges) - 1)
        if (inside := members == index).any()
    )
