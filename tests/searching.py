"""Events and words that search is asked for, on a plane: east and north."""

from dataclasses import replace

import numpy as np

from models.clip_vector import pack
from models.word_table import WordTable
from pipeline.types import Event, EventKind, EventPhase, Severity

EAST = np.array([1.0, 0.0], np.float32)
NORTH = np.array([0.0, 1.0], np.float32)
FALL = Event(
    "a", "hall", EventPhase.NEW, EventKind.BEHAVIOUR, "fall", 0.9, Severity.ALERT, 10.0, "A person fell.", 0.0
)
PIECES = ("fall", "fight", "##s", "walk")


def word_table(**changes):
    """Return a table of four pieces in a plane: fall to the right, fight up, and ##s nowhere."""
    fields = {
        "pieces": {piece: place for place, piece in enumerate(PIECES)},
        "rows": np.array([[127, 0], [0, 127], [0, 0], [-127, 0]], np.int8),
        "scales": np.full(4, 1 / 127, np.float32),
        "mean": np.zeros(2, np.float32),
        # The clip's first number says fall, its second says fight; every clip is a little like fall.
        "from_clips": np.array([[1.0, 0.0], [0.0, 1.0], [0.25, 0.0]], np.float32),
        "labels": ("fall", "fight"),
        "taught": np.eye(2, dtype=np.float32),
    }
    return WordTable(**{**fields, **changes})


def seen(name, direction=EAST, **changes):
    return replace(FALL, id=name, vector=pack(direction), **changes)
