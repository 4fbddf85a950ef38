"""Words in, a direction in the space of sentences out: the text tower as a table, for installs without torch.

The text tower has read each word piece by itself, once; a sentence is the mean of its pieces, rare ones
weighing more. It costs no torch and 2.2 MB instead of 90; docs/search.md says what that costs.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import SEARCH_FILE, Checkpoint
from models.clip_vector import I8, unit

F32 = NDArray[np.float32]

_WORD = re.compile(r"[a-z0-9]+")
# BERT writes the pieces that go on within a word with this in front.
WITHIN = "##"


@dataclass(frozen=True, slots=True)
class Reading:
    """How words were understood: the taught label that they are nearest to, and the cosine to it."""

    nearest: str
    cosine: float


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Where clips lie that words describe: a clip v (D,) fits by v · `direction` + `constant`.

    That is how much of the words is in the sentence that would be said of it, 0 for the mean of all.
    """

    direction: F32
    constant: float


@dataclass(frozen=True, slots=True)
class WordTable:
    """What the text tower says of word pieces, and how sentences and clips meet.

    Row i of `rows` (N, W), times `scales` (N,), is the piece whose place is i. `from_clips` (D + 1, W) takes
    a clip's direction and a 1 to the sentence that would be said of it, less `mean` (W,), which is common to
    all sentences. `taught` (labels, W) is what was said of the clips that it was fitted on, by label. `trust`
    is a sentence for people on how well it finds, empty where nobody has measured it.
    """

    pieces: Mapping[str, int]
    rows: I8
    scales: F32
    mean: F32
    from_clips: F32
    labels: tuple[str, ...]
    taught: F32
    trust: str = ""

    @classmethod
    def load(cls, checkpoint: Checkpoint) -> Self | None:
        """Read the checkpoint's table; None where it has none.

        Raises:
            CheckpointError: The checkpoint is damaged.
        """
        if SEARCH_FILE not in checkpoint.files:
            return None
        with np.load(checkpoint.path(SEARCH_FILE)) as file:
            pieces = str(file["pieces"]).split("\n")
            return cls(
                pieces={piece: place for place, piece in enumerate(pieces)},
                rows=file["rows"],
                scales=file["scales"],
                mean=file["mean"],
                from_clips=file["from_clips"],
                labels=tuple(map(str, file["labels"])),
                taught=file["taught"],
                trust=str(file["trust"]),
            )

    def sentence(self, text: str) -> F32 | None:
        """Return what words mean (W,), of length 1; None where no piece of them is known."""
        places = list(self._places(text))
        if not places:
            return None
        meant = self.rows[places].astype(np.float32) * self.scales[places, None]
        return unit(meant.mean(axis=0))

    def query(self, text: str) -> WordQuery | None:
        """Return where clips lie that words describe; None where no piece of them is known."""
        meant = self.sentence(text)
        if meant is None:
            return None
        *direction, constant = self.from_clips @ unit(meant - self.mean)
        return WordQuery(np.array(direction, np.float32), float(constant))

    def reading(self, text: str) -> Reading | None:
        """Return which taught label the words are nearest to; None where no piece of them is known."""
        meant = self.sentence(text)
        if meant is None:
            return None
        cosines = unit(self.taught - self.mean) @ unit(meant - self.mean)
        best = int(cosines.argmax())
        return Reading(self.labels[best], float(cosines[best]))

    def _places(self, text: str) -> Iterator[int]:
        """Yield the places of the longest pieces of each word; an unknown rest of a word is passed over."""
        plain = unicodedata.normalize("NFD", text.lower())
        stripped = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
        for word in _WORD.findall(stripped):
            begin, prefix = 0, ""
            while begin < len(word):
                ends = range(len(word), begin, -1)
                end = next((end for end in ends if prefix + word[begin:end] in self.pieces), None)
                if end is None:
                    break
                yield self.pieces[prefix + word[begin:end]]
                begin, prefix = end, WITHIN
