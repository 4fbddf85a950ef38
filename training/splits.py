"""Segments in, training and test sides out: no group and no recording ever stands on both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from training.label_tables import DataError, Segment


class LeakError(DataError):
    """Raised when the two sides of a split share a group or a recording."""


@dataclass(frozen=True, slots=True)
class Split:
    """Two sides of the data, the test side named; a Split with a leak cannot be made.

    Raises:
        LeakError: The sides share a group or a recording.
        DataError: A side is empty.
    """

    name: str
    train: tuple[Segment, ...]
    test: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if not self.train or not self.test:
            raise DataError(f"The split {self.name} leaves one side empty: there are too few groups.")
        demand_no_leak(self.train, self.test)


def demand_no_leak(train: Collection[Segment], test: Collection[Segment]) -> None:
    """Accept two sides that have neither a group nor a recording in common.

    Raises:
        LeakError: They have.
    """
    if groups := {segment.group for segment in train} & {segment.group for segment in test}:
        raise LeakError(f"On both sides of the split stand the groups {_some(groups)}.")
    if files := {segment.file for segment in train} & {segment.file for segment in test}:
        raise LeakError(f"On both sides of the split stand parts of {_some(files)}: group by recording.")


def grouped_k_fold(segments: Sequence[Segment], *, folds: int, seed: int) -> list[Split]:
    """Return `folds` splits whose test sides cover everything once, with labels as evenly as groups allow.

    Raises:
        DataError: There are fewer groups than folds, or so few of a label that a fold would be empty.
    """
    groups = sorted({segment.group for segment in segments})
    if len(groups) < folds:
        raise DataError(f"{folds} folds need as many groups; there are {len(groups)}: {_some(groups)}.")
    shuffled = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    labels = np.array([segment.label or "" for segment in segments])
    sides = shuffled.split(labels, labels, [segment.group for segment in segments])
    return [
        Split(f"fold {number}", _pick(segments, train), _pick(segments, test))
        for number, (train, test) in enumerate(sides, start=1)
    ]


def leave_one_group_out(segments: Sequence[Segment]) -> list[Split]:
    """Return one split a group, in the order of their names, with that group alone on the test side.

    Raises:
        DataError: There is only one group.
    """
    return [fixed_split(segments, [group]) for group in sorted({segment.group for segment in segments})]


def fixed_split(segments: Sequence[Segment], test_groups: Collection[str]) -> Split:
    """Return the split with the listed groups on the test side.

    Raises:
        DataError: A group does not occur, or a side is empty.
    """
    known = {segment.group for segment in segments}
    if unknown := set(test_groups) - known:
        raise DataError(f"There are no groups {_some(unknown)}; known are {_some(known)}.")
    return Split(
        f"without {_some(test_groups)}",
        train=tuple(segment for segment in segments if segment.group not in test_groups),
        test=tuple(segment for segment in segments if segment.group in test_groups),
    )


def _pick(segments: Sequence[Segment], indices: Sequence[int]) -> tuple[Segment, ...]:
    return tuple(segments[index] for index in indices)


def _some(names: Collection[str], *, limit: int = 5) -> str:
    """Return the first names, sorted, and how many more there are."""
    shown = ", ".join(sorted(names)[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
