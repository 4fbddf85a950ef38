"""H.264 pictures in, RTP packets out: fragments (RFC 6184), headers and sender reports (RFC 3550)."""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CLOCK_HZ = 90_000  # RTP clock of every video format (RFC 6184, section 8.2.1)
PAYLOAD_TYPE = 96  # the first dynamic one
PAYLOAD_BYTES = 1400  # with 12 + 8 + 20 bytes of headers still below an Ethernet frame's 1500
NTP_EPOCH_S = 2_208_988_800  # from 1900, where NTP begins, to 1970
FU_A = 28
IDR, SPS, PPS, ACCESS_UNIT_DELIMITER = 5, 7, 8, 9

_START_CODE = re.compile(rb"\x00*\x00\x00\x01")


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture, cut into RTP payloads once and shared by every client.

    `send_s` says when it leaves, `present_s` when it is shown, both from the start of its segment.
    """

    send_s: float
    present_s: float
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The SPS and PPS that a decoder needs before the first picture."""

    sps: bytes
    pps: bytes


def nal_type(nal: bytes) -> int:
    """Return the type of a NAL unit, such as `IDR`."""
    return nal[0] & 0x1F


def split_annex_b(data: bytes) -> list[bytes]:
    """Split a byte stream at its start codes: `00 00 01 67 aa 00 00 00 01 68 bb` → `67 aa`, `68 bb`."""
    return [nal for nal in _START_CODE.split(data) if nal]


def split_avcc(data: bytes, length_bytes: int = 4) -> list[bytes]:
    """Split an MP4 sample at its length prefixes: `00 00 00 02 67 aa 00 00 00 01 68` → `67 aa`, `68`."""
    nals, start = [], 0
    while start < len(data):
        end = start + length_bytes + int.from_bytes(data[start : start + length_bytes], "big")
        nals.append(data[start + length_bytes : end])
        start = end
    return nals


def parse_avcc_header(extradata: bytes) -> list[bytes]:
    """Return the parameter sets of an `avcC` box (ISO/IEC 14496-15, section 5.3.3.1)."""
    sps, end = _counted_nals(extradata, 6, extradata[5] & 0x1F)
    pps, _ = _counted_nals(extradata, end + 1, extradata[end])
    return sps + pps


def _counted_nals(data: bytes, start: int, count: int) -> tuple[list[bytes], int]:
    nals = []
    for _ in range(count):
        size = int.from_bytes(data[start : start + 2], "big")
        nals.append(data[start + 2 : start + 2 + size])
        start += 2 + size
    return nals, start


def fragment(nal: bytes, payload_bytes: int = PAYLOAD_BYTES) -> Iterator[bytes]:
    """Yield a NAL unit as it is, or as FU-A fragments of at most `payload_bytes` where it is larger.

    Example: `65 01 02 03 04` in 4 bytes → `7c 85 01 02`, `7c 45 03 04`
    (7c: importance of 65 and type 28; 85: start bit and type 5; 45: end bit and type 5).
    """
    if len(nal) <= payload_bytes:
        yield nal
        return
    indicator = (nal[0] & 0xE0) | FU_A
    step = payload_bytes - 2
    for at in range(1, len(nal), step):
        first, last = at == 1, at + step >= len(nal)
        header = first << 7 | last << 6 | nal_type(nal)
        yield bytes((indicator, header)) + nal[at : at + step]


def payloads_of(nals: Iterable[bytes]) -> tuple[bytes, ...]:
    """Cut all NAL units of one picture into RTP payloads."""
    return tuple(payload for nal in nals for payload in fragment(nal))


class RtpStream:
    """Numbers and stamps the packets of one client; a sequence that never restarts while it plays."""

    def __init__(self, ssrc: int, sequence: int = 0, timestamp: int = 0) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.first_timestamp = timestamp
        self._packets = 0
        self._payload_bytes = 0

    def timestamp(self, present_s: float) -> int:
        """Return stream time as the 32 bits of an RTP timestamp, which wrap after 13 hours."""
        return (self.first_timestamp + round(present_s * CLOCK_HZ)) & 0xFFFFFFFF

    def packets(self, payloads: tuple[bytes, ...], present_s: float) -> list[bytes]:
        """Return the packets of one picture; the last carries the marker bit."""
        stamp, last = self.timestamp(present_s), len(payloads) - 1
        packets = []
        for number, payload in enumerate(payloads):
            marker = PAYLOAD_TYPE | (0x80 if number == last else 0)
            packets.append(struct.pack("!BBHII", 0x80, marker, self.sequence, stamp, self.ssrc) + payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self._payload_bytes += len(payload)
        self._packets += len(payloads)
        return packets

    def sender_report(self, present_s: float, utc_s: float) -> bytes:
        """Return the RTCP packet that ties stream time to the wall clock (RFC 3550, section 6.4.1)."""
        seconds, fraction = divmod(utc_s + NTP_EPOCH_S, 1.0)
        return struct.pack(
            "!BBHIIIIII",
            0x80,
            200,  # sender report
            6,  # its length in 32-bit words, less one
            self.ssrc,
            int(seconds),
            int(fraction * 2**32),
            self.timestamp(present_s),
            self._packets & 0xFFFFFFFF,
            self._payload_bytes & 0xFFFFFFFF,
        )

    def goodbye(self, present_s: float, utc_s: float) -> bytes:
        """Return the compound RTCP packet that ends the stream: a last report and BYE (RFC 3550, 6.6)."""
        return self.sender_report(present_s, utc_s) + struct.pack("!BBHI", 0x81, 203, 1, self.ssrc)
