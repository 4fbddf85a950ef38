"""Times of decoded frames in, which of them to analyse out: by the stream's own clock, never by counting."""

# A longer silence makes what was buffered void: the clip would jump.
LONGEST_GAP_S = 2.0
# At a frame rate that divides the stream's the frame before is as near as the one after: it is taken.
ROUNDING_S = 1e-3


class Sampler:
    """Chooses frames of one stream at `sample_fps`, and notices where the stream's time jumps.

    The times that are due lie on a grid, of which each frame nearest to one is taken; half way between two
    of them lies one more, of which the nearest frame is to be glanced at.
    """

    def __init__(self, sample_fps: float) -> None:
        self._period_s = 1 / sample_fps
        self._last_s: float | None = None
        self._due_s = 0.0
        self._begins = True
        self._glanced = False
        self._is_glance = False

    @property
    def begins(self) -> bool:
        """Say whether the stream was interrupted before the frame that `wants` chose last."""
        return self._begins

    @property
    def is_glance(self) -> bool:
        """Say whether the frame that `wants` did not choose lies half way between two that it does."""
        return self._is_glance

    def reset(self) -> None:
        """Forget the stream: the next frame begins a new one."""
        self._last_s = None

    def wants(self, time_s: float) -> bool:
        """Say whether the frame of stream time `time_s` is to be analysed; call once for each, in order.

        5 fps, one frame each 0.08 s: 0.00 yes, 0.08 no (a glance, for 0.10), 0.16 no (0.24 is as near to
        0.20 as this: yes), 0.24 no, 0.32 no, 0.40 yes.
        """
        jumps = self._last_s is None or not 0 <= time_s - self._last_s <= LONGEST_GAP_S
        step_s = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s, self._is_glance = time_s, False
        if jumps:
            self._begins, self._glanced, self._due_s = True, False, time_s + self._period_s
            return True
        early_s = min(step_s, self._period_s) / 2 + ROUNDING_S
        if time_s < self._due_s - early_s:
            self._is_glance = not self._glanced and time_s >= self._due_s - self._period_s / 2 - early_s
            self._glanced |= self._is_glance
            return False
        self._begins, self._glanced = False, False
        self._due_s = max(self._due_s, time_s - self._period_s / 2) + self._period_s
        return True
