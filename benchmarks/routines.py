"""What people did in real homes in, whether a camera would miss them, and how often wrongly, out.

    python -m benchmarks.routines ../shared/data/routines/episodes.csv             # held out, minutes
    python -m benchmarks.routines ../shared/data/routines/episodes.csv --chosen    # what choices were made on

A home, or one activity of it (meals: a camera in the kitchen), is a camera. Something moves at both ends of
an episode and, unless the person sleeps or is out, every three minutes of it. `pipeline.routine` sees a frame
a minute, and three in a row where something moves. Every alarm on that is taken for a false one.

Then somebody is missed: from a random moment on nothing moves any more. An absence is found if it is told
within 12 h; moments at which a silence has been told already are left out.

Beside it stands what can be built by hand: nothing moved for N hours, where N is the longest silence of the
first two weeks. Held out is the second half of Aruba; the first days of a home are learned (at Aruba all of
the first half), and not counted.
"""

import argparse
import copy
import csv
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.movement import NO_MOVEMENT
from pipeline.control_chart import DAY_S
from pipeline.routine import AbsencePhase, Routine

STEP_S, FRAME_S, FRAMES = 60.0, 0.2, 3
MOVES_EVERY_S = 180.0
# Nobody moves in between: the person sleeps or is out, or the episode is no more than a door.
STILL = frozenset(
    ("Sleeping", "go-to-bed", "Bed_to_Toilet", "Leaving", "leave-house", "Leave_Home", "Enter_Home")
)
LEARNED_DAYS, SMALL_HOME_DAYS, BASELINE_DAYS = 14, 9, 14
FOUND_WITHIN_S, MOMENTS_A_DAY = 12 * 3600.0, 4
BUDGETS = (0.1, 1.0, 3.0)
PARTS_OF_DAY = ("0–6 h", "6–12 h", "12–18 h", "18–24 h")
ARUBA, ARUBA_HALF_DAYS = "casas_aruba", 88
SMALL_HOMES = ("kasteren_A", "kasteren_B", "kasteren_C", "mit_D", "mit_E", "ordonez_A", "ordonez_B")

_MOVING = replace(NO_MOVEMENT, cells=np.zeros_like(NO_MOVEMENT.cells))
_MOVING.cells[20:24, 20:23] = 1, 0, 0


