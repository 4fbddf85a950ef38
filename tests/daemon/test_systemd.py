"""What systemd hears on its notify socket, and silence where there is none."""

import os
import socket

import pytest

from daemon.systemd import Systemd


@pytest.fixture
def manager(tmp_path):
    """Listen like systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


@pytest.fixture
def systemd(manager):
    return Systemd({"NOTIFY_SOCKET": manager.getsockname()})


def test_ready_comes_with_a_status(systemd, manager):
    systemd.ready("2 cameras")
    assert manager.recv(200) == b"READY=1\nSTATUS=2 cameras"


def test_alive_feeds_the_watchdog(systemd, manager):
    systemd.alive("1 of 2 cameras online")
    assert manager.recv(200) == b"WATCHDOG=1\nSTATUS=1 of 2 cameras online"


def test_reloading_carries_the_monotonic_time_in_microseconds(systemd, manager):
    systemd.reloading(12.5)
    assert manager.recv(200) == b"RELOADING=1\nMONOTONIC_USEC=12500000"


def test_stopping_is_said(systemd, manager):
    systemd.stopping()
    assert manager.recv(200) == b"STOPPING=1"


def test_an_abstract_socket_works_too():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0videobertd-test-{os.getpid()}")
        listener.settimeout(5)
        Systemd({"NOTIFY_SOCKET": f"@videobertd-test-{os.getpid()}"}).stopping()
        assert listener.recv(200) == b"STOPPING=1"


def test_without_systemd_nothing_happens():
    Systemd({}).ready("fine")


def test_a_socket_that_is_gone_does_no_harm(tmp_path):
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("fine")


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_the_time_allowed(environ, interval_s):
    assert Systemd(environ).watchdog_interval_s() == interval_s
