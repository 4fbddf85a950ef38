"""What is high for a moment is seen by whoever looks every other second."""

from pipeline.recent_peak import RecentPeak


def peaks(*levels, step_s):
    peak, seen = RecentPeak(), []
    for number, level in enumerate(levels):
        peak.add(number * step_s, level)
        seen.append(peak.level)
    return seen


def test_the_highest_level_holds_for_three_seconds():
    assert peaks(0.1, 0.6, 0.1, 0.2, 0.1, step_s=1.0) == [0.1, 0.6, 0.6, 0.6, 0.2]


def test_nothing_is_high_before_the_first_level_and_after_a_clear():
    peak = RecentPeak()
    assert peak.level == 0.0
    peak.add(0.0, 0.9)
    peak.clear()
    assert peak.level == 0.0


def test_a_clock_that_was_set_back_begins_anew():
    peak = RecentPeak()
    peak.add(1000.0, 0.9)
    peak.add(10.0, 0.1)
    assert peak.level == 0.1
