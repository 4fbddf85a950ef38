"""A disk that takes nothing more, by a limit that the operating system sets to the tests' own process."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_disk(folder: Path | None = None) -> Iterator[None]:
    """Let no file grow beyond the longest one in the folder; without a folder, let none grow at all."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    longest = max(path.stat().st_size for path in folder.iterdir()) if folder else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
