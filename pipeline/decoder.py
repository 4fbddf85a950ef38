"""A container's URL in, timed frames out: the one place that talks to FFmpeg's demuxers and decoders."""

from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.container import InputContainer

from pipeline.clock import Clock
from pipeline.errors import SourceEnded, SourceGarbled, SourceRefused, SourceStalled, SourceUnreachable
from pipeline.stream import OnDrop, PacketTap, SourceSettings, TimedFrame
from pipeline.urls import SourceKind, redact_url, source_path

# First frame after 0.07 s rather than 1.2 s: the stream's parameters stand in its SDP or first keyframe.
QUICK_START = {"analyzeduration": "0", "probesize": "32768"}
# What FFmpeg may open for a URL, whatever a playlist, a redirect or a crafted file asks for.
PROTOCOLS = {
    SourceKind.RTSP: "rtsp,rtsps,rtp,rtcp,srtp,tcp,udp,tls,crypto",
    SourceKind.HTTP: "http,https,httpproxy,tcp,tls,crypto",
    SourceKind.FILE: "file",
    SourceKind.DEVICE: "file",
}
# Demuxers that read what they are given and nothing else: no playlists, no concatenation scripts.
LIVE_FORMATS = "mpjpeg,mjpeg,mpegts,flv,matroska,webm"
FILE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,mjpeg,mpjpeg,"
    "m4v,mxf,ivf,av1,obu,nut,gif,yuv4mpegpipe,dhav"
)
# Containers that carry no times of their own: their frames are shown when they come.
UNTIMED_FORMATS = ("mpjpeg", "mjpeg")


def read_container(
    settings: SourceSettings,
    kind: SourceKind,
    *,
    clock: Clock,
    on_drop: OnDrop,
    tap: PacketTap | None = None,
) -> Iterator[TimedFrame]:
    """Open a stream or file and yield its frames up to its end, which is no error here.

    Raises:
        SourceUnreachable: It cannot be opened.
        SourceStalled: No frame comes within the time allowed.
        SourceGarbled: It holds no video, or what comes cannot be decoded.
        SourceEnded: It broke off.
    """
    with open_container(settings, kind) as container:
        if not container.streams.video:
            raise SourceGarbled(f"{redact_url(settings.url)} holds no video")
        untimed = kind is SourceKind.HTTP and container.format.name in UNTIMED_FORMATS
        for frame in decode_frames(container, settings, clock=clock, on_drop=on_drop, tap=tap):
            if untimed:
                yield TimedFrame(frame, clock.monotonic_s())
            elif frame.time is not None:
                yield TimedFrame(frame, frame.time)


def open_container(settings: SourceSettings, kind: SourceKind) -> InputContainer:
    """Open a stream or file for reading, with its protocols and formats kept to what we expect.

    Raises:
        SourceUnreachable: It cannot be opened.
        SourceGarbled: It holds nothing that can be read.
    """
    # PyAV checks a read timeout in Python, many times a packet, each time waiting for the interpreter lock:
    # sockets have FFmpeg's own (`_options`). PyAV's fires after twice its value.
    has_socket = kind in {SourceKind.RTSP, SourceKind.HTTP}
    timeout = (settings.open_timeout_s, None if has_socket else settings.stall_timeout_s / 2)
    url = f"file:{source_path(settings.url)}" if kind is SourceKind.FILE else settings.url
    with _open_errors(settings, kind):
        if kind is SourceKind.FILE and not source_path(settings.url).is_file():
            raise SourceUnreachable(f"there is no file {source_path(settings.url)}")
        container = av.open(url, format=_format(kind), options=_options(settings, kind), timeout=timeout)
    for stream in container.streams.video:
        stream.thread_type = "NONE"  # each decoder thread adds one frame of delay
    return container


def _format(kind: SourceKind) -> str | None:
    """Return the demuxer where the URL says which, so that none is guessed from the content."""
    return {SourceKind.RTSP: "rtsp", SourceKind.DEVICE: "v4l2"}.get(kind)


