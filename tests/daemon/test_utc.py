from hypothesis import given
from hypothesis import strategies as st

from daemon.utc import utc_seconds, utc_text


def test_times_are_utc_with_milliseconds():
    assert utc_text(1.25) == "1970-01-01T00:00:01.250Z"


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_a_time_survives_to_the_millisecond(utc_ms):
    assert round(utc_seconds(utc_text(utc_ms / 1000)) * 1000) == utc_ms
