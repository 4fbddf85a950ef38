"""SQLite files in, what all of them are used by out: a connection beside the writer, a step, a filter."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file for reading beside whoever writes it; nobody waits for the other."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        yield database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Keep what the block writes as a whole or not at all; the connection has `isolation_level` None."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    finally:
        if database.in_transaction:  # SQLite itself may have rolled back when the disk is full
            database.execute("ROLLBACK")


def all_of(conditions: Mapping[str, object]) -> tuple[str, tuple[object, ...]]:
    """Return the conditions that have a value, each followed by AND, and their values.

    A tuple is one of several values: `"camera IN": ("a", "b")` is `camera IN (?, ?) AND `.
    """
    text = ""
    values: list[object] = []
    for condition, value in conditions.items():
        if isinstance(value, tuple):
            text += f"{condition} ({', '.join('?' * len(value))}) AND "
            values.extend(value)
        elif value is not None:
            text += f"{condition} AND "
            values.append(value)
    return text, tuple(values)
