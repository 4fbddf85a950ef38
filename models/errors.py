"""The errors that can be shown to the user as they stand; pipeline/errors.py draws the whole tree."""


class VideobertdError(Exception):
    """An error with a one-sentence message that can be shown to the user as it stands."""


class CheckpointError(VideobertdError):
    """Raised when a checkpoint folder lacks a file, or holds one that this version cannot read."""
