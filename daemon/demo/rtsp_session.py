"""One client's RTSP 1.0 connection: requests in, replies and the camera's packets out (RFC 2326)."""

import asyncio
import base64
import contextlib
import random
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from daemon.demo.channel import Carrier, Channel, Fault, Player
from daemon.demo.rtp import CLOCK_HZ, PAYLOAD_TYPE, ParameterSets, RtpStream

METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
REASONS = {
    200: "OK",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    461: "Unsupported Transport",
}
REASONS |= {501: "Not Implemented"}


@dataclass(frozen=True, slots=True)
class Request:
    """One parsed request; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def camera(self) -> str:
        """Return the camera's name: the path without the track that SETUP appends."""
        return urlsplit(self.url).path.strip("/").removesuffix("/trackID=0")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to a request."""

    status: int = 200
    headers: tuple[str, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """What a session may reach: the cameras, who may see them, and the sockets for UDP."""

    channels: Mapping[str, Channel]
    credentials: str | None
    rtp_socket: socket.socket
    rtcp_socket: socket.socket


class InterleavedCarrier:
    """RTP and RTCP within the RTSP connection (RFC 2326, section 10.12)."""

    def __init__(self, writer: asyncio.StreamWriter, rtp_channel: int) -> None:
        self._writer = writer
        self._rtp_channel = rtp_channel

    async def send(self, packets: list[bytes]) -> None:
        """Write all packets at once; wait while the client's buffer is full."""
        self._writer.write(b"".join(_framed(self._rtp_channel, packet) for packet in packets))
        await self._writer.drain()

    def send_control(self, packet: bytes) -> None:
        """Write an RTCP packet on the next channel number."""
        self._writer.write(_framed(self._rtp_channel + 1, packet))

    def abort(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()


class UdpCarrier:
    """RTP and RTCP as datagrams from the server's two shared sockets."""

    def __init__(self, writer: asyncio.StreamWriter, access: Access, client_port: int) -> None:
        host = writer.get_extra_info("peername")[0]
        self._writer = writer
        self._access = access
        self._rtp_address = (host, client_port)
        self._rtcp_address = (host, client_port + 1)

    async def send(self, packets: list[bytes]) -> None:
        """Send the datagrams; what the network cannot take is lost, as UDP has it."""
        with contextlib.suppress(BlockingIOError):
            for packet in packets:
                self._access.rtp_socket.sendto(packet, self._rtp_address)

    def send_control(self, packet: bytes) -> None:
        """Send an RTCP datagram."""
        with contextlib.suppress(BlockingIOError):
            self._access.rtcp_socket.sendto(packet, self._rtcp_address)

    def abort(self) -> None:
        """Reset the RTSP connection that this stream hangs on."""
        self._writer.transport.abort()


class RtspSession:
    """Answers the requests of one connection and plays to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, access: Access) -> None:
        self._reader = reader
        self._writer = writer
        self._access = access
        self._id = f"{random.getrandbits(32):08x}"
        self._player: Player | None = None
        self._playing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until the client leaves or is cut off."""
        try:
            while (request := await self._read_request()) is not None:
                await self._serve(request)
                if request.method == "TEARDOWN":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # clients leave without a word all the time
        finally:
            await self._end()

    def abort(self) -> None:
        """Cut the client off."""
        self._writer.transport.abort()

    async def _read_request(self) -> Request | None:
        while (first := await self._reader.read(1)) == b"$":  # a receiver report of the client
            header = await self._reader.readexactly(3)
            await self._reader.readexactly(int.from_bytes(header[1:], "big"))
        if not first:
            return None
        text = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = text.strip().split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines[1:])
        }
        await self._reader.readexactly(int(headers.get("content-length", 0)))
        method, url, _ = (*lines[0].split(" "), "", "")[:3]
        return Request(method, url, headers)

    async def _serve(self, request: Request) -> None:
        channel = self._access.channels.get(request.camera)
        if channel is not None and channel.fault is Fault.MUTE:
            return
        reply = self._reply(request, channel)
        lines = [
            f"RTSP/1.0 {reply.status} {REASONS[reply.status]}",
            f"CSeq: {request.headers.get('cseq', 0)}",
        ]
        lines += [*reply.headers, f"Content-Length: {len(reply.body)}", "", reply.body]
        self._writer.write("\r\n".join(lines).encode())
        await self._writer.drain()
        if request.method == "PLAY" and self._playing is None and self._player is not None:
            self._playing = asyncio.create_task(self._player.run())

    def _reply(self, request: Request, channel: Channel | None) -> Reply:
        if request.method == "OPTIONS":
            return Reply(headers=(f"Public: {METHODS}",))
        if not self._is_authorised(request):
            return Reply(401, ('WWW-Authenticate: Basic realm="cameras"',))
        if channel is None or channel.fault is Fault.GONE:
            return Reply(404)
        if request.method == "DESCRIBE":
            return _describe(request.url, channel.feed.parameter_sets)
        if request.method == "SETUP":
            return self._set_up(request.headers.get("transport", ""), channel)
        return self._continue(request.method)

    def _continue(self, method: str) -> Reply:
        if method not in {"PLAY", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"}:
            return Reply(501)
        return Reply(454) if self._player is None else Reply(headers=(f"Session: {self._id}",))

    def _is_authorised(self, request: Request) -> bool:
        if self._access.credentials is None:
            return True
        expected = base64.b64encode(self._access.credentials.encode()).decode()
        return request.headers.get("authorization") == f"Basic {expected}"

    def _set_up(self, transport: str, channel: Channel) -> Reply:
        interleaved = re.search(r"TCP.*interleaved=(\d+)", transport)
        datagrams = re.search(r"client_port=(\d+)", transport)
        carrier: Carrier
        if interleaved:
            first = int(interleaved[1])
            carrier = InterleavedCarrier(self._writer, first)
            accepted = f"RTP/AVP/TCP;unicast;interleaved={first}-{first + 1}"
        elif datagrams:
            first = int(datagrams[1])
            carrier = UdpCarrier(self._writer, self._access, first)
            ports = f"{_port(self._access.rtp_socket)}-{_port(self._access.rtcp_socket)}"
            accepted = f"RTP/AVP;unicast;client_port={first}-{first + 1};server_port={ports}"
        else:
            return Reply(461)
        self._player = Player(channel, carrier, _new_stream())
        return Reply(headers=(f"Transport: {accepted}", f"Session: {self._id};timeout=60"))

    async def _end(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await self._playing
        self._writer.close()


def _new_stream() -> RtpStream:
    # FFmpeg takes a first timestamp of 0 for none at all and then counts from the second picture.
    return RtpStream(
        random.getrandbits(32), sequence=random.getrandbits(16), timestamp=1 + random.getrandbits(31)
    )


def _describe(url: str, sets: ParameterSets) -> Reply:
    encoded = ",".join(base64.b64encode(nal).decode() for nal in (sets.sps, sets.pps))
    format_parameters = f"profile-level-id={sets.sps[1:4].hex()};sprop-parameter-sets={encoded}"
    lines = (
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=videobertd demo camera",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;{format_parameters}",
        "a=control:trackID=0",
    )
    headers = ("Content-Type: application/sdp", f"Content-Base: {url.rstrip('/')}/")
    return Reply(headers=headers, body="".join(f"{line}\r\n" for line in lines))


def _framed(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet


def _port(opened: socket.socket) -> int:
    return int(opened.getsockname()[1])
