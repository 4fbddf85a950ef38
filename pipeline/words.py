"""One sentence that says what was seen, when it showed and where, from what the stages found."""

from datetime import UTC, datetime

from pipeline.types import Region


def sentence(region: Region, *, speed_ratio: float | None) -> str:
    """Describe an anomaly; `speed_ratio` is how many times the usual speed, None for a strange sight.

    >>> sentence(Region(0.8, 0.1, 0.1, 0.1), speed_ratio=3.04)
    'Moves 3.0 times as fast as usual there (upper right).'
    """
    if speed_ratio is None:
        return f"Nothing seen before at this place looks like this ({place(region)})."
    return f"Moves {speed_ratio:.1f} times as fast as usual there ({place(region)})."


def behaviour_sentence(
    label: str, probability: float, *, when: str = "", region: Region | None = None
) -> str:
    """Describe a behaviour; `when` is the words of `time_span`.

    >>> behaviour_sentence("fight", 0.934, when="0.8 s from 14:03:12.4 UTC", region=Region(0, 0.4, 0.3, 0.2))
    'Looks like fight (0.93), mostly the 0.8 s from 14:03:12.4 UTC (middle left).'
    """
    mostly = f", mostly the {when}" if when else ""
    where = "" if region is None else f" ({place(region)})"
    return f"Looks like {label} ({probability:.2f}){mostly}{where}."


def time_span(start_utc_s: float, length_s: float) -> str:
    """Say when something was, to a tenth of a second, rounded down.

    >>> time_span(50592.44, 0.8)
    '0.8 s from 14:03:12.4 UTC'
    """
    start = datetime.fromtimestamp(int(start_utc_s * 10) / 10, UTC)
    return f"{length_s:.1f} s from {start:%H:%M:%S}.{start.microsecond // 100_000} UTC"


def place(region: Region) -> str:
    """Name the ninth of the picture that holds the middle of the region."""
    row = ("upper", "middle", "lower")[_third(region.y + region.height / 2)]
    column = ("left", "centre", "right")[_third(region.x + region.width / 2)]
    return "centre" if (row, column) == ("middle", "centre") else f"{row} {column}"


def _third(fraction: float) -> int:
    return min(2, max(0, int(fraction * 3)))
