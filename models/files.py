"""Files and folders that are there whole or not at all, whatever happens while they are written.

Each place says whether what it writes is `durable`: what nobody could make again is on the disk, and survives
a power cut, when the block or the call ends. For everything else a whole file is enough, old or new, and the
disk need not be waited for.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_file(path: Path, content: bytes, *, durable: bool) -> None:
    """Give a file other content in one step.

    Raises:
        OSError: The disk does not take it; the file is as it was.
    """
    with replaced_file(path, durable=durable) as partial:
        partial.write_bytes(content)


@contextmanager
def replaced_file(path: Path, *, durable: bool, writer: str = "") -> Iterator[Path]:
    """Give a path, at which nothing is, for a file that takes the place of `path` if the block ends well.

    If it does not, `path` is as it was and nothing is left over. What a crash leaves is taken away by whoever
    writes the file next. So only one may write it at a time; or each is a `writer` with a name of its own.

    Raises:
        OSError: The disk does not take it.
    """
    partial = path.with_name(f"{path.name}{writer}.partial")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        if durable:
            _sync(partial)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    if durable:
        _sync(path.parent)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of `path` if the block ends well, and vanishes if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as parent:
        fresh, old = Path(parent) / "new", Path(parent) / "old"
        fresh.mkdir()
        yield fresh
        if path.exists():
            path.rename(old)
        fresh.rename(path)


def _sync(path: Path) -> None:
    """Wait until the disk has a file's content, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
