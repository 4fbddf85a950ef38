"""One sentence that says what is unusual, and where, from a region and how fast it moves."""

from pipeline.types import Region


def sentence(region: Region, *, speed_ratio: float | None) -> str:
    """Describe an anomaly; `speed_ratio` is how many times the usual speed, None for a strange sight.

    >>> sentence(Region(0.8, 0.1, 0.1, 0.1), speed_ratio=3.04)
    'Moves 3.0 times as fast as usual there (upper right).'
    """
    if speed_ratio is None:
        return f"Nothing seen before at this place looks like this ({place(region)})."
    return f"Moves {speed_ratio:.1f} times as fast as usual there ({place(region)})."


def place(region: Region) -> str:
    """Name the ninth of the picture that holds the middle of the region."""
    row = ("upper", "middle", "lower")[_third(region.y + region.height / 2)]
    column = ("left", "centre", "right")[_third(region.x + region.width / 2)]
    return "centre" if (row, column) == ("middle", "centre") else f"{row} {column}"


def _third(fraction: float) -> int:
    return min(2, max(0, int(fraction * 3)))
