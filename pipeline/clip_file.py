"""A recording in, an MP4 file out: packets are copied as they came, nothing is decoded or encoded."""

from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from pipeline.recording import Recording, StoredPacket

# The index stands before the pictures, so that a browser shows the first one before the last has come.
MOV_FLAGS = {"movflags": "faststart"}


def write_clip(recording: Recording, path: Path) -> None:
    """Write `path`; its first picture has time 0.

    Raises:
        OSError: The file cannot be written, or FFmpeg cannot put this stream into one.
    """
    try:
        # `file:` keeps FFmpeg from taking a colon in the path for a protocol.
        with av.open(f"file:{path}", "w", format="mp4", options=MOV_FLAGS) as container:
            copy_packets(recording, container)
    except av.error.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def copy_packets(recording: Recording, container: OutputContainer) -> None:
    """Put a recording's packets into a file that is open."""
    first = recording.packets[0]
    stream = recording.format.add_to(container, first.data)
    for stored in recording.packets:
        container.mux(_packet(stored, first.dts, stream))


def _packet(stored: StoredPacket, origin: int, stream: av.VideoStream) -> "av.Packet[Any]":
    packet = av.Packet(stored.data)
    packet.stream = stream
    packet.time_base = stored.time_base
    packet.pts, packet.dts = stored.pts - origin, stored.dts - origin
    packet.is_keyframe = stored.is_keyframe
    return packet


def clip_length_s(path: Path) -> float:
    """Return how long a clip is.

    Raises:
        OSError: It cannot be read.
    """
    try:
        with av.open(f"file:{path}") as container:
            return float(container.duration or 0) / av.time_base
    except av.error.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
