"""What a source is asked for and what it gives: settings in, timed frames out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import av

OnDrop = Callable[[str], None]  # told the reason of each frame that was lost


class PacketTap(Protocol):
    """Who listens in on a camera's compressed packets, in the camera's thread, before they are decoded."""

    def begin(self, stream: av.VideoStream) -> None:
        """Take note of a new connection: what follows is a stream of its own, with times of its own."""

    def take(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Take the stream's next packet; `packet` is read, not kept."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Where frames come from.

    `transport` is RTSP's. `loop`, `realtime` and `fps` are for files and image folders: begin again at
    the end, deliver at the speed of recording, and how many images make a second (10 if not given).
    """

    url: str
    transport: Literal["tcp", "udp"] = "tcp"
    loop: bool = False
    fps: float | None = None
    open_timeout_s: float = 5.0
    stall_timeout_s: float = 10.0
    realtime: bool = True


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """One picture and the moment of the stream, in seconds, at which it is to be shown."""

    original: av.VideoFrame
    time_s: float


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A timed frame that has arrived here, by the monotonic clock, at `arrived_s`."""

    original: av.VideoFrame
    time_s: float
    arrived_s: float
