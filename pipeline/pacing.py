"""Timed frames in, the same frames out at the moment they are due: how a recording plays like a camera."""

import threading
from collections.abc import Callable, Generator, Iterator

from pipeline.clock import Clock
from pipeline.stream import DecodedFrame, TimedFrame

# The step from a recording's last frame to its first, where there is no earlier step to learn it from.
FALLBACK_STEP_S = 0.1


def stamped(frames: Iterator[TimedFrame], clock: Clock) -> Generator[DecodedFrame]:
    """Yield frames with the time of their arrival, as soon as they come."""
    for frame in frames:
        yield DecodedFrame(frame.original, frame.time_s, clock.monotonic_s())


def paced(frames: Iterator[TimedFrame], clock: Clock, *, stop: threading.Event) -> Generator[DecodedFrame]:
    """Yield each frame when it is due, counted from the first; end once `stop` is set.

    Frames of 0.0, 0.1, 0.2 s come 0, 0.1 and 0.2 s after the first. Where the reader is late, frames
    come at once until it has caught up. A step back in stream time starts the count anew.
    """
    begin_s, last_s = 0.0, float("inf")
    for frame in frames:
        if frame.time_s < last_s:
            begin_s = clock.monotonic_s() - frame.time_s
        last_s = frame.time_s
        if stop.wait(max(0.0, begin_s + frame.time_s - clock.monotonic_s())):
            return
        yield DecodedFrame(frame.original, frame.time_s, clock.monotonic_s())


def looped(read_once: Callable[[], Iterator[TimedFrame]]) -> Iterator[TimedFrame]:
    """Yield a recording again and again on one time line; a recording without frames ends at once.

    Frames of 0.0, 0.1, 0.2 s → 0.0, 0.1, 0.2, 0.3, 0.4, 0.5 …
    """
    offset_s, last_s, step_s = 0.0, None, FALLBACK_STEP_S
    while True:
        is_first, was_s = True, last_s
        for frame in read_once():
            if is_first and last_s is not None:
                offset_s = last_s + step_s - frame.time_s
            time_s = frame.time_s + offset_s
            if not is_first and last_s is not None and time_s > last_s:
                step_s = time_s - last_s
            is_first, last_s = False, time_s
            yield TimedFrame(frame.original, time_s)
        if last_s == was_s:
            return
