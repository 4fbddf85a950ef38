"""The text that a checkpoint's clips are read with, encoded once at export: streams cost no text compute."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import TEXT_STATES_FILE, Checkpoint

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextStates:
    """One text of L tokens: `states` (L, W) float32 of the text tower, `mask` (L,) True at real tokens."""

    states: F32
    mask: NDArray[np.bool_]

    @classmethod
    def load(cls, checkpoint: Checkpoint) -> Self:
        """Read the checkpoint's text.

        Raises:
            CheckpointError: It was exported without.
        """
        with np.load(checkpoint.path(TEXT_STATES_FILE)) as file:
            return cls(states=file["states"], mask=file["mask"])

    def save(self, path: Path) -> None:
        """Write the text states."""
        np.savez(path, states=self.states, mask=self.mask)
