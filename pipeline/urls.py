"""A camera's URL in, its kind out; and texts with URLs in, texts that may be printed out."""

import re
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.errors import SettingsError

# User name and password: all up to the last @ before the host ends, as passwords hold @ and / unescaped.
_USER_INFO = re.compile(r"(?<=://)[^\s/?#]*@|(?<=://)[^\s@/:]+:[^\s?#]*@")
_SECRET_VALUE = re.compile(
    r"(?P<key>[?&;](?:[\w.-]*(?:token|pass|pwd|secret|key|auth|sig)[\w.-]*|user|username|usr|login)=)[^\s&;#'\"]*",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):")


class SourceKind(StrEnum):
    """How a source is read."""

    RTSP = "rtsp"
    HTTP = "http"
    FILE = "file"
    FOLDER = "folder"
    DEVICE = "device"


_KINDS = {
    "rtsp": SourceKind.RTSP,
    "rtsps": SourceKind.RTSP,
    "http": SourceKind.HTTP,
    "https": SourceKind.HTTP,
}


def redact_url(text: str) -> str:
    """Return `text`, a URL or a message with URLs in it, with every user, password and token as `***`.

    rtsp://admin:pw@192.0.2.7/s?token=7&channel=1 → rtsp://***@192.0.2.7/s?token=***&channel=1
    """
    return _SECRET_VALUE.sub(r"\g<key>***", _USER_INFO.sub("***@", text))


def source_kind(url: str) -> SourceKind:
    """Return how the source at `url` is read; a path is a file, a folder or a device.

    Raises:
        SettingsError: The scheme is none of rtsp, rtsps, http, https and file: FFmpeg knows many more,
            some of which start programs or join other files.
    """
    scheme = _SCHEME.match(url)
    name = scheme["scheme"].lower() if scheme else "file"
    if name in _KINDS and url[len(name) :].startswith("://"):
        return _KINDS[name]
    if name != "file":
        allowed = ", ".join(f"{known}://" for known in (*_KINDS, "file"))
        raise SettingsError(f"{redact_url(url)!r} cannot be read; allowed are {allowed} and paths")
    path = source_path(url)
    if path.parent == Path("/dev"):
        return SourceKind.DEVICE
    return SourceKind.FOLDER if path.is_dir() else SourceKind.FILE


def names_host(url: str) -> bool:
    """Say whether a URL with `://` names a host and, if at all, a port that there can be."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # an address without its ], or a port that is no number or too large
        return False


def source_path(url: str) -> Path:
    """Return the absolute path that a `file:` URL or a plain path names."""
    plain = unquote(urlsplit(url).path) if url[:5].lower() == "file:" else url
    return Path(plain).expanduser().absolute()
