"""The settings file itself: read as text, and replaced as a whole or not at all."""

import errno
import os
import stat
from pathlib import Path

from models.files import replaced_file
from pipeline.errors import SettingsError

_IN_WORDS = {
    errno.EROFS: "it lies on a read-only file system",
    errno.EBUSY: "it is mounted as a single file: mount the folder that it lies in",
    errno.EACCES: "the daemon may not write to it or to its folder",
    errno.EPERM: "its owner cannot be kept",
    errno.ENOSPC: "the disk is full",
}


class SettingsFile:
    """A file that other programs read and write, too; a link to it stays a link."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """The path as it was given, for messages."""
        return self._path

    def read(self) -> bytes:
        """Return what stands in the file.

        Raises:
            SettingsError: It cannot be read.
        """
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise SettingsError(f"the settings file cannot be read: {error.strerror}") from error

    def replace(self, content: bytes) -> None:
        """Put new content in the place of the old: after a crash one of both is there, whole.

        Raises:
            SettingsError: It cannot be written; the old content is untouched.
        """
        if self.obstacle:
            raise SettingsError(self.obstacle)
        target = self._path.resolve()
        try:
            state = target.stat()
            with replaced_file(target, durable=True) as fresh:
                # Nobody else may read it before it has the mode of the old: it may hold passwords.
                descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    _take_after(descriptor, state)
        except OSError as error:
            raise SettingsError(_sentence(error)) from error

    @property
    def obstacle(self) -> str:
        """Why the file cannot be changed, as far as that shows without trying; empty where it can."""
        target = self._path.resolve()
        refusing = [place for place in (target, target.parent) if not os.access(place, os.W_OK)]
        if not refusing:
            return ""
        is_missing = not refusing[0].exists()
        code = errno.ENOENT if is_missing else errno.EROFS if _is_read_only(refusing[0]) else errno.EACCES
        return _sentence(OSError(code, os.strerror(code)))


def _take_after(descriptor: int, state: os.stat_result) -> None:
    """Give an open file the owner and the mode of another."""
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (state.st_uid, state.st_gid):
        os.fchown(descriptor, state.st_uid, state.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(state.st_mode))


def _is_read_only(place: Path) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _sentence(error: OSError) -> str:
    reason = _IN_WORDS.get(error.errno or 0, error.strerror or "")
    return f"the settings file cannot be changed: {reason}"
