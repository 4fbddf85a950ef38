"""Commands in, what they cost out: CPU seconds, memory and metrics of a running process over a window."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from daemon.quantiles import quantile_of

MIB = 2**20
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)

Series = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process used: CPU seconds per second, and resident memory at the end of the window."""

    cores: float
    memory_mib: float


@contextmanager
def running(command: list[str]) -> Iterator[psutil.Popen]:
    """Run a command with an open standard input; end it with the block."""
    with psutil.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=sys.stderr
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def cost(process: psutil.Popen, window_s: float) -> Cost:
    """Watch a process for a while.

    Raises:
        ChildProcessError: it ended meanwhile.
    """
    before, began_s = process.cpu_times(), time.monotonic()
    time.sleep(window_s)
    if process.poll() is not None:
        raise ChildProcessError(f"{process.args} ended with exit code {process.returncode}")
    after, ended_s = process.cpu_times(), time.monotonic()
    used_s = after.user + after.system - before.user - before.system
    return Cost(used_s / (ended_s - began_s), process.memory_info().rss / MIB)


def scrape(url: str) -> Series:
    """Read a Prometheus page: (name, labels as written) → value."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        text = answer.read().decode()
    return {(name, labels or ""): float(value) for name, labels, value in _SAMPLE.findall(text)}


def increase(before: Series, after: Series, name: str, *, containing: str = "") -> float:
    """Return by how much the series of a name grew, summed over those whose labels hold a text."""
    return sum(
        value - before.get(key, 0.0)
        for key, value in after.items()
        if key[0] == name and containing in key[1]
    )


def quantile(before: Series, after: Series, name: str, *, q: float) -> float:
    """Return a quantile of a histogram's growth; NaN where it did not grow."""
    grown = {
        float(re.search(r'le="([^"]+)"', labels)[1]): value - before.get((key, labels), 0.0)  # type: ignore[index]
        for (key, labels), value in after.items()
        if key == f"{name}_bucket"
    }
    found = quantile_of(grown, q)
    return float("nan") if found is None else found


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Wait for something to become true.

    Raises:
        TimeoutError: it did not in time.
    """
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"after {timeout_s} s still waiting for {what}")
        time.sleep(0.2)
