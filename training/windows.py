"""Segments and the features of their recordings in, clips of at most T frames out, as the model reads them.

A window never crosses an interruption of its recording, and leaves out the frame after one: with nothing
before it to compare with, that frame shows no motion.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.runtime import ClipBatch
from training.features import FileFeatures
from training.label_tables import DataError, Segment

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """Frames `first` ≤ i < `stop` of the recording of a segment, which says what they show.

    `coverage` is the part of the window's time for which the label holds.
    """

    segment: Segment
    first: int
    stop: int
    coverage: float = 1.0

    def __len__(self) -> int:
        return self.stop - self.first


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """How segments are cut.

    `num_frames` is T. A window drawn at random may begin and end up to `jitter_s` outside or inside its
    segment, as labellers are not exact. `live_s` is how long the daemon's clips are.
    """

    num_frames: int
    jitter_s: float = 0.0
    live_s: float = 4.0


def spread_windows(
    segment: Segment, file: FileFeatures, settings: WindowSettings, *, count: int
) -> list[Window]:
    """Return up to `count` different windows of T frames, evenly over the segment; one where it is shorter.

    T = 4, frames 0 to 9, three windows: 0 1 2 3, 3 4 5 6, 6 7 8 9.

    Raises:
        DataError: The segment lies behind the end of its recording.
    """
    whole = _longest_run(segment, file)
    spare = len(whole) - settings.num_frames
    if spare <= 0:
        return [whole]
    middle_or_ends = [spare / 2] if count == 1 else np.linspace(0, spare, count)
    firsts = dict.fromkeys(whole.first + round(float(offset)) for offset in middle_or_ends)
    return [Window(segment, first, first + settings.num_frames) for first in firsts]


def random_window(
    segment: Segment, file: FileFeatures, settings: WindowSettings, *, rng: np.random.Generator
) -> Window:
    """Return T frames from somewhere in the segment; all of it, give or take the jitter, where it is shorter.

    Raises:
        DataError: The segment lies behind the end of its recording.
    """
    start_s, end_s = rng.uniform(-settings.jitter_s, settings.jitter_s, 2)
    jittered = _moved(segment, start_s, end_s)
    whole = _longest_run(segment if jittered is None else jittered, file)
    spare = max(0, len(whole) - settings.num_frames)
    first = whole.first + int(rng.integers(0, spare + 1))
    return Window(segment, first, min(whole.stop, first + settings.num_frames))


def middle_window(segment: Segment, file: FileFeatures, *, length_s: float) -> Window:
    """Return the `length_s` about the middle of a segment, whatever else they show: what a stream would give.

    Where an interruption falls in it, it is the longest part without one.

    Raises:
        DataError: The segment lies behind the end of its recording.
    """
    last_s = float(file.times_s[-1])
    middle_s = (segment.start_s + (last_s if segment.end_s is None else min(segment.end_s, last_s))) / 2
    whole = Segment(
        segment.file, segment.label, segment.group, middle_s - length_s / 2, middle_s + length_s / 2
    )
    return replace(_longest_run(whole, file), segment=segment)


def blind_windows(
    file: FileFeatures, segments: Sequence[Segment], *, length_s: float = 4.0, step_s: float = 1.0
) -> list[Window]:
    """Return the windows [t, t + length_s) of a recording, every `step_s`, as a stream would give them.

    `segments` are those of the recording. Each window's segment has the times of the window, and the label
    that covers most of it, None where no label covers any; ties go to the label that begins first. Windows
    in which an interruption falls are cut there, windows without a frame are left out.
    """
    windows = []
    first_s, last_s = float(file.times_s[0]), float(file.times_s[-1])
    for start_s in np.arange(first_s, max(last_s - length_s, first_s) + 1e-6, step_s).tolist():
        label, covered_s = _main_label(segments, start_s, start_s + length_s)
        segment = Segment(segments[0].file, label, segments[0].group, start_s, start_s + length_s)
        first, stop = _span(segment, file)
        first = max(first, _run_start(file, stop))
        if first < stop:
            windows.append(Window(segment, first, stop, coverage=covered_s / length_s))
    return windows


def cut_batch(
    windows: Sequence[Window], files: Mapping[str, FileFeatures], *, num_frames: int | None = None
) -> ClipBatch:
    """Return the newest T frames of each window, padded in front to T; without one T is the longest window's.

    `files` has the features of each recording by `segment.file`.
    """
    longest = num_frames or max(len(window) for window in windows)
    example = files[windows[0].segment.file]
    batch = ClipBatch(
        features=np.zeros((len(windows), longest, example.features.shape[1]), np.float32),  # (B, T, V)
        motion=np.zeros((len(windows), longest, example.motion.shape[1]), np.float32),  # (B, T, F)
        mask=np.zeros((len(windows), longest), np.bool_),
    )
    for row, window in enumerate(windows):
        file, stop = files[window.segment.file], window.stop
        first = max(window.first, stop - longest)
        # Three frames in a clip of five: absent, absent, real, real, real.
        here = slice(longest - (stop - first), longest)
        batch.features[row, here] = file.features[first:stop]
        batch.motion[row, here] = file.motion[first:stop]
        batch.mask[row, here] = True
    return batch


def _moved(segment: Segment, start_s: float, end_s: float) -> Segment | None:
    """Return the segment with its ends moved by so many seconds; None where nothing would be left."""
    start_s = max(0.0, segment.start_s + start_s)
    moved_end_s = None if segment.end_s is None else segment.end_s + end_s
    if moved_end_s is not None and moved_end_s <= start_s:
        return None
    return Segment(segment.file, segment.label, segment.group, start_s, moved_end_s)


def _span(segment: Segment, file: FileFeatures) -> tuple[int, int]:
    """Return the first frame of a segment and the one after its last."""
    end_s = np.inf if segment.end_s is None else segment.end_s
    first, stop = np.searchsorted(file.times_s, [segment.start_s, end_s])
    return int(first), int(stop)


def _longest_run(segment: Segment, file: FileFeatures) -> Window:
    """Return the frames of a segment, the longest part of them where interruptions fall in it.

    A segment so short that it falls between two frames has the frame after it, or the last.
    """
    first, stop = _span(segment, file)
    if segment.start_s > float(file.times_s[-1]) + 1.0:
        raise DataError(
            f"{segment.name} begins after the end of its recording, which is {file.times_s[-1]:g} s long."
        )
    if first == stop:
        first = min(first, len(file) - 1)
        return Window(segment, first, first + 1)
    starts = [first, *(int(i) for i in np.flatnonzero(file.begins[first:stop]) + first if i > first), stop]
    runs = [Window(segment, *run) for run in itertools.pairwise(starts)]
    longest = max(runs, key=len)
    if file.begins[longest.first] and len(longest) > 1:
        return Window(segment, longest.first + 1, longest.stop)
    return longest


def _run_start(file: FileFeatures, stop: int) -> int:
    """Return the first frame that shows motion since the last interruption before frame `stop`."""
    begun = np.flatnonzero(file.begins[:stop])
    return min(int(begun[-1]) + 1, stop - 1) if len(begun) else 0


def _main_label(segments: Sequence[Segment], start_s: float, end_s: float) -> tuple[str | None, float]:
    """Return the label that covers most of a time, and for how long; parts of one label add up."""
    covered_s: dict[str, float] = {}
    for segment in sorted(segments, key=lambda segment: segment.start_s):
        until_s = end_s if segment.end_s is None else min(end_s, segment.end_s)
        overlap_s = until_s - max(start_s, segment.start_s)
        if segment.label is not None and overlap_s > 0:
            covered_s[segment.label] = covered_s.get(segment.label, 0.0) + overlap_s
    if not covered_s:
        return None, 0.0
    label = max(covered_s, key=lambda name: covered_s[name])
    return label, min(covered_s[label], end_s - start_s)


def clip_windows(
    file: FileFeatures, segments: Sequence[Segment], *, num_frames: int, sample_fps: float
) -> list[Window]:
    """Return windows of T frames over a whole recording, each half a window after the one before.

    `segments` are those of the recording; labels are given as by `blind_windows`.
    """
    windows = blind_windows(
        file,
        segments,
        length_s=(num_frames + 0.5) / sample_fps,  # whatever rounding does to times, T frames fall in
        step_s=num_frames / 2 / sample_fps,
    )
    # A window that an interruption cut short says little; a short recording has nothing better.
    least = min(num_frames // 2, max(len(window) for window in windows))
    return [window for window in windows if len(window) >= least]
