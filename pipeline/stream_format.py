"""A camera's stream in, what a file needs to know to hold its packets out: it outlives the connection."""

import io

import av
from av.container import OutputContainer

# What browsers play from an MP4 file. MJPEG, the other codec of cameras, none of them does.
PLAYABLE = frozenset({"h264", "hevc", "av1"})
# NAL unit types of the parameter sets, without which no decoder can begin, and where the type stands.
_PARAMETER_SETS = {"h264": (frozenset({7, 8}), 0, 0x1F), "hevc": (frozenset({32, 33, 34}), 1, 0x3F)}
_START_CODE = b"\x00\x00\x01"


class StreamFormat:
    """The codec, its parameters and the size of the picture, copied out of a stream.

    FFmpeg has them only within a container: so an unwritten one holds them.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        self._holder: OutputContainer = av.open(io.BytesIO(), "w", format="mp4")
        self._stream = self._holder.add_stream_from_template(stream)
        self.codec = stream.codec_context.name

    def add_to(self, container: OutputContainer, first: bytes) -> av.VideoStream:
        """Add a stream of this format to a file; `first` is its first keyframe.

        Cameras may send their parameter sets in each keyframe instead of saying them beforehand.
        """
        stream = container.add_stream_from_template(self._stream)
        if not stream.codec_context.extradata and self.codec in _PARAMETER_SETS:
            stream.codec_context.extradata = parameter_sets(first, self.codec)
        if self.codec == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # the name under which Apple's players know it
        return stream


def format_of(stream: av.VideoStream) -> StreamFormat | None:
    """Return a stream's format, or None where browsers could not play it from a file."""
    return StreamFormat(stream) if stream.codec_context.name in PLAYABLE else None


def parameter_sets(keyframe: bytes, codec: str) -> bytes:
    """Return the parameter sets among the NAL units of a keyframe, each after a start code (Annex B)."""
    types, shift, mask = _PARAMETER_SETS[codec]
    units = [unit.rstrip(b"\x00") for unit in keyframe.split(_START_CODE)[1:]]
    kept = [unit for unit in units if unit and (unit[0] >> shift) & mask in types]
    return b"".join(b"\x00" + _START_CODE + unit for unit in kept)
