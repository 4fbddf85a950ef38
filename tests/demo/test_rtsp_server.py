"""The RTSP server, with FFmpeg (through PyAV) as its client."""

import socket
import subprocess
import sys
import threading
import time
from itertools import islice, pairwise

import av
import numpy as np
import pytest

from daemon.demo.channel import Fault
from daemon.demo.feeds import Loop, load_file
from daemon.demo.rtsp_server import RtspServer


@pytest.fixture(scope="module")
def loop(video):
    return load_file(video)


@pytest.fixture
def server(loop):
    with RtspServer({"porch": loop, "yard": loop}) as running:
        yield running


def request(server, text):
    """Send one request by hand and return the whole reply."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        return connection.recv(4096).decode()


def opened(url, timeout_s=5):
    return av.open(url, options={"rtsp_transport": "tcp", "analyzeduration": "0"}, timeout=timeout_s)


def nth(items, number):
    """Return the item after `number` others."""
    return next(islice(items, number, None))


def grey(frame):
    return frame.to_ndarray(format="gray")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_client_decodes_exactly_the_pictures_of_the_file(server, video, read_frames, transport):
    served = read_frames(server.url("porch"), 25, transport)
    with av.open(str(video)) as container:
        direct = [grey(frame) for frame in container.decode(video=0)]
    assert all(np.array_equal(grey(frame), picture) for frame, picture in zip(served, direct, strict=False))


def test_timestamps_go_on_evenly_over_the_seam_of_the_loop(server, read_frames):
    served = read_frames(server.url("porch"), 40)  # the file holds 30 pictures at 20 a second
    assert [frame.pts for frame in served[1:]] == [4500 * number for number in range(1, 40)]


def test_the_loop_starts_again_with_the_first_picture(server, read_frames):
    served = read_frames(server.url("porch"), 31)
    assert np.array_equal(grey(served[30]), grey(served[0]))


def test_pictures_come_no_faster_than_their_timestamps(server):
    with opened(server.url("porch")) as container:
        packets = container.demux(video=0)
        nth(packets, 30)  # what FFmpeg read ahead to know the stream
        began_s = time.monotonic()
        nth(packets, 19)
    # 19 pictures at 20 a second, the first of them on its way already. A busy machine may take longer.
    assert time.monotonic() - began_s >= 0.8


def test_every_client_starts_at_the_beginning_and_none_disturbs_another(server, read_frames):
    first = read_frames(server.url("porch"), 3)
    second = read_frames(server.url("yard"), 3)
    assert [grey(frame).tobytes() for frame in first] == [grey(frame).tobytes() for frame in second]


def test_an_unknown_camera_is_not_found(server):
    with pytest.raises(av.HTTPNotFoundError):
        opened(server.url("cellar"))


def test_a_camera_that_is_gone_is_not_found_and_cuts_its_clients_off(server):
    with opened(server.url("porch")) as container:
        frames = container.decode(video=0)
        next(frames)
        server.fail("porch", Fault.GONE)
        with pytest.raises((av.FFmpegError, StopIteration)):
            nth(frames, 100)
    with pytest.raises(av.HTTPNotFoundError):
        opened(server.url("porch"))


def test_a_healed_camera_plays_again(server, read_frames):
    server.fail("porch", Fault.GONE)
    server.heal("porch")
    assert len(read_frames(server.url("porch"), 2)) == 2


def test_a_dropped_client_can_come_back_at_once(server, read_frames):
    with opened(server.url("porch")) as container:
        frames = container.decode(video=0)
        next(frames)
        server.drop("porch")
        with pytest.raises((av.FFmpegError, StopIteration)):
            nth(frames, 100)
    assert len(read_frames(server.url("porch"), 2)) == 2


def test_a_stall_shows_in_the_timestamps_when_it_is_over(server):
    with opened(server.url("porch")) as container:
        frames = container.decode(video=0)
        before = nth(frames, 4)
        server.fail("porch", Fault.STALL)
        threading.Timer(0.7, server.heal, ("porch",)).start()
        after = nth(frames, 40)
    # 41 pictures at 20 a second are 2.05 s, and the stall comes on top
    assert 2.6 < after.time - before.time < 3.5


def test_a_mute_camera_answers_nothing(server):
    server.fail("porch", Fault.MUTE)
    with pytest.raises(av.FFmpegError):
        opened(server.url("porch"), 0.5)


def test_a_garbled_camera_sends_nothing_that_decodes(server):
    server.fail("porch", Fault.GARBLE)
    with pytest.raises((av.FFmpegError, StopIteration)):  # noqa: SIM117
        with opened(server.url("porch"), 1) as container:
            next(container.decode(video=0))


def test_a_time_jump_shows_in_the_timestamps(server):
    with opened(server.url("porch")) as container:
        frames = container.decode(video=0)
        nth(frames, 2)
        server.jump("porch", 60.0)
        times_s = [next(frames).time for _ in range(50)]  # FFmpeg may have read 20 ahead
    leaps_s = [round(after - before, 3) for before, after in pairwise(times_s)]
    assert max(leaps_s) == 60.05


def test_a_feed_without_repeats_ends(video, read_frames):
    with RtspServer({"clip": load_file(video, repeats=1)}) as server:
        assert len(read_frames(server.url("clip"), 100)) == 30


def test_a_stopped_server_comes_back_on_its_port(loop, read_frames):
    server = RtspServer({"porch": loop})
    server.start()
    port = server.port
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with server:
        assert server.port == port
        assert len(read_frames(server.url("porch"), 2)) == 2


def test_a_taken_port_is_reported_where_the_server_starts(server, loop):
    with pytest.raises(OSError, match="address already in use"):
        RtspServer({"porch": loop}, port=server.port).start()


def test_wrong_credentials_are_refused_and_right_ones_play(loop, read_frames):
    with RtspServer({"porch": loop}, credentials="user:secret") as server:
        with pytest.raises(av.HTTPUnauthorizedError):
            av.open(
                server.url("porch", credentials="user:wrong"), options={"rtsp_transport": "tcp"}, timeout=5
            )
        assert len(read_frames(server.url("porch", credentials="user:secret"), 2)) == 2


def test_options_lists_the_methods(server):
    reply = request(server, "OPTIONS * RTSP/1.0\nCSeq: 3\n\n")
    assert reply.startswith("RTSP/1.0 200 OK\r\nCSeq: 3\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY")


def test_a_description_carries_the_parameter_sets(server):
    reply = request(server, f"DESCRIBE {server.url('porch')} RTSP/1.0\nCSeq: 1\n\n")
    assert "a=rtpmap:96 H264/90000\r\n" in reply
    assert "sprop-parameter-sets=Z" in reply  # an SPS starts with byte 67, which is "Z" in base64


@pytest.mark.parametrize(
    ("method", "status"), [("PLAY", "454 Session Not Found"), ("RECORD", "501 Not Implemented")]
)
def test_what_cannot_be_done_is_answered_with_a_status(server, method, status):
    assert request(server, f"{method} {server.url('porch')} RTSP/1.0\nCSeq: 1\n\n").startswith(
        f"RTSP/1.0 {status}"
    )


def test_a_transport_that_it_does_not_speak_is_refused(server):
    setup = f"SETUP {server.url('porch')}/trackID=0 RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP;multicast\n\n"
    assert request(server, setup).startswith("RTSP/1.0 461 Unsupported Transport")


def test_a_file_without_h264_is_refused_with_its_name(tmp_path):
    path = tmp_path / "still.mjpeg"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuvj420p")))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match=r"still\.mjpeg holds no H\.264 video"):
        load_file(path)


def test_packets_of_a_file_are_shared_by_all_its_cameras(loop):
    copies = [Loop(loop.parameter_sets, loop.segment) for _ in range(2)]
    assert next(copies[0].segments()) is next(copies[1].segments())


def test_as_a_process_it_prints_addresses_and_obeys_commands(video, read_frames):
    command = [sys.executable, "-m", "daemon.demo.rtsp_server", str(video), "--port", "0", "--copies", "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        urls = [process.stdout.readline().strip() for _ in range(2)]
        assert [url.rpartition("/")[2] for url in urls] == ["bar-0", "bar-1"]
        assert len(read_frames(urls[1], 2)) == 2
        process.stdin.write("gone bar-0\n")
        process.stdin.flush()
        assert len(read_frames(urls[1], 2)) == 2
        with pytest.raises(av.HTTPNotFoundError):
            opened(urls[0])
        process.stdin.close()
    assert process.returncode == 0