@dataclass(frozen=True, slots=True)
class Episode:
    """What somebody did, from when to when; local times are taken for UTC."""

    home: str
    activity: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that sees some of a home: in which of its minutes something moves, from midnight on.

    What happens before `counted_from` (in minutes) is only learned.
    """

    name: str
    moves: NDArray[np.bool_]
    counted_from: int

    @classmethod
    def of(cls, name: str, episodes: Sequence[Episode], learned_days: int) -> "Camera":
        """Return the camera that sees these episodes."""
        first_s = min(episode.start_s for episode in episodes) // DAY_S * DAY_S
        moves = np.zeros(int((max(one.end_s for one in episodes) - first_s) // STEP_S) + 1, np.bool_)
        for episode in episodes:
            for time_s in _moments(episode):
                moves[int((time_s - first_s) // STEP_S)] = True
        return cls(name, moves, int(learned_days * DAY_S / STEP_S))

    @property
    def counted_days(self) -> float:
        """Return how many days count."""
        return (len(self.moves) - self.counted_from) * STEP_S / DAY_S

    def until(self, days: int) -> "Camera":
        """Return the same camera, which is taken down after so many days."""
        return replace(self, moves=self.moves[: int(days * DAY_S / STEP_S)])


@dataclass(slots=True)
class Result:
    """What one rule did: false alarms, and for each missed person the minute and the delay, NaN if none."""

    false_alarms: int = 0
    moments: list[int] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)

    def miss(self, minute: int, delay_s: float) -> None:
        """Count somebody who was missed from this minute on."""
        self.moments.append(minute)
        self.delays_s.append(delay_s if delay_s <= FOUND_WITHIN_S else np.nan)

    def found(self, part: int | None = None) -> str:
        """Return the share found and the median delay; of one part of the day, where one is given."""
        hours = np.array(self.moments) * STEP_S % DAY_S / 3600
        chosen = np.array(self.delays_s)[(hours // 6 == part) if part is not None else slice(None)]
        if not len(chosen):
            return "–"
        delay_s = np.median(np.nan_to_num(chosen, nan=np.inf))
        share = f"{(~np.isnan(chosen)).mean():.2f}"
        return f"{share}, {delay_s / 3600:.1f} h" if np.isfinite(delay_s) else f"{share}, > 12 h"


def _moments(episode: Episode) -> Iterator[float]:
    yield episode.start_s
    if episode.activity not in STILL:
        yield from np.arange(episode.start_s, episode.end_s, MOVES_EVERY_S).tolist()
    yield episode.end_s


def load(file: Path) -> list[Episode]:
    """Read the episodes."""
    with file.open(encoding="utf-8") as rows:
        return [
            Episode(row["home"], row["activity"], _utc_s(row["start"]), _utc_s(row["end"]))
            for row in csv.DictReader(rows)
        ]


def _utc_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def cameras(episodes: Iterable[Episode], *, chosen: bool) -> Iterator[Camera]:
    """Yield the cameras that choices were made on, or those that were held out."""
    homes: dict[str, list[Episode]] = {}
    for episode in episodes:
        homes.setdefault(episode.home, []).append(episode)
    for home in SMALL_HOMES if chosen else ():
        yield Camera.of(home, homes[home], SMALL_HOME_DAYS)
    learned_days = LEARNED_DAYS if chosen else ARUBA_HALF_DAYS
    rooms = {"kitchen": "Meal_Preparation", "living room": "Relax"} | ({} if chosen else {"desk": "Work"})
    rooms = {"whole home": ""} | rooms
    for room, activity in rooms.items():
        seen = [episode for episode in homes[ARUBA] if activity in ("", episode.activity)]
        camera = Camera.of(f"aruba, {room}", seen, learned_days)
        yield camera.until(ARUBA_HALF_DAYS) if chosen else camera


def see(routine: Routine, minute: int, *, moves: bool, budget: float) -> bool:
    """Show a minute to a routine; return whether it tells an absence."""
    time_s = minute * STEP_S
    frames = [(time_s + i * FRAME_S, _MOVING) for i in range(FRAMES)] if moves else [(time_s, NO_MOVEMENT)]
    changes = [routine.observe(at_s, movement, budget_per_day=budget) for at_s, movement in frames]
    return any(change is not None and change.phase is AbsencePhase.BEGAN for change in changes)


def moments_of(camera: Camera) -> frozenset[int]:
    """Draw the minutes from which on nothing moves any more."""
    rng, day = np.random.default_rng(0), int(DAY_S / STEP_S)
    days = range(camera.counted_from // day, (len(camera.moves) - int(FOUND_WITHIN_S / STEP_S)) // day)
    return frozenset(int(number * day + rng.integers(day)) for number in days for _ in range(MOMENTS_A_DAY))


def by_routine(camera: Camera, budget: float) -> Result:
    """Let the routine watch a camera."""
    routine, result, is_told = Routine(), Result(), False
    moments = moments_of(camera)
    for minute, moves in enumerate(camera.moves.tolist()):
        if minute in moments and not is_told:
            result.miss(minute, _delay_s(copy.deepcopy(routine), minute, budget))
        begins = see(routine, minute, moves=moves, budget=budget)
        result.false_alarms += begins and minute >= camera.counted_from
        is_told = (is_told or begins) and not moves
    return result


def _delay_s(routine: Routine, minute: int, budget: float) -> float:
    """Return how long after the minute the routine tells that nothing moves any more."""
    for later in range(int(FOUND_WITHIN_S / STEP_S) + 1):
        if see(routine, minute + later, moves=False, budget=budget):
            return later * STEP_S
    return np.inf


def by_hours(camera: Camera) -> tuple[Result, float]:
    """Let a number of hours watch a camera, the longest silence of its first days; return it, too."""
    minutes = np.arange(len(camera.moves))
    moved = np.maximum.accumulate(np.where(camera.moves, minutes, 0))
    silent_s = (minutes - np.concatenate([[0], moved[:-1]])) * STEP_S
    limit_s = float(silent_s[: min(int(BASELINE_DAYS * DAY_S / STEP_S), camera.counted_from)].max())
    is_over = silent_s > limit_s
    begins = is_over[1:] & ~is_over[:-1]
    result = Result(int(begins[camera.counted_from - 1 :].sum()))
    for minute in moments_of(camera):
        if not is_over[minute]:
            result.miss(minute, limit_s + STEP_S - float(silent_s[minute]))
    return result, limit_s / 3600


def row(camera: Camera, rule: str, result: Result) -> str:
    """Return a line of the table."""
    false = f"{result.false_alarms} ({result.false_alarms / camera.counted_days:.3f})"
    parts = " | ".join(result.found(part) for part in range(len(PARTS_OF_DAY)))
    return (
        f"| {camera.name}, {camera.counted_days:.0f} days | {rule} | {false} | {result.found()} | {parts} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path, help="home,start,end,activity, a line an episode")
    parser.add_argument(
        "--chosen", action="store_true", help="what choices were made on, not what was held out"
    )
    options = parser.parse_args()
    began_s = time.perf_counter()
    print(
        "| camera | rule | false alarms (a day) | found, median delay", *PARTS_OF_DAY, sep=" | ", end=" |\n"
    )
    print("|---" * (4 + len(PARTS_OF_DAY)) + "|")
    for camera in cameras(load(options.file), chosen=options.chosen):
        for budget in BUDGETS:
            print(row(camera, f"budget {budget:g}", by_routine(camera, budget)), flush=True)
        by_hand, hours = by_hours(camera)
        print(row(camera, f"{hours:.1f} h by hand", by_hand), flush=True)
    print(f"{time.perf_counter() - began_s:.0f} s")


if __name__ == "__main__":
    main()
