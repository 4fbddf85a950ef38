"""A coroutine in a thread: its port, its end, its refusal to start."""

import asyncio
import threading

import pytest

from daemon.demo.loop_thread import LoopThread


def serving(name_of_thread):
    async def serve(tell_port, stopping):
        name_of_thread.append(threading.current_thread().name)
        tell_port(4242)
        await stopping.wait()

    return LoopThread("server", serve)


def test_it_serves_in_a_thread_of_its_name_until_it_is_stopped_and_can_start_again():
    names = []
    thread = serving(names)
    for _ in range(2):
        assert thread.start() == 4242
        thread.stop()
    assert names == ["server", "server"]


def test_a_call_runs_in_the_servers_thread_and_at_once_where_nothing_runs():
    called = threading.Event()
    where = []

    def act():
        where.append(threading.current_thread().name)
        called.set()

    thread = serving([])
    thread.call(act)
    thread.start()
    called.clear()
    thread.call(act)
    assert called.wait(5)
    thread.stop()
    assert where == [threading.current_thread().name, "server"]


def test_a_server_that_cannot_listen_says_so_at_its_start():
    async def serve(_tell_port, _stopping):
        await asyncio.sleep(0)
        raise OSError("the port is taken")

    with pytest.raises(OSError, match="the port is taken"):
        LoopThread("server", serve).start()


def test_stopping_what_never_ran_does_nothing():
    serving([]).stop()
