"""A camera's compressed packets in, the clips of its events out: cut at keyframes, never decoded.

packets ─▶ ring of the last seconds, by groups of pictures ─┐
event begins ──────────────────────────────────────────────┴▶ take ─▶ event ends, post-roll ─▶ Recording
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import av

from pipeline.clock import Clock
from pipeline.stream_format import StreamFormat, format_of

# A decision is told some seconds after what it is about began; the ring reaches back by as much more.
DECISION_DELAY_S = 5.0


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """How much of a camera is kept around an event.

    A clip runs from `pre_roll_s` before the event to `post_roll_s` after it, `max_clip_s` in all at most.
    `max_bytes` bounds the ring and each clip that is being recorded.
    """

    pre_roll_s: float = 5.0
    post_roll_s: float = 5.0
    max_clip_s: float = 60.0
    max_bytes: int = 16_000_000


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """A compressed picture; `pts` and `dts` count `time_base` seconds, `utc_s` is when it came."""

    data: bytes
    pts: int
    dts: int
    time_base: Fraction
    is_keyframe: bool
    utc_s: float


@dataclass(frozen=True, slots=True)
class Recording:
    """An event's packets from a keyframe on, in the order in which they were sent."""

    event_id: str
    format: StreamFormat
    packets: tuple[StoredPacket, ...]


@dataclass(slots=True)
class _Take:
    """A clip that is being recorded; `until_utc_s` is where it is to end, as far as is known."""

    event_id: str
    start_utc_s: float
    until_utc_s: float
    packets: list[StoredPacket] = field(default_factory=list)
    num_bytes: int = 0
    format: StreamFormat | None = None
    is_complete: bool = False

    def add(self, packet: StoredPacket, *, max_bytes: int) -> None:
        """Take the stream's next packet; the first must be one that can be decoded alone."""
        if self.is_complete or not (self.packets or packet.is_keyframe):
            return
        if packet.utc_s > self.until_utc_s or self.num_bytes + len(packet.data) > max_bytes:
            self.is_complete = True
            return
        self.packets.append(packet)
        self.num_bytes += len(packet.data)


class Recorder:
    """Keeps the last seconds of one camera, and longer while an event lasts; thread-safe.

    The camera's thread brings packets (`PacketTap`), whoever decides opens and ends, another one collects.
    A clip ends early where the connection breaks or `max_bytes` are reached.
    """

    def __init__(self, settings: RecordingSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._format: StreamFormat | None = None
        self._groups: deque[list[StoredPacket]] = deque()  # each begins with a keyframe
        self._num_bytes = 0
        self._newest_dts: int | None = None
        self._takes: dict[str, _Take] = {}

    @property
    def is_recording(self) -> bool:
        """Say whether an event that began now would get a clip."""
        with self._lock:
            return self._format is not None

    @property
    def held_bytes(self) -> int:
        """How many bytes of video the ring holds."""
        with self._lock:
            return self._num_bytes

    def begin(self, stream: av.VideoStream) -> None:
        """Begin with a new connection; what was recorded of the last one is complete."""
        fresh = format_of(stream)
        with self._lock:
            self._format, self._newest_dts = fresh, None
            self._clear()
            for take in self._takes.values():
                take.is_complete = True

    def take(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Keep the next packet; one without a time, or out of order, cannot be cut and is left out."""
        pts, dts = packet.pts, packet.dts if packet.dts is not None else packet.pts
        if self._format is None or pts is None or dts is None or packet.size == 0:
            return
        with self._lock:
            if self._newest_dts is not None and dts <= self._newest_dts:
                return
            self._newest_dts = dts
            stored = StoredPacket(
                data=bytes(packet),
                pts=pts,
                dts=dts,
                time_base=packet.time_base,
                is_keyframe=packet.is_keyframe,
                utc_s=self._clock.utc_s(),
            )
            self._keep(stored)
            for take in self._takes.values():
                take.add(stored, max_bytes=self._settings.max_bytes)

    def open(self, event_id: str, start_utc_s: float) -> None:
        """Record an event that began at `start_utc_s`; nothing happens where the stream cannot be cut."""
        settings = self._settings
        with self._lock:
            if self._format is None:
                return
            first_utc_s = start_utc_s - settings.pre_roll_s
            kept = self._since(first_utc_s)
            # An event that is told late has a clip from where the ring begins.
            begins_utc_s = max(first_utc_s, kept[0].utc_s if kept else self._clock.utc_s())
            take = _Take(event_id, start_utc_s, begins_utc_s + settings.max_clip_s, format=self._format)
            for packet in kept:
                take.add(packet, max_bytes=settings.max_bytes)
            self._takes[event_id] = take

    def end(self, event_id: str, end_utc_s: float) -> None:
        """Let an event's clip run out after its post-roll; an event that is not recorded changes nothing."""
        with self._lock:
            take = self._takes.get(event_id)
            if take is not None:
                take.until_utc_s = min(take.until_utc_s, end_utc_s + self._settings.post_roll_s)

    def collect(self, *, everything: bool = False) -> tuple[Recording, ...]:
        """Return the clips that are complete, each once; with `everything` also those that are not."""
        now_s = self._clock.utc_s()
        with self._lock:
            ready = [
                take
                for take in self._takes.values()
                if everything or take.is_complete or take.until_utc_s < now_s
            ]
            for take in ready:
                del self._takes[take.event_id]
        return tuple(
            Recording(take.event_id, take.format, tuple(take.packets))
            for take in ready
            if take.packets and take.format is not None
        )

    def _keep(self, packet: StoredPacket) -> None:
        """Put a packet into the ring, and let go of groups that are too old or too much."""
        if packet.is_keyframe:
            self._groups.append([])
        if not self._groups:
            return
        self._groups[-1].append(packet)
        self._num_bytes += len(packet.data)
        settings = self._settings
        oldest_utc_s = packet.utc_s - settings.pre_roll_s - DECISION_DELAY_S
        while len(self._groups) > 1 and self._groups[1][0].utc_s <= oldest_utc_s:
            self._drop_oldest()
        while self._groups and self._num_bytes > settings.max_bytes:
            self._drop_oldest()  # even the only one: half a group cannot be shown

    def _drop_oldest(self) -> None:
        self._num_bytes -= sum(len(packet.data) for packet in self._groups.popleft())

    def _clear(self) -> None:
        self._groups.clear()
        self._num_bytes = 0

    def _since(self, utc_s: float) -> list[StoredPacket]:
        """Return what the ring holds from the last keyframe at or before `utc_s`, or from its first one."""
        before = sum(group[0].utc_s <= utc_s for group in self._groups)
        return [packet for group in list(self._groups)[max(0, before - 1) :] for packet in group]
