"""SQLite's steps and filters: whole or not at all, and never a value in the words of a query."""

import sqlite3
from contextlib import closing

import pytest

from daemon.sql import all_of, reading, transaction


@pytest.fixture
def database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a log.sqlite", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE events (camera)")
        yield database


def cameras(database):
    return [camera for (camera,) in database.execute("SELECT camera FROM events")]


def test_a_step_is_kept_when_its_block_ends(database, tmp_path):
    with transaction(database):
        database.execute("INSERT INTO events VALUES ('porch')")
    with reading(tmp_path / "a log.sqlite") as beside:
        assert cameras(beside) == ["porch"]


def test_nothing_of_a_step_that_fails_is_kept(database):
    with pytest.raises(sqlite3.ProgrammingError, match="bindings"), transaction(database):
        database.executemany("INSERT INTO events VALUES (?)", [("porch",), ("two", "columns")])
    assert cameras(database) == []
    with transaction(database):  # and the next one can begin
        pass


def test_whoever_reads_beside_the_writer_waits_for_nothing_and_writes_nothing(database, tmp_path):
    with transaction(database), reading(tmp_path / "a log.sqlite") as beside:
        database.execute("INSERT INTO events VALUES ('porch')")
        assert cameras(beside) == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            beside.execute("DELETE FROM events")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, ("", ())),
        ({"kind = ?": None}, ("", ())),
        ({"kind = ?": "fall", "seq < ?": 0}, ("kind = ? AND seq < ? AND ", ("fall", 0))),
        ({"camera IN": ("a", "b"), "seq < ?": 3}, ("camera IN (?, ?) AND seq < ? AND ", ("a", "b", 3))),
    ],
)
def test_only_conditions_with_a_value_count_and_values_are_bound(conditions, expected):
    assert all_of(conditions) == expected
