"""One sentence that says what was seen, when it showed and where, from what the stages found."""

from datetime import UTC, datetime

from pipeline.types import Region

DISMISSED_ABSENCE = "Somebody said that nothing is wrong where nothing moves."
LOST_ABSENCE = "The camera was not seen for a while: whether anything moved is not known."
# Shorter times are told in minutes.
MINUTES_UNTIL_H = 2.0


def of_motion(region: Region, ratio: float, *, is_first: bool, is_record: bool) -> str:
    """Describe a speed `ratio` times the usual; `is_first`: nothing ever moved there.

    >>> of_motion(Region(0.8, 0.1, 0.1, 0.1), 3.04, is_first=False, is_record=True)
    'Moves 3.0 times as fast as usual there, faster than anything seen here so far (upper right).'
    """
    if is_first:
        return f"Moves where nothing has moved so far ({place(region)})."
    record = ", faster than anything seen here so far" if is_record else ""
    return f"Moves {ratio:.1f} times as fast as usual there{record} ({place(region)})."


def of_size(region: Region, ratio: float, *, is_first: bool) -> str:
    """Describe a thing `ratio` times as large as usual; `is_first`: there was none to compare it with.

    >>> of_size(Region(0.4, 0.4, 0.2, 0.2), 2.96, is_first=False)
    'Larger than usual at this place, 3.0 times (centre).'
    """
    if is_first:
        return f"Something large where nothing has moved so far ({place(region)})."
    return f"Larger than usual at this place, {ratio:.1f} times ({place(region)})."


def of_lasting(region: Region, age_s: float, *, is_new: bool) -> str:
    """Describe what has stood, or has been gone, for `age_s`.

    >>> of_lasting(Region(0.4, 0.8, 0.1, 0.1), 25.2, is_new=True)
    'Something new has been standing here for 25 s (lower centre).'
    """
    if is_new:
        return f"Something new has been standing here for {age_s:.0f} s ({place(region)})."
    return f"What always stood here has been gone for {age_s:.0f} s ({place(region)})."


def of_look(region: Region) -> str:
    """Describe a strange sight."""
    return f"Nothing seen before at this place looks like this ({place(region)})."


def of_surprise(region: Region) -> str:
    """Describe a second that was guessed badly; the region is of what moves most.

    >>> of_surprise(Region(0.4, 0.4, 0.2, 0.2))
    'The last second does not follow from what came before as it usually does here (centre).'
    """
    return f"The last second does not follow from what came before as it usually does here ({place(region)})."


def of_absence(silence_s: float, usual_s: float, *, days: int) -> str:
    """Describe a silence that is longer than the longest of so many days around this time of day.

    >>> of_absence(39_600.0, 33_900.0, days=14)
    'Nothing has moved here for 11 h; on the last 14 days it was never longer than 9.4 h around this time.'
    """
    usual = f"on the last {days} days it was never longer than {duration(usual_s)} around this time"
    return f"Nothing has moved here for {duration(silence_s)}; {usual}."


def of_return(silence_s: float) -> str:
    """Describe how a silence ended.

    >>> of_return(47_000.0)
    'Something moves here again, after 13.1 h.'
    """
    return f"Something moves here again, after {duration(silence_s)}."


def duration(length_s: float) -> str:
    """Say how long something lasted: in minutes up to two hours, then in hours to a tenth.

    >>> [duration(length_s) for length_s in (2_400.0, 7_200.0, 9_000.0)]
    ['40 min', '2 h', '2.5 h']
    """
    hours = length_s / 3600
    return f"{length_s / 60:.0f} min" if hours < MINUTES_UNTIL_H else f"{hours:.1f}".removesuffix(".0") + " h"


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
