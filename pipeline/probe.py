"""A camera's settings in, one frame's worth of facts out: what `videobertd check` tells of it."""

from dataclasses import dataclass, replace

from pipeline.clock import Clock
from pipeline.decoder import decode_frames, open_container
from pipeline.errors import SourceEnded, SourceGarbled
from pipeline.source import open_source
from pipeline.stream import SourceSettings
from pipeline.urls import SourceKind, redact_url, source_kind


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a source sends; `fps` is what it claims, None where it does not say."""

    width_px: int
    height_px: int
    codec: str
    fps: float | None


def probe_source(settings: SourceSettings, clock: Clock) -> SourceFacts:
    """Open a source, decode its first frame, and close it again.

    Raises:
        SourceError: No frame came, and why.
        SettingsError: The URL has a scheme that is not allowed.
    """
    kind = source_kind(settings.url)
    if kind is SourceKind.FOLDER:
        return _probe_folder(settings, clock)
    with open_container(settings, kind) as container:
        if not container.streams.video:
            raise SourceGarbled(f"{redact_url(settings.url)} holds no video")
        stream = container.streams.video[0]
        frame = next(decode_frames(container, settings, clock=clock, on_drop=lambda _reason: None), None)
        if frame is None:
            raise SourceEnded(f"{redact_url(settings.url)} holds no frame")
        rate = stream.average_rate or stream.guessed_rate
        fps = None if rate is None else round(float(rate), 2)
        return SourceFacts(frame.width, frame.height, stream.codec_context.name, fps)


def _probe_folder(settings: SourceSettings, clock: Clock) -> SourceFacts:
    with open_source(replace(settings, realtime=False, loop=False), clock) as frames:
        first = next(frames, None)
    if first is None:
        raise SourceEnded(f"{redact_url(settings.url)} holds no image")
    return SourceFacts(first.original.width, first.original.height, "images", settings.fps)
