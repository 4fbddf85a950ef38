"""A camera's URL in, its decoded frames out, each with the stream's time; every failure is a SourceError.

open_source ─┬─ live streams    RTSP, HTTP, V4L2: as they arrive; their end is a failure   (decoder.py)
             ├─ files           paced to real time by pts, looped on one time line         (pacing.py)
             └─ image folders   at `fps`, otherwise like files                             (image_folder.py)
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from typing import Protocol

from pipeline.clock import Clock
from pipeline.decoder import read_container
from pipeline.errors import SourceEnded
from pipeline.image_folder import read_images
from pipeline.pacing import looped, paced, stamped
from pipeline.stream import DecodedFrame, OnDrop, PacketTap, SourceSettings, TimedFrame
from pipeline.urls import SourceKind, redact_url, source_kind

__all__ = ["DecodedFrame", "Opener", "SourceSettings", "open_source"]


class Opener(Protocol):
    """What a camera opens its source with; `open_source` is the real one."""

    def __call__(
        self,
        settings: SourceSettings,
        clock: Clock,
        *,
        stop: threading.Event | None = None,
        on_drop: OnDrop | None = None,
    ) -> AbstractContextManager[Iterator[DecodedFrame]]:
        """Return the frames, to be read within a `with`; `on_drop` is told the reason of each lost frame."""


def open_source(
    settings: SourceSettings,
    clock: Clock,
    *,
    stop: threading.Event | None = None,
    on_drop: OnDrop | None = None,
    tap: PacketTap | None = None,
) -> AbstractContextManager[Iterator[DecodedFrame]]:
    """Return the frames of a source, to be read within a `with`; the connection is made for the first.

    The iteration ends where a file or folder ends, or soon after `stop` is set. `tap` hears the packets
    before they are decoded; a folder of images has none.

    Raises:
        SettingsError: The URL has a scheme that is not allowed.
        SourceError: While iterating, whatever goes wrong; a live stream's end is SourceEnded.
    """
    kind = source_kind(settings.url)
    on_drop = on_drop or _count_nothing
    if kind not in (SourceKind.FILE, SourceKind.FOLDER):
        return closing(stamped(_read_live(settings, kind, clock=clock, on_drop=on_drop, tap=tap), clock))

    def read_once() -> Iterator[TimedFrame]:
        if kind is SourceKind.FOLDER:
            return read_images(settings, on_drop)
        return read_container(settings, kind, clock=clock, on_drop=on_drop, tap=tap)

    frames = looped(read_once) if settings.loop else read_once()
    if settings.realtime:
        return closing(paced(frames, clock, stop=stop or threading.Event()))
    return closing(stamped(frames, clock))


def _read_live(
    settings: SourceSettings, kind: SourceKind, *, clock: Clock, on_drop: OnDrop, tap: PacketTap | None
) -> Iterator[TimedFrame]:
    """Yield the frames of a live stream, whose end FFmpeg reports as if all were well."""
    yield from read_container(settings, kind, clock=clock, on_drop=on_drop, tap=tap)
    raise SourceEnded(f"{redact_url(settings.url)} ended the stream")


def _count_nothing(_reason: str) -> None:
    """Take note of no lost frame."""
