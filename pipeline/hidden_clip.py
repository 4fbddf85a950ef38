"""A recording of a camera with something to hide in, an MP4 file without it out: decoded and encoded anew.

The packets that a clip is else made of show all. They are read in memory: nothing of them reaches the disk.
"""

import io
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.codec import UnknownCodecError
from av.container import InputContainer, OutputContainer

from pipeline.clip_file import MOV_FLAGS, copy_packets
from pipeline.privacy import Privacy
from pipeline.recording import Recording

# VP9 in MP4, which browsers play, from a library under BSD: at this pace a third of x264's size in its
# quickest preset for a third more time.
CODEC = "libvpx-vp9"
OPTIONS = {"deadline": "realtime", "cpu-used": "8", "crf": "36", "b:v": "0"}
KEYFRAME_EVERY = 50


def write_hidden_clip(recording: Recording, path: Path, privacy: Privacy) -> None:
    """Write `path` with each picture as `privacy` shows it; its first one has time 0.

    Raises:
        OSError: The file cannot be written, or FFmpeg cannot decode or encode it.
    """
    try:
        shown = io.BytesIO()
        with av.open(shown, "w", format="mp4") as container:
            copy_packets(recording, container)
        shown.seek(0)
        with av.open(shown, "r") as source, av.open(f"file:{path}", "w", "mp4", MOV_FLAGS) as target:
            _encode(source, target, privacy)
    except av.error.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    except UnknownCodecError as error:
        raise OSError(0, f"this build of FFmpeg has no {error}", str(path)) from error


def _encode(source: InputContainer, target: OutputContainer, privacy: Privacy) -> None:
    stream: av.VideoStream | None = None
    for frame in source.decode(video=0):
        if frame.pts is None or frame.time_base is None or frame.is_corrupt:
            continue
        picture = av.VideoFrame.from_ndarray(privacy.picture_of(frame), format="bgr24")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        if stream is None:
            stream = _stream_for(picture, target, time_base=frame.time_base)
        target.mux(stream.encode(picture))
    if stream is not None:
        target.mux(stream.encode(None))


def _stream_for(picture: av.VideoFrame, target: OutputContainer, *, time_base: Fraction) -> av.VideoStream:
    """Add a stream to a file for pictures like this one; a later one of another size is scaled to it."""
    stream = cast("av.VideoStream", target.add_stream(CODEC, options=OPTIONS))
    stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
    stream.codec_context.time_base = time_base
    stream.codec_context.gop_size = KEYFRAME_EVERY
    stream.codec_context.thread_count = 1  # it has all the time in the world
    return stream
