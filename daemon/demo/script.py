"""What happens before the demo's cameras, and when: the one list that scenes, server and summary read."""

from dataclasses import dataclass
from enum import StrEnum

LOOP_S = 90  # then everything starts again

PLAZA, ROOM = "plaza", "room"


class Deed(StrEnum):
    """A thing that a viewer can name, and the daemon should."""

    RUN = "somebody runs across the plaza"
    CART = "a cart crosses the plaza"
    COVER = "a hand covers the lens"
    FREEZE = "the picture freezes"
    AWAY = "the camera goes away and comes back"


@dataclass(frozen=True, slots=True)
class Act:
    """One deed before one camera, in seconds of the loop."""

    camera: str
    deed: Deed
    start_s: float
    end_s: float


# The first 24 s are usual life: the daemon learns from them what is normal.
SCRIPT = (
    Act(PLAZA, Deed.RUN, 30.0, 34.0),
    Act(PLAZA, Deed.CART, 42.0, 49.0),
    Act(ROOM, Deed.COVER, 50.0, 58.0),
    Act(PLAZA, Deed.FREEZE, 62.0, 71.0),
    Act(ROOM, Deed.AWAY, 75.0, 82.0),
)


def acts_of(camera: str) -> tuple[Act, ...]:
    """Return what happens before one camera, in order."""
    return tuple(act for act in SCRIPT if act.camera == camera)
