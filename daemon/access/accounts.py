"""Names, passwords, tokens and sessions in, accounts out: one SQLite file that only its owner may read."""

import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon.access.passwords import hash_password, is_password, random_password
from daemon.access.rights import Account, Role
from daemon.tables import check_name
from pipeline.clock import Clock
from pipeline.errors import SettingsError

FILE_NAME = "access.sqlite"
TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY,
    role INTEGER NOT NULL,
    cameras TEXT,
    password TEXT NOT NULL,
    must_change INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    label TEXT NOT NULL,
    expires_utc_s REAL
) WITHOUT ROWID;
"""
FIRST_NAME = "admin"
# A session's key has no label; a token's has the one that its owner gave.
SESSION = ""


class AccountsError(SettingsError):
    """Raised when the file of the accounts cannot be used: it is damaged, or the disk does not take it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A key that does not expire: whose it is, and what for."""

    account: str
    label: str


class Accounts:
    """The accounts of one data folder, for the daemon and beside it; any thread may call.

    Of passwords argon2 hashes are kept; of tokens and sessions, which are 256 random bits, SHA-256.
    """

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._path = data_dir / FILE_NAME
        self._clock = clock
        self._lock = threading.Lock()
        self._is_made = False

    def create_first(self) -> str | None:
        """Create an admin where there is none, and return its password; None where there is one.

        Raises:
            SettingsError: The file cannot be used.
        """
        if any(account.role is Role.ADMIN for account in self.all()):
            return None
        password = random_password()
        self.add(Account(FIRST_NAME, Role.ADMIN, must_change=True), password)
        return password

    def add(self, account: Account, password: str) -> None:
        """Create an account.

        Raises:
            SettingsError: There is one of that name, or name or password cannot be used.
        """
        cameras = None if account.cameras is None else json.dumps(sorted(account.cameras))
        row = (account.name, int(account.role), cameras, _hashed(password), int(account.must_change))
        with _told_as_settings():
            check_name(account.name)
        with self._open() as database:
            try:
                database.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise SettingsError(f"there is an account {account.name!r} already") from error

    def remove(self, name: str) -> None:
        """Delete an account, its sessions and its tokens.

        Raises:
            SettingsError: There is none of that name, or it is the last admin.
        """
        with self._open() as database:
            self._known(database, name)
            query = "SELECT name FROM accounts WHERE role = ?"
            if database.execute(query, (int(Role.ADMIN),)).fetchall() == [(name,)]:
                raise SettingsError(f"{name!r} is the last admin: add another one first")
            database.execute("DELETE FROM accounts WHERE name = ?", (name,))

    def set_password(self, name: str, password: str, *, must_change: bool = False) -> None:
        """Change a password; every session of the account ends.

        Raises:
            SettingsError: There is no such account, or the password cannot be used.
        """
        hashed = _hashed(password)
        with self._open() as database:
            self._known(database, name)
            query = "UPDATE accounts SET password = ?, must_change = ? WHERE name = ?"
            database.execute(query, (hashed, int(must_change), name))
            database.execute("DELETE FROM keys WHERE account = ? AND label = ?", (name, SESSION))

    def names(self) -> tuple[str, ...]:
        """Return all accounts' names."""
        return tuple(account.name for account in self.all())

    def all(self) -> tuple[Account, ...]:
        """Return all accounts by name."""
        query = "SELECT name, role, cameras, must_change FROM accounts ORDER BY name"
        with self._open() as database:
            return tuple(_account(row) for row in database.execute(query))

    def check(self, name: str, password: str) -> Account | None:
        """Return the account of this name and password; it takes as long if there is none."""
        query = "SELECT password, name, role, cameras, must_change FROM accounts WHERE name = ?"
        with self._open() as database:
            row = database.execute(query, (name,)).fetchone()
        return _account(row[1:]) if is_password(password, row and row[0]) else None

    def begin_session(self, name: str, lasts_s: float) -> str:
        """Return the key of a new session."""
        now_s = self._clock.utc_s()
        with self._open() as database:
            database.execute("DELETE FROM keys WHERE expires_utc_s < ?", (now_s,))
            return _new_key(database, name, SESSION, expires_utc_s=now_s + lasts_s)

    def end_session(self, key: str) -> None:
        """End a session; one that is unknown has ended."""
        with self._open() as database:
            database.execute("DELETE FROM keys WHERE hash = ? AND label = ?", (_digest(key), SESSION))

    def add_token(self, name: str, label: str) -> str:
        """Return a new token of an account, for a program; it is told once.

        Raises:
            SettingsError: There is no such account, or the label cannot be used.
        """
        if not label.strip() or not label.isprintable() or len(label) > 64:
            raise SettingsError("a token needs a label of 1 to 64 printable letters, to be known again")
        with self._open() as database:
            self._known(database, name)
            return _new_key(database, name, label, expires_utc_s=None)

    def tokens(self) -> tuple[Token, ...]:
        """Return what tokens there are."""
        query = "SELECT account, label FROM keys WHERE label != ? ORDER BY account, label"
        with self._open() as database:
            return tuple(Token(*row) for row in database.execute(query, (SESSION,)))

    def remove_token(self, name: str, label: str) -> None:
        """Delete an account's tokens of this label.

        Raises:
            SettingsError: There is none.
        """
        with self._open() as database:
            query = "DELETE FROM keys WHERE account = ? AND label = ? AND label != ?"
            if not database.execute(query, (name, label, SESSION)).rowcount:
                raise SettingsError(f"{name!r} has no token {label!r}")

    def of_session(self, key: str) -> Account | None:
        """Return whose session it is, None where it has ended."""
        return self._of_key(key, "keys.label = ''")

    def of_token(self, key: str) -> Account | None:
        """Return whose token it is."""
        return self._of_key(key, "keys.label != ''")

    def of_name(self, name: str) -> Account | None:
        """Return an account by its name alone, for whoever has checked it already."""
        query = "SELECT name, role, cameras, must_change FROM accounts WHERE name = ?"
        with self._open() as database:
            row = database.execute(query, (name,)).fetchone()
        return row and _account(row)

    def _of_key(self, key: str, condition: str) -> Account | None:
        query = f"""
            SELECT name, role, cameras, must_change FROM keys JOIN accounts ON name = account
            WHERE hash = ? AND {condition} AND (expires_utc_s IS NULL OR expires_utc_s > ?)
        """  # noqa: S608 - the condition is one of the two above
        with self._open() as database:
            row = database.execute(query, (_digest(key), self._clock.utc_s())).fetchone()
        return row and _account(row)

    def _known(self, database: sqlite3.Connection, name: str) -> None:
        if not database.execute("SELECT 1 FROM accounts WHERE name = ?", (name,)).fetchone():
            raise SettingsError(f"there is no account {name!r}")

    def _make(self) -> None:
        """Make the file and its tables, once."""
        if self._is_made:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with closing(sqlite3.connect(self._path)) as database:
            database.executescript(TABLES)
        self._is_made = True

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one step, which is kept as a whole or not at all."""
        try:
            with self._lock:
                self._make()
                with closing(sqlite3.connect(self._path)) as database, database:
                    database.execute("PRAGMA foreign_keys = ON")
                    yield database
        except (sqlite3.DatabaseError, OSError) as error:
            raise AccountsError(f"{self._path} cannot be used for accounts: {error}") from error


def _account(row: tuple[str, int, str | None, int]) -> Account:
    name, role, cameras, must_change = row
    seen: Collection[str] | None = None if cameras is None else json.loads(cameras)
    return Account(name, Role(role), None if seen is None else frozenset(seen), bool(must_change))


def _new_key(database: sqlite3.Connection, name: str, label: str, *, expires_utc_s: float | None) -> str:
    key = secrets.token_urlsafe(32)
    database.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", (_digest(key), name, label, expires_utc_s))
    return key


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _hashed(password: str) -> str:
    with _told_as_settings():
        return hash_password(password)


@contextmanager
def _told_as_settings() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise SettingsError(str(error)) from error
