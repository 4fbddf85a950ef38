"""Estimators of dense flow in, one for whoever needs one now out: each holds megabytes of buffers.

Forty cameras that have one each hold half a gigabyte and push each other's buffers out of the caches; no
more can work at a time than there are cores.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2


class SearchPool:
    """Lends estimators that keep nothing from one pair of pictures to the next; any thread may borrow."""

    def __init__(self, make: Callable[[], cv2.DISOpticalFlow], *, most: int | None = None) -> None:
        self._make = make
        self._room = threading.BoundedSemaphore(most or os.cpu_count() or 1)
        # The last one given back is the first lent: it is still in the caches.
        self._free: list[cv2.DISOpticalFlow] = []

    @contextmanager
    def borrowed(self) -> Iterator[cv2.DISOpticalFlow]:
        """Lend an estimator within a `with`; waits while as many are lent as there are cores."""
        with self._room:
            try:
                search = self._free.pop()  # a list's own operations are atomic
            except IndexError:
                search = self._make()
            try:
                yield search
            finally:
                self._free.append(search)
