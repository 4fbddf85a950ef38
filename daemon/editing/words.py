"""A rule of a camera in, one sentence out that says what it does, for those who only read."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from daemon.zone_tables import DAY_NAMES


def rule_words(rule: Mapping[str, Any]) -> str:
    """Return a rule as a sentence; `rule` has JSON's types.

    {"do": "watch", "zone": "pool", "begin": "21:00:00", "end": "07:00:00", …} becomes
    "Whatever moves in pool is an alert, from 21:00 to 07:00."
    """
    what = f"{_events(rule)} {_fate(rule)}{_hours(rule)}{_days(rule)}"
    return f"{what[0].upper()}{what[1:]}."


def _events(rule: Mapping[str, Any]) -> str:
    if rule["do"] == "watch":
        return f"whatever moves in {rule['zone']}"
    kinds = f"{' and '.join(rule['kinds'])} events" if rule["kinds"] else "all events"
    labels = f" called {' or '.join(rule['labels'])}" if rule["labels"] else ""
    zone = f" in {rule['zone']}" if rule["zone"] else ""
    return f"{kinds}{labels}{zone}"


def _fate(rule: Mapping[str, Any]) -> str:
    if rule["do"] == "ignore":
        return "are told to nobody"
    severity = {"info": "an info", "warning": "a warning", "alert": "an alert"}[rule["severity"]]
    return f"is {severity}" if rule["do"] == "watch" else f"are told as {severity}"


def _hours(rule: Mapping[str, Any]) -> str:
    begin, end = (time.fromisoformat(rule[key]) for key in ("begin", "end"))
    return "" if begin == end else f", from {begin:%H:%M} to {end:%H:%M}"


def _days(rule: Mapping[str, Any]) -> str:
    return "" if set(rule["days"]) == set(DAY_NAMES) else f", on {', '.join(rule['days'])}"
