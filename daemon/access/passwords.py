"""Passwords in, argon2id hashes out; to check one takes as long whether there is such an account or not."""

import secrets
import string

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LETTERS = 10
MAX_BYTES = 1024
_ALPHABET = string.ascii_lowercase + string.digits

_hasher = PasswordHasher()  # argon2id with the library's parameters, those of RFC 9106
_NOBODY = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        ValueError: It is too short or too long.
    """
    if len(password) < MIN_LETTERS:
        raise ValueError(f"a password has {MIN_LETTERS} letters at least")
    if len(password.encode()) > MAX_BYTES:
        raise ValueError(f"a password has {MAX_BYTES} bytes at most")
    return _hasher.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Say whether `kept` is of this password; None is nobody's, which takes as long to find out."""
    if len(password.encode()) > MAX_BYTES:
        return False
    try:
        return _hasher.verify(kept or _NOBODY, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def random_password() -> str:
    """Return a password that nobody guesses and somebody can type: 20 letters and digits, 103 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
