"""Times of decoded frames in, which of them to analyse out: by the stream's own clock, never by counting."""

# A longer silence makes what was buffered void: the clip would jump.
LONGEST_GAP_S = 2.0
# A frame that comes this part of a period early is taken: camera clocks jitter by some milliseconds.
EARLY_RATIO = 0.1


class Sampler:
    """Chooses frames of one stream at `sample_fps`, and notices where the stream's time jumps."""

    def __init__(self, sample_fps: float) -> None:
        self._period_s = 1 / sample_fps
        self._last_s: float | None = None
        self._due_s = 0.0
        self._begins = True

    @property
    def begins(self) -> bool:
        """Say whether the stream was interrupted before the frame that `wants` chose last."""
        return self._begins

    def reset(self) -> None:
        """Forget the stream: the next frame begins a new one."""
        self._last_s = None

    def wants(self, time_s: float) -> bool:
        """Say whether the frame of stream time `time_s` is to be analysed; call once for each, in order.

        5 fps, one frame each 0.08 s: 0.00 yes, 0.08 no, 0.16 no (due 0.20, early by more than 0.02),
        0.24 yes, 0.32 no, 0.40 yes (due 0.40: the grid is kept, so that 5 a second are taken on average).
        """
        jumps = self._last_s is None or not 0 <= time_s - self._last_s <= LONGEST_GAP_S
        self._last_s = time_s
        if jumps:
            self._begins, self._due_s = True, time_s + self._period_s
            return True
        if time_s < self._due_s - EARLY_RATIO * self._period_s:
            return False
        self._begins = False
        self._due_s = max(self._due_s, time_s - self._period_s / 2) + self._period_s
        return True
