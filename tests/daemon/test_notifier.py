"""The notifier on a log, a service and a clock that a test moves: order, retries, restarts, pictures."""

import logging

import pytest

from daemon.notify.notifier import POLL_S
from daemon.notify.rule import NotifyRule
from daemon.notify.service import ServiceError
from tests.notices import Desk, gone, refusing

OTHER = "00cpd7gq3g0123456789abd"


def begun(folder, rule=None, **options):
    """Return a desk whose notifier has run before, so that what comes next is told."""
    desk = Desk(folder, rule, **options)
    desk.run()
    return desk


def test_a_service_that_is_new_begins_with_what_comes_next(tmp_path):
    desk = Desk(tmp_path)
    desk.log.append()
    desk.run()
    desk.log.append(OTHER, label="fall")
    assert desk.run() == [POLL_S]
    assert desk.told() == ["porch: fall"]
    assert desk.count("sent") == 1


def test_a_restart_goes_on_where_the_last_run_ended(tmp_path):
    desk = begun(tmp_path)
    desk.log.append(label="one")
    desk.run()
    desk.log.append(OTHER, label="two")
    desk.run()
    desk.run()
    assert desk.told() == ["porch: one", "porch: two"]


def test_what_was_sent_is_not_sent_again_though_the_daemon_is_killed_right_after(tmp_path):
    desk = begun(tmp_path)
    desk.log.append(label="one")
    desk.log.append(OTHER, label="two")
    desk.service.script = [None, KeyboardInterrupt()]  # nothing catches it: nothing is written any more
    with pytest.raises(KeyboardInterrupt):
        desk.run()
    desk.run()
    assert desk.told() == ["porch: one", "porch: two"]


def test_a_message_that_was_not_taken_is_tried_again_with_longer_waits_and_the_next_ones_wait(tmp_path):
    desk = begun(tmp_path)
    desk.log.append(label="one")
    desk.log.append(OTHER, label="two")
    desk.service.script = gone(times=3)
    waits = desk.run(turns=4)
    # Doubling from 1 s, with jitter between half of it and all of it.
    assert [low <= wait <= 2 * low for low, wait in zip((0.5, 1.0, 2.0), waits[:3], strict=True)] == [
        True
    ] * 3
    assert waits[3] == POLL_S
    assert desk.told() == ["porch: one", "porch: two"]
    assert desk.failures("unreachable") == 3


def test_a_failure_is_logged_once_going_down_and_once_coming_back(tmp_path, caplog):
    desk = begun(tmp_path)
    desk.log.append()
    desk.service.script = gone(times=3)
    with caplog.at_level(logging.INFO):
        desk.run(turns=3)
        assert not desk.is_up()
        desk.run()
    assert [record.message for record in caplog.records] == [
        "notify.phone: the service cannot be reached; it is tried again"
    ]
    desk.service.script = gone(times=1)
    desk.log.append(OTHER)
    with caplog.at_level(logging.INFO):
        desk.run(turns=2)
    assert caplog.records[-1].message == "notify.phone: messages are taken again"
    assert desk.is_up()


def test_what_the_service_missed_in_a_restart_is_told_after_it(tmp_path):
    desk = begun(tmp_path)
    desk.log.append(label="one")
    desk.service.script = gone(times=2)
    desk.run(turns=2)
    desk.clock.advance(600)
    desk.run()
    assert desk.told() == ["porch: one"]


def test_what_could_not_be_told_for_too_long_is_counted_and_what_is_younger_is_told(tmp_path):
    desk = begun(tmp_path, NotifyRule(cooldown_s=0, max_age_s=3600))
    desk.log.append(label="old")
    desk.clock.advance(3500)
    desk.log.append(OTHER, label="young")
    desk.clock.advance(200)
    desk.run()
    assert desk.told() == ["porch: young"]
    assert (desk.count("too_old"), desk.count("sent")) == (1, 1)


