"""Threads live and end together, and the first failure is the one that is reported."""

import os
import sys
import threading

import pytest

from pipeline.threads import NICENESS, ThreadGroup, in_background, join_all


def wait_for_stop(stop):
    stop.wait(10)


def fail(_stop):
    raise RuntimeError("boom")


def test_a_thread_carries_its_name():
    group, seen = ThreadGroup(), []
    group.start("capture[porch]", lambda _stop: seen.append(threading.current_thread().name))
    assert group.join(5) == ()
    assert seen == ["capture[porch]"]


def test_the_first_failure_stops_all_and_is_kept(caplog):
    group = ThreadGroup()
    group.start("calm", wait_for_stop)
    group.start("broken", fail)
    assert group.wait(5)
    assert group.join(5) == ()
    assert repr(group.failure) == "RuntimeError('boom')"
    assert "thread broken failed" in caplog.text


def test_a_thread_that_ends_by_itself_stops_nobody():
    group = ThreadGroup()
    group.start("short", lambda _stop: None).join(5)
    assert not group.wait(0)
    assert group.failure is None


def test_one_worker_can_be_stopped_alone():
    group = ThreadGroup()
    leaving, staying = group.start("leaving", wait_for_stop), group.start("staying", wait_for_stop)
    leaving.stop()
    assert leaving.join(5)
    assert (leaving.is_alive, staying.is_alive) == (False, True)
    assert group.names == ("staying",)
    group.stop()
    assert group.join(5) == ()


def test_a_thread_that_does_not_end_is_named():
    group, release = ThreadGroup(), threading.Event()
    stuck = group.start("stuck", lambda _stop: release.wait(10))
    group.stop()
    assert group.join(0.05) == ("stuck",)
    release.set()
    assert stuck.join(5)


def test_a_worker_of_a_stopped_group_is_told_at_once():
    group, seen = ThreadGroup(), []
    group.stop()
    group.start("late", lambda stop: seen.append(stop.is_set())).join(5)
    assert seen == [True]


def test_a_failure_without_exception_class_of_ours_counts_too(caplog):
    group = ThreadGroup()
    group.start("leaver", lambda _stop: (_ for _ in ()).throw(SystemExit(2)))
    assert group.wait(5)
    assert isinstance(group.failure, SystemExit)


def test_several_stuck_threads_share_one_deadline():
    allowed_s = []

    class Stuck:
        def __init__(self, name):
            self.name = name

        def join(self, deadline_s):
            allowed_s.append(deadline_s)
            threading.Event().wait(max(0.0, deadline_s))
            return False

    assert join_all([Stuck("first"), Stuck("second"), Stuck("third")], 0.1) == ("first", "second", "third")
    # The first takes all the time there is; a deadline in the past waits for nobody.
    assert 0.05 < allowed_s[0] <= 0.1
    assert max(allowed_s[1:]) <= 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities of their own elsewhere")
def test_a_thread_in_the_background_lets_the_others_go_first():
    group, found = ThreadGroup(), []

    def note(stop):
        found.append((os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), stop.is_set()))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    group.start("slow", in_background(note)).join(5)
    assert found == [(max(before, NICENESS), False)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
