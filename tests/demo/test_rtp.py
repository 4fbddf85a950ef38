"""RTP packets, byte by byte."""

import struct

import pytest

from daemon.demo import rtp
from daemon.demo.rtp import RtpStream


def test_an_annex_b_stream_is_split_at_start_codes_of_three_and_four_bytes():
    data = bytes.fromhex("00000001 67aa 000001 68bb 00000001 6501")
    assert rtp.split_annex_b(data) == [b"\x67\xaa", b"\x68\xbb", b"\x65\x01"]


def test_an_mp4_sample_is_split_at_its_length_prefixes():
    data = bytes.fromhex("00000002 67aa 00000001 68")
    assert rtp.split_avcc(data) == [b"\x67\xaa", b"\x68"]


def test_an_avcc_box_gives_its_parameter_sets_in_order():
    # version, profile, compatibility, level, length size 4, one SPS of 3 bytes, two PPS of 2 and 1
    box = bytes.fromhex("01 64001e ff e1 0003 67aabb 02 0002 68cc 0001 68")
    assert rtp.parse_avcc_header(box) == [b"\x67\xaa\xbb", b"\x68\xcc", b"\x68"]


def test_a_small_nal_unit_travels_as_it_is():
    assert list(rtp.fragment(b"\x65\x01\x02", 3)) == [b"\x65\x01\x02"]


def test_a_large_nal_unit_is_cut_into_fragments_with_start_and_end_marked():
    # 65 → indicator 7c (importance 3, type 28); headers 85 (start), 05 (middle), 45 (end)
    fragments = list(rtp.fragment(bytes.fromhex("65 01 02 03 04 05"), 4))
    assert fragments == [bytes.fromhex("7c850102"), bytes.fromhex("7c050304"), bytes.fromhex("7c4505")]


@pytest.mark.parametrize("size", [1401, 2797, 2798, 5000])
def test_fragments_join_to_the_nal_unit_they_came_from(size):
    nal = b"\x41" + bytes(number % 251 for number in range(size - 1))
    fragments = list(rtp.fragment(nal))
    assert all(len(fragment) <= rtp.PAYLOAD_BYTES for fragment in fragments)
    assert b"\x41" + b"".join(fragment[2:] for fragment in fragments) == nal


def test_only_the_last_packet_of_a_picture_carries_the_marker_bit():
    packets = RtpStream(7).packets((b"a", b"b"), 0.0)
    assert [packet[1] for packet in packets] == [96, 96 | 0x80]


def test_sequence_numbers_wrap_after_16_bits():
    packets = RtpStream(7, sequence=65535).packets((b"a", b"b"), 0.0)
    assert [struct.unpack("!H", packet[2:4])[0] for packet in packets] == [65535, 0]


def test_a_timestamp_counts_90000_a_second_and_wraps_after_32_bits():
    stream = RtpStream(7, timestamp=2**32 - 45_000)
    assert stream.timestamp(0.0) == 2**32 - 45_000
    assert stream.timestamp(1.5) == 90_000  # 1.5 s are 135,000 ticks; 45,000 lead to the wrap


def test_a_packet_header_names_version_type_sequence_time_and_source():
    (packet,) = RtpStream(0x01020304, sequence=5).packets((b"xyz",), 0.1)
    assert packet == bytes.fromhex("80 e0 0005 00002328 01020304") + b"xyz"  # 0.1 s are 9000 = 0x2328


def test_a_sender_report_ties_stream_time_to_the_wall_clock_and_counts():
    stream = RtpStream(9)
    stream.packets((b"abc", b"de"), 0.0)
    report = struct.unpack("!BBHIIIIII", stream.sender_report(1.0, utc_s=0.5))
    # half a second after 1970: 2,208,988,800 s after 1900 and half of 2**32
    assert report == (0x80, 200, 6, 9, 2_208_988_800, 2**31, 90_000, 2, 5)


def test_a_goodbye_follows_a_last_report_and_names_the_source():
    stream = RtpStream(0x01020304)
    report = stream.sender_report(1.0, utc_s=0.0)
    assert stream.goodbye(1.0, utc_s=0.0) == report + bytes.fromhex("81cb0001 01020304")
