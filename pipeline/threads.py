"""Targets in, named threads out, all in one group: the first failure stops every one of them."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

NICENESS = 10

Target = Callable[[threading.Event], None]


class Worker:
    """One thread of a group; its stop event is set by `stop` and when the group stops."""

    def __init__(self, name: str, thread: threading.Thread, stop: threading.Event) -> None:
        self.name = name
        self._thread = thread
        self._stop = stop

    @property
    def is_alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ask the thread to end; it may take a moment."""
        self._stop.set()

    def join(self, deadline_s: float) -> bool:
        """Wait up to `deadline_s` for the thread's end, and say whether it came."""
        self._thread.join(max(0.0, deadline_s))
        return not self._thread.is_alive()


def join_all(workers: Iterable[Worker], deadline_s: float) -> tuple[str, ...]:
    """Wait up to `deadline_s` in all for the threads' ends; return the names of those that still run."""
    ends_s = time.monotonic() + deadline_s
    return tuple(worker.name for worker in workers if not worker.join(ends_s - time.monotonic()))


def in_background(target: Target) -> Target:
    """Return a target whose thread lets all others go first, where the system knows priorities of threads."""

    def run(stop: threading.Event) -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        target(stop)

    return run


class ThreadGroup:
    """All threads of the program; they come and go until the group stops.

    The threads are daemonic: one that is stuck in a driver keeps no process alive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._workers: list[Worker] = []
        self._failure: BaseException | None = None

    @property
    def failure(self) -> BaseException | None:
        """Return what the first thread that failed raised."""
        return self._failure

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the threads that run, in the order of their start."""
        with self._lock:
            return tuple(worker.name for worker in self._workers if worker.is_alive)

    def start(self, name: str, target: Target) -> Worker:
        """Run `target` in a new thread, with a stop event of its own, which a stopping group sets at once."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(name, target, stop), name=name, daemon=True)
        worker = Worker(name, thread, stop)
        with self._lock:
            self._workers = [known for known in self._workers if known.is_alive]
            if self._stopping.is_set():
                stop.set()
            thread.start()
            self._workers.append(worker)
        return worker

    def stop(self) -> None:
        """Ask every thread to end; not to be called from a signal handler, as it takes a lock."""
        with self._lock:
            self._stopping.set()
            for worker in self._workers:
                worker.stop()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the group stops, by `stop` or by a failure, and say whether it does."""
        return self._stopping.wait(timeout_s)

    def join(self, deadline_s: float) -> tuple[str, ...]:
        """Wait up to `deadline_s` in all for the threads' ends; return the names of those that still run."""
        with self._lock:
            workers = tuple(self._workers)
        return join_all(workers, deadline_s)

    def _run(self, name: str, target: Target, stop: threading.Event) -> None:
        try:
            target(stop)
        except BaseException as failure:  # the one place where a bug becomes an orderly stop
            logger.critical("thread %s failed; stopping everything", name, exc_info=failure)
            self._fail(failure)

    def _fail(self, failure: BaseException) -> None:
        with self._lock:
            if self._failure is None:
                self._failure = failure
        self.stop()
