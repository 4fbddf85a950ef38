"""Video files and rendered pictures in, segments of packetised H.264 out: what the RTSP server plays."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from daemon.demo import rtp
from daemon.demo.rtp import AccessUnit, ParameterSets

ENCODERS = ("libx264", "libopenh264")  # whichever the PyAV wheel holds; the first looks better


@dataclass(frozen=True, slots=True)
class Segment:
    """Pictures that can be played from the start, because the first is a key frame."""

    units: tuple[AccessUnit, ...]
    duration_s: float


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """One packet of an encoder or a file."""

    data: bytes
    decode_s: float
    present_s: float


class Feed(Protocol):
    """What a virtual camera shows; every client asks for its own run of segments."""

    @property
    def parameter_sets(self) -> ParameterSets:
        """Return what a client must know before the first picture."""

    def segments(self) -> Iterator[Segment]:
        """Yield what is to be played from now on, for as long as the camera lives."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A feed that plays one segment over and over; `repeats` ends it after so many."""

    parameter_sets: ParameterSets
    segment: Segment
    repeats: int | None = None

    def segments(self) -> Iterator[Segment]:
        """Yield the segment again and again."""
        if self.repeats is None:
            return itertools.repeat(self.segment)
        return itertools.repeat(self.segment, self.repeats)


def load_file(path: str | Path, *, repeats: int | None = None) -> Loop:
    """Read an H.264 file (MP4, MKV, raw) into memory, packetised.

    Raises:
        ValueError: The file holds no H.264 video.
    """
    with av.open(str(path)) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context.name != "h264":
            raise ValueError(f"{path} holds no H.264 video; the RTSP server plays nothing else")
        parameter_sets, is_avcc = _parameter_sets(stream.codec_context.extradata or b"")
        pictures = [_coded(packet) for packet in container.demux(stream) if packet.size]
        interval_s = float(1 / (stream.average_rate or 25))
    split = rtp.split_avcc if is_avcc else rtp.split_annex_b
    return Loop(
        parameter_sets, _segment(pictures, split, sets=parameter_sets, interval_s=interval_s), repeats
    )


class SegmentEncoder:
    """Encodes rendered pictures to H.264, one call a segment, so that any segment can follow any other."""

    def __init__(self, width_px: int, height_px: int, fps: int, *, bits_per_s: int = 900_000) -> None:
        self._size = (width_px, height_px)
        self._fps = fps
        self._bits_per_s = bits_per_s
        self.parameter_sets = ParameterSets(b"", b"")

    def encode(self, pictures: Iterable[NDArray[np.uint8]]) -> Segment:
        """Encode (height, width, 3) RGB pictures as one group that starts with a key frame."""
        context = self._open()
        packets = []
        for number, picture in enumerate(pictures):
            planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)  # a seventh of what swscale takes
            frame = av.VideoFrame.from_ndarray(planes.astype(np.uint8, copy=False), format="yuv420p")
            frame.pts = number
            packets += context.encode(frame)
        packets += context.encode(None)
        nals = [nal for packet in packets[:1] for nal in rtp.split_annex_b(bytes(packet))]
        self.parameter_sets = _find_parameter_sets(nals)
        coded = [_coded(packet) for packet in packets]
        return _segment(coded, rtp.split_annex_b, sets=self.parameter_sets, interval_s=1 / self._fps)

    def _open(self) -> VideoCodecContext:
        name = next(name for name in ENCODERS if name in av.codecs_available)
        context = av.Codec(name, "w").create("video")
        context.width, context.height = self._size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, self._fps)
        context.framerate = Fraction(self._fps)
        context.gop_size = 1_000_000
        context.max_b_frames = 0
        context.bit_rate = self._bits_per_s
        context.thread_count = 1
        if name == "libx264":
            # CRF in place of a bit rate: every segment is coded alike, no matter what went before.
            context.bit_rate = 0
            context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "24"}
        return context


def _parameter_sets(extradata: bytes) -> tuple[ParameterSets, bool]:
    is_avcc = extradata[:1] == b"\x01"
    nals = rtp.parse_avcc_header(extradata) if is_avcc else rtp.split_annex_b(extradata)
    return _find_parameter_sets(nals), is_avcc


def _find_parameter_sets(nals: list[bytes]) -> ParameterSets:
    found = {rtp.nal_type(nal): nal for nal in nals}
    return ParameterSets(sps=found[rtp.SPS], pps=found[rtp.PPS])


def _coded(packet: Any) -> CodedPicture:
    unit_s = packet.time_base
    return CodedPicture(bytes(packet), float(packet.dts * unit_s), float(packet.pts * unit_s))


def _segment(
    pictures: list[CodedPicture],
    split: Callable[[bytes], list[bytes]],
    *,
    sets: ParameterSets,
    interval_s: float,
) -> Segment:
    first_decode_s = pictures[0].decode_s
    first_present_s = min(picture.present_s for picture in pictures)
    units = tuple(
        AccessUnit(
            send_s=picture.decode_s - first_decode_s,
            present_s=picture.present_s - first_present_s,
            payloads=rtp.payloads_of(_with_parameter_sets(split(picture.data), sets)),
        )
        for picture in pictures
    )
    return Segment(units, max(unit.present_s for unit in units) + interval_s)


def _with_parameter_sets(nals: list[bytes], sets: ParameterSets) -> list[bytes]:
    """Put SPS and PPS before every key frame, as cameras do: the size may change there."""
    plain = [nal for nal in nals if rtp.nal_type(nal) not in {rtp.SPS, rtp.PPS, rtp.ACCESS_UNIT_DELIMITER}]
    is_key = any(rtp.nal_type(nal) == rtp.IDR for nal in plain)
    return [sets.sps, sets.pps, *plain] if is_key else plain
