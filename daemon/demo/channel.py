"""One virtual camera: its feed, how it fails at the moment, and the clients that it plays to."""

import asyncio
import random
import time
from enum import StrEnum
from typing import Protocol

from daemon.demo.feeds import Feed
from daemon.demo.rtp import RtpStream

REPORT_INTERVAL_S = 5.0


class Fault(StrEnum):
    """What can be wrong with a virtual camera until it is healed."""

    STALL = "stall"  # connections stay open, no picture comes
    GONE = "gone"  # 404, and connected clients are cut off
    MUTE = "mute"  # accepts connections and requests, answers nothing
    GARBLE = "garble"  # well-formed packets with noise inside


class Carrier(Protocol):
    """Takes packets to one client, over the RTSP connection or by UDP."""

    async def send(self, packets: list[bytes]) -> None:
        """Send RTP packets; wait while the client cannot take more."""

    def send_control(self, packet: bytes) -> None:
        """Send an RTCP packet."""

    def abort(self) -> None:
        """Cut the client off without a word."""


class Channel:
    """A feed and its faults; touched from the server's event loop only."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.fault: Fault | None = None
        self.shift_s = 0.0
        self.flowing = asyncio.Event()
        self.players: set[Player] = set()

    def open(self) -> None:
        """Make ready for a new event loop."""
        self.flowing = asyncio.Event()
        if self.fault is not Fault.STALL:
            self.flowing.set()

    def fail(self, fault: Fault) -> None:
        """Fail in the given way from now on."""
        self.heal()
        self.fault = fault
        if fault is Fault.STALL:
            self.flowing.clear()
        elif fault in {Fault.GONE, Fault.MUTE}:
            self.drop()

    def heal(self) -> None:
        """Work again."""
        self.fault = None
        self.flowing.set()

    def drop(self) -> None:
        """Cut every client off."""
        for player in self.players:
            player.carrier.abort()

    def jump(self, seconds_s: float) -> None:
        """Shift the timestamps of everything sent from now on."""
        self.shift_s += seconds_s


class Player:
    """Plays a channel to one client, paced by the pictures' own times."""

    def __init__(self, channel: Channel, carrier: Carrier, rtp: RtpStream) -> None:
        self.carrier = carrier
        self._channel = channel
        self._rtp = rtp
        self._report_due_s = 0.0

    async def run(self) -> None:
        """Play until the feed ends or the client is gone."""
        self._channel.players.add(self)
        try:
            end_s = await self._play()
            self.carrier.send_control(self._rtp.goodbye(end_s, time.time()))
        finally:
            self._channel.players.discard(self)

    async def _play(self) -> float:
        began_s = asyncio.get_running_loop().time()
        paused_s = played_s = 0.0
        for segment in self._channel.feed.segments():
            for unit in segment.units:
                await _sleep_until(began_s + paused_s + played_s + unit.send_s)
                paused_s += await self._wait_out_a_stall()
                present_s = paused_s + played_s + unit.present_s + self._channel.shift_s
                self._report(present_s)
                await self.carrier.send(self._rtp.packets(self._spoil(unit.payloads), present_s))
            played_s += segment.duration_s
        return paused_s + played_s

    async def _wait_out_a_stall(self) -> float:
        if self._channel.flowing.is_set():
            return 0.0
        loop = asyncio.get_running_loop()
        since_s = loop.time()
        await self._channel.flowing.wait()
        return loop.time() - since_s

    def _report(self, present_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._report_due_s:
            self._report_due_s = now_s + REPORT_INTERVAL_S
            self.carrier.send_control(self._rtp.sender_report(present_s, time.time()))

    def _spoil(self, payloads: tuple[bytes, ...]) -> tuple[bytes, ...]:
        if self._channel.fault is not Fault.GARBLE:
            return payloads
        return tuple(random.randbytes(len(payload)) for payload in payloads)  # noqa: S311 - noise, no secret


async def _sleep_until(due_s: float) -> None:
    await asyncio.sleep(due_s - asyncio.get_running_loop().time())
