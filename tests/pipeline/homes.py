"""A home in which every day is alike, for tests: somebody gets up at 7:05 and moves every ten minutes."""

from dataclasses import replace

import numpy as np

from models.movement import NO_MOVEMENT
from pipeline.routine import Routine

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
UP_S, TO_BED_S = 7 * HOUR_S + 300, 22 * HOUR_S
# After 8:15 the hour before and after no longer holds the moment at which somebody gets up.
MISSED_S = 8 * HOUR_S + 900
DAYS = 9
TODAY_S = DAYS * DAY_S


def moving(cells):
    """Return movement of so many cells, in rows of 60."""
    shares = np.zeros_like(NO_MOVEMENT.cells)
    shares.reshape(-1, 3)[:cells, 0] = 1
    return replace(NO_MOVEMENT, cells=shares)


SOMEBODY = moving(12)


class Home:
    """A camera in a home; `told` holds the phase, the time and the words of what it says."""

    def __init__(self, routine=None, budget=1.0):
        self.routine = routine or Routine()
        self.budget = budget
        self.told = []

    def see(self, time_s, movement=NO_MOVEMENT):
        change = self.routine.observe(time_s, movement, budget_per_day=self.budget)
        if change is not None:
            self.told.append((change.phase.value, time_s, change.words))
        return change

    @property
    def steps(self):
        return [(phase, time_s) for phase, time_s, _ in self.told]

    def stir(self, time_s):
        """Let somebody move: the third frame says so."""
        for before_s in (0.4, 0.2, 0.0):
            self.see(time_s - before_s, SOMEBODY)

    def sleep(self, from_s, until_s, *, unseen=(0.0, 0.0)):
        """Let nothing move, a frame a minute, but for the time that nobody sees."""
        for time_s in np.arange(from_s, until_s, MINUTE_S).tolist():
            if not unseen[0] <= time_s < unseen[1]:
                self.see(time_s)

    def live(self, first, days, *, up_s=UP_S, until_s=DAY_S, unseen=(0.0, 0.0)):
        """Live so many days, each from midnight on; `unseen` are two times."""
        for day_s in (np.arange(first, first + days) * DAY_S).tolist():
            for time_s in np.arange(day_s, day_s + until_s, MINUTE_S).tolist():
                if unseen[0] <= time_s < unseen[1]:
                    continue
                is_up = up_s <= time_s - day_s <= TO_BED_S
                if is_up and (time_s - day_s - up_s) % 600 == 0:
                    self.stir(time_s)
                else:
                    self.see(time_s)


def learned_routine():
    """Return what nine days alike have taught, as arrays; today begins behind them."""
    home = Home()
    home.live(0, DAYS)
    assert home.told == []
    return home.routine.to_arrays()
