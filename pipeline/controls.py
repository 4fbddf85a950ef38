"""The switches of one camera that people turn while it runs: set from any thread, read by every stage."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from pipeline.errors import SettingsError

# One alarm in ten days is about what a learned tail can promise; more than 100 a day nobody reads.
MIN_BUDGET_PER_DAY = 0.1
MAX_BUDGET_PER_DAY = 100.0


@dataclass(frozen=True, slots=True)
class Switches:
    """One consistent reading of a camera's switches.

    `enabled` lets the camera run at all; `anomaly` and `behaviour` let it raise events of that kind.
    `budget_per_day` is how many anomaly alarms the user accepts on an average day.
    """

    enabled: bool = True
    anomaly: bool = True
    behaviour: bool = True
    budget_per_day: float = 1.0


SWITCH_NAMES = tuple(field.name for field in fields(Switches))


class CameraControls:
    """Holds a camera's switches behind one lock and tells whoever asked when one of them changes."""

    def __init__(
        self,
        *,
        enabled: bool = True,
        anomaly: bool = True,
        behaviour: bool = True,
        budget_per_day: float = 1.0,
    ) -> None:
        self._lock = threading.Lock()
        self._switches = Switches(enabled, anomaly, behaviour, budget_per_day)
        self._callbacks: list[Callable[[], None]] = []

    def snapshot(self) -> Switches:
        """Return all switches as they stand together now."""
        with self._lock:
            return self._switches

    def set(self, name: str, value: float) -> Switches:
        """Turn one switch, `name` being a field of `Switches`, and return all of them.

        Raises:
            SettingsError: There is no such switch, or the value is not allowed for it.
        """
        checked = _checked(name, value)
        with self._lock:
            before = self._switches
            after = self._switches = replace(before, **checked)
            callbacks = tuple(self._callbacks)
        if after != before:
            for callback in callbacks:
                callback()
        return after

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after every change, in the thread that made it; it reads `snapshot` itself.

        It is given nothing, because of two changes at once the later call might carry the older value.
        """
        with self._lock:
            self._callbacks.append(callback)


def _checked(name: str, value: float) -> dict[str, Any]:
    """Return the one changed field as `replace` takes it."""
    if name not in SWITCH_NAMES:
        raise SettingsError(f"no switch is named {name!r}; there are {', '.join(SWITCH_NAMES)}")
    if name == "budget_per_day":
        return {name: _checked_budget(value)}
    if not isinstance(value, bool):
        raise SettingsError(f"{name} is {value!r}, but can only be on or off")
    return {name: value}


def _checked_budget(value: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not (is_number and MIN_BUDGET_PER_DAY <= value <= MAX_BUDGET_PER_DAY):
        allowed = f"{MIN_BUDGET_PER_DAY:g} to {MAX_BUDGET_PER_DAY:g}"
        raise SettingsError(f"budget_per_day is {value!r}, but can only be a number from {allowed}")
    return float(value)
