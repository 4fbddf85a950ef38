"""Frames of all cameras in, batches for the encoder out: where camera threads and inference threads meet.

Nothing here grows without bound and nothing blocks a camera. Where inference cannot keep up, the newest
frames win and each frame that is lost is counted: overload stretches the stride, never the latency.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.metrics import Metrics
from pipeline.types import ObservedFrame

# About one and a half strides of 1 s at 5 frames a second: longer waiting only makes decisions older.
MAX_FRAMES_PER_CAMERA = 8
# On a CPU larger batches gain nothing and lose the cache; a GPU wants more.
MAX_PICTURES = 8


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one camera has waiting, oldest frame first."""

    camera: str
    frames: tuple[ObservedFrame, ...]


class Mailbox:
    """Pending frames by camera; thread-safe.

    A camera that was taken is in hand until `done`: two threads never hold frames of one camera.
    """

    def __init__(
        self, max_frames_per_camera: int, metrics: Metrics, *, max_pictures: int = MAX_PICTURES
    ) -> None:
        self._max_frames = max_frames_per_camera
        self._metrics = metrics
        self._max_pictures = max_pictures
        self._changed = threading.Condition()
        self._pending: defaultdict[str, deque[ObservedFrame]] = defaultdict(deque)
        self._ready: dict[str, None] = {}  # cameras that can be taken, longest waiting first
        self._in_hand: set[str] = set()
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Say whether `close` was called."""
        with self._changed:
            return self._closed

    def put(self, camera: str, frame: ObservedFrame) -> None:
        """Add a camera's next frame; where too many wait, drop one and count it as "overload"."""
        with self._changed:
            if self._closed:
                self._count_dropped(camera, "shutdown", 1)
                return
            waiting = self._pending[camera]
            waiting.append(frame)
            if len(waiting) > self._max_frames:
                _drop(waiting)
                self._count_dropped(camera, "overload", 1)
            self._offer(camera)

    def take(self, timeout_s: float) -> tuple[Parcel, ...]:
        """Wait for frames and take up to `max_pictures` of encoder work, longest waiting camera first.

        Still frames cost no picture and ride along. A single frame is taken even if it holds more pictures.
        Returns nothing after `timeout_s`, or once the mailbox is closed. Give each parcel back by `done`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._closed, timeout_s)
            parcels: list[Parcel] = []
            room = self._max_pictures
            for camera in tuple(self._ready):
                frames = _affordable(self._pending[camera], room, at_least_one=not parcels)
                if frames:
                    room -= sum(len(frame.pictures) for frame in frames)
                    self._hand_out(camera, len(frames))
                    parcels.append(Parcel(camera, frames))
            if self._ready:
                self._changed.notify()  # for another inference thread
            return tuple(parcels)

    def done(self, camera: str) -> None:
        """Say that a taken camera's frames are dealt with, so that its next ones can be taken."""
        with self._changed:
            self._in_hand.discard(camera)
            self._offer(camera)

    def forget(self, camera: str) -> None:
        """Drop what waits of a camera that is gone; its frames count as "removed"."""
        with self._changed:
            self._ready.pop(camera, None)
            self._count_dropped(camera, "removed", len(self._pending.pop(camera, ())))

    def close(self) -> None:
        """Drop everything, refuse what comes, and wake whoever waits; the frames count as "shutdown"."""
        with self._changed:
            self._closed = True
            for camera, waiting in self._pending.items():
                self._count_dropped(camera, "shutdown", len(waiting))
            self._pending.clear()
            self._ready.clear()
            self._changed.notify_all()

    def _offer(self, camera: str) -> None:
        """Line the camera up if something waits and nobody has it; the lock is held."""
        if camera in self._in_hand or camera in self._ready or not self._pending.get(camera):
            return
        self._ready[camera] = None
        self._changed.notify()

    def _hand_out(self, camera: str, count: int) -> None:
        waiting = self._pending[camera]
        for _ in range(count):
            waiting.popleft()
        del self._ready[camera]
        self._in_hand.add(camera)

    def _count_dropped(self, camera: str, reason: str, count: int) -> None:
        if count:
            self._metrics.frames_dropped.labels(camera, reason).inc(count)


def _affordable(
    waiting: Sequence[ObservedFrame], max_pictures: int, *, at_least_one: bool
) -> tuple[ObservedFrame, ...]:
    """Return the frames in front whose pictures fit.

    With room for 2, of frames with 1, 0, 1, 1 pictures the first three; with room for 0, none.
    """
    pictures = 0
    for position, frame in enumerate(waiting):
        pictures += len(frame.pictures)
        if pictures > max_pictures and not (at_least_one and position == 0):
            return tuple(waiting)[:position]
    return tuple(waiting)


def _drop(waiting: deque[ObservedFrame]) -> None:
    """Remove the oldest frame that no still frame needs: a still frame reuses the features before it.

    Of A still still B the first still goes, of A B still A goes. If it began a stream, the next one does now.
    """
    position = next(
        (at for at in range(len(waiting) - 1) if waiting[at].still or not waiting[at + 1].still),
        len(waiting) - 1,
    )
    lost = waiting[position]
    if lost.begins and position + 1 < len(waiting):
        waiting[position + 1] = replace(waiting[position + 1], begins=True)
    del waiting[position]