def _options(settings: SourceSettings, kind: SourceKind) -> dict[str, str]:
    options = {"protocol_whitelist": PROTOCOLS[kind]}
    stall_timeout_us = settings.stall_timeout_s * 1e6
    match kind:
        case SourceKind.RTSP:
            return (
                options
                | QUICK_START
                | {
                    "rtsp_transport": settings.transport,
                    "allowed_media_types": "video",
                    "timeout": str(round(stall_timeout_us / 2)),  # FFmpeg reads twice before it gives up
                }
            )
        case SourceKind.HTTP:
            return (
                options
                | QUICK_START
                | {"format_whitelist": LIVE_FORMATS, "timeout": str(round(stall_timeout_us))}
            )
        case SourceKind.FILE:
            return options | {"format_whitelist": FILE_FORMATS}
        case _:
            return options


@contextmanager
def _open_errors(settings: SourceSettings, kind: SourceKind) -> Iterator[None]:
    """Turn FFmpeg's errors at opening into ours; FFmpeg's own text names the URL with its password."""
    url = redact_url(settings.url)
    try:
        yield
    except av.error.ExitError as error:
        raise SourceUnreachable(f"{url} did not answer within {settings.open_timeout_s:g} s") from error
    except av.error.InvalidDataError as error:
        if kind is SourceKind.RTSP:
            raise SourceUnreachable(f"{url} does not answer as an RTSP server") from error
        raise SourceGarbled(f"{url} holds no video that can be read") from error
    except av.error.HTTPUnauthorizedError as error:
        asks = "refuses this user and password" if "***@" in url else "asks for a user and password"
        raise SourceRefused(f"{url} {asks}") from error
    except av.error.FFmpegError as error:
        raise SourceUnreachable(f"{url} cannot be opened: {error.strerror}") from error


@contextmanager
def _read_errors(settings: SourceSettings) -> Iterator[None]:
    """Turn FFmpeg's errors while reading into ours."""
    url = redact_url(settings.url)
    try:
        yield
    except (av.error.ExitError, av.error.TimeoutError) as error:
        raise SourceStalled(f"{url} sent nothing for {settings.stall_timeout_s:g} s") from error
    except av.error.FFmpegError as error:
        raise SourceEnded(f"{url} broke off: {error.strerror}") from error


def decode_frames(
    container: InputContainer,
    settings: SourceSettings,
    *,
    clock: Clock,
    on_drop: OnDrop,
    tap: PacketTap | None = None,
) -> Iterator[av.VideoFrame]:
    """Yield whole frames that have a time; report the others, and give up where there are only others."""
    losses = _Losses(settings, clock, on_drop=on_drop)
    stream = container.streams.video[0]
    if tap:
        tap.begin(stream)
    with _read_errors(settings):
        for packet in container.demux(stream):
            if tap:
                tap.take(packet)
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                losses.add("decode_error")
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame) and losses.is_whole(frame):
                    yield frame


class _Losses:
    """Reports frames that are of no use, and gives up where for too long there are only such frames."""

    def __init__(self, settings: SourceSettings, clock: Clock, *, on_drop: OnDrop) -> None:
        self._settings = settings
        self._clock = clock
        self._on_drop = on_drop
        self._since_s: float | None = None  # when the first of those in a row came

    def is_whole(self, frame: av.VideoFrame) -> bool:
        """Say whether a frame can be used; the first ones after joining a stream have no time or holes."""
        if frame.pts is None:
            self.add("no_pts")
        elif frame.is_corrupt:
            self.add("decode_error")
        else:
            self._since_s = None
            return True
        return False

    def add(self, reason: str) -> None:
        """Report one lost frame.

        Raises:
            SourceGarbled: There was no other kind of frame for as long as a stream may be silent.
        """
        self._on_drop(reason)
        now_s = self._clock.monotonic_s()
        if self._since_s is None:
            self._since_s = now_s
        allowed_s = self._settings.stall_timeout_s
        if now_s - self._since_s >= allowed_s:
            url = redact_url(self._settings.url)
            raise SourceGarbled(f"{url} sent only frames that cannot be used for {allowed_s:g} s: {reason}")
