"""Trouble: told when it begins and when it is over, however often it is met in between."""

import logging

import pytest

from pipeline.trouble import Trouble

logger = logging.getLogger("disk")


@pytest.fixture
def trouble(caplog):
    caplog.set_level(logging.INFO)
    return Trouble(logger, lambda reason: f"nothing is kept: {reason}", over="it is kept again")


def test_trouble_is_told_once_and_its_end_once(trouble, caplog):
    for reason in ("full", "full", "read-only"):
        trouble.failed(reason)
    for _ in range(2):
        trouble.succeeded()
    assert caplog.record_tuples == [
        ("disk", logging.ERROR, "nothing is kept: full"),
        ("disk", logging.INFO, "it is kept again"),
    ]


def test_the_newest_reason_can_be_asked_for(trouble):
    assert (trouble.reason, trouble.sentence) == ("", "")
    trouble.failed("full")
    trouble.failed(OSError("read-only"))
    assert (trouble.reason, trouble.sentence) == ("read-only", "nothing is kept: read-only")
    trouble.succeeded()
    assert (trouble.reason, trouble.sentence) == ("", "")


def test_trouble_without_a_reason_is_trouble(trouble):
    trouble.failed("")
    assert trouble.sentence == "nothing is kept: unknown"


def test_what_costs_little_is_only_a_warning(caplog):
    Trouble(logger, str, over="", level=logging.WARNING).failed("full")
    assert caplog.record_tuples == [("disk", logging.WARNING, "full")]