def test_after_an_outage_the_cooldown_holds_as_if_there_had_been_none(tmp_path):
    desk = begun(tmp_path, NotifyRule(cooldown_s=300))
    for number in range(4):  # at 0, 150, 300 and 450 s: the first and the third are told
        desk.log.append(f"00cpd7gq3g0123456789ab{number}", label=f"at {number * 150}")
        desk.clock.advance(150)
    desk.run()
    assert desk.told() == ["porch: at 0", "porch: at 300"]
    assert desk.count("cooldown") == 2


def test_the_cooldown_of_one_camera_is_not_that_of_another(tmp_path):
    desk = begun(tmp_path, NotifyRule(cooldown_s=300))
    desk.log.append()
    desk.log.append(OTHER, camera="yard")
    desk.run()
    assert desk.told() == ["porch: unusual", "yard: unusual"]


def test_beginning_and_end_are_told_though_the_daemon_restarts_between_them(tmp_path):
    desk = begun(tmp_path, NotifyRule(ends=True, cooldown_s=300))
    desk.log.append()
    desk.log.append(OTHER, label="held back")
    desk.run()
    desk.log.append(type="end", end_utc="2023-11-14T22:14:32.000Z")
    desk.log.append(OTHER, label="held back", type="end", end_utc="2023-11-14T22:14:32.000Z")
    desk.run()
    assert desk.told() == ["porch: unusual", "porch: unusual, over"]


def test_a_message_waits_for_its_picture_and_goes_without_after_three_seconds(tmp_path):
    desk = begun(tmp_path, with_picture=True)
    desk.log.append("late")
    desk.log.append("never", label="without")
    assert desk.run(turns=3) == [POLL_S] * 3
    assert desk.told() == []
    desk.pictures["late"] = b"jpeg"
    desk.run(turns=5)  # up to 3.5 s after the event, by 0.5 s each
    assert [(one.title, one.picture) for one in desk.service.taken] == [
        ("porch: unusual", b"jpeg"),
        ("porch: without", None),
    ]


def test_a_cameras_own_event_waits_for_no_picture(tmp_path):
    desk = begun(tmp_path, with_picture=True)
    desk.log.append(kind="camera", label="offline")
    desk.run()
    assert desk.told() == ["porch: offline"]


def test_a_service_that_refuses_gets_the_message_without_the_picture_next(tmp_path):
    desk = begun(tmp_path, with_picture=True)
    desk.log.append("large")
    desk.pictures["large"] = b"jpeg"
    desk.service.script = refusing(times=1)
    desk.run(turns=2)
    assert [notice.picture for notice in desk.service.asked] == [b"jpeg", None]
    assert desk.told() == ["porch: unusual"]


def test_after_five_refusals_the_next_message_has_its_turn(tmp_path):
    desk = begun(tmp_path)
    desk.log.append(label="poison")
    desk.log.append(OTHER, label="next")
    desk.service.script = refusing(times=5)
    desk.run(turns=5)
    assert desk.told() == ["porch: next"]
    assert (desk.count("refused"), desk.failures("refused")) == (1, 5)
    desk.run()
    assert desk.told() == ["porch: next"]


def test_a_service_that_is_busy_is_asked_until_it_takes_the_message(tmp_path):
    desk = begun(tmp_path)
    desk.log.append()
    desk.service.script = [ServiceError("busy", "the service answers 429")] * 9
    desk.run(turns=10)
    assert desk.told() == ["porch: unusual"]


def test_a_log_that_cannot_be_read_is_tried_again(tmp_path):
    desk = begun(tmp_path)
    desk.log.append()
    desk.log.broken = True
    desk.run(turns=2)
    assert desk.failures("log") == 2
    desk.log.broken = False
    desk.run()
    assert desk.told() == ["porch: unusual"]


def test_a_log_that_was_moved_away_begins_again_with_its_numbers(tmp_path):
    desk = begun(tmp_path)
    desk.log.append()
    desk.log.append(OTHER)
    desk.run()
    desk.log.entries.clear()
    desk.run()
    desk.log.append("00cpd7gq3g0123456789abe", label="first of the new log")
    desk.run()
    assert desk.told()[-1] == "porch: first of the new log"
