"""Names from elsewhere in, names that are valid here out, no two of them alike."""

import re
from collections.abc import Collection, Iterable
from itertools import count

MAX_LETTERS = 32


def valid_names(names: Iterable[str], reserved: Collection[str] = ()) -> tuple[str, ...]:
    """Return a valid name for each, in order.

    `Front Door` becomes `front_door`; what is taken or reserved gets a number, `front_door_2`.
    """
    given: list[str] = []
    for name in names:
        plain = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_")[:MAX_LETTERS] or "unnamed"
        taken = {*given, *reserved}
        numbered = (f"{plain[: MAX_LETTERS - 5]}_{number}" for number in count(2))
        given.append(plain if plain not in taken else next(one for one in numbered if one not in taken))
    return tuple(given)
