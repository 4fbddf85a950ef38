"""Every error that the pipeline raises on purpose.

VideobertdError
├── SettingsError          the user's settings cannot be used; exit code 3 before any thread starts
├── CheckpointError        the model's files are missing, damaged or of another version
├── StateError             what a camera has learned cannot be read back; it learns anew
└── SourceError            the camera's side failed; the camera is retried with backoff
    ├── SourceUnreachable  nothing answers at that address, or it refuses
    ├── SourceRefused      the camera does not accept the user or the password; it is asked rarely
    ├── SourceStalled      connected, but no frame came within the time allowed
    ├── SourceEnded        the stream ended; for a live camera that is a failure
    └── SourceGarbled      what arrives cannot be decoded
"""

from models.errors import CheckpointError, VideobertdError

__all__ = [
    "CheckpointError",
    "SettingsError",
    "SourceEnded",
    "SourceError",
    "SourceGarbled",
    "SourceRefused",
    "SourceStalled",
    "SourceUnreachable",
    "StateError",
    "VideobertdError",
]


class SettingsError(VideobertdError):
    """Raised when a settings file or value cannot be used; names the file, the key and what is allowed."""


class StateError(VideobertdError):
    """Raised when a saved state of a camera is damaged, of another version, or belongs to another encoder."""


class SourceError(VideobertdError):
    """Raised when a camera delivers no usable frames; `reason` is its metric label.

    `wait_s` is how long to leave the camera alone, beyond the backoff.
    """

    reason = "error"
    wait_s = 0.0


class SourceUnreachable(SourceError):  # noqa: N818 - the reason reads better without a suffix
    """Raised when a source cannot be opened: not found, no route, connection refused."""

    reason = "unreachable"


class SourceRefused(SourceError):  # noqa: N818
    """Raised when a source wants another user or password; many cameras lock an account after some tries."""

    reason = "refused"
    wait_s = 60.0


class SourceStalled(SourceError):  # noqa: N818
    """Raised when an open source delivers no frame within the time allowed."""

    reason = "stalled"


class SourceEnded(SourceError):  # noqa: N818
    """Raised when a source ends; a file that is not looped ends once and for all."""

    reason = "ended"


class SourceGarbled(SourceError):  # noqa: N818
    """Raised when what a source sends cannot be decoded, or holds no video."""

    reason = "garbled"
