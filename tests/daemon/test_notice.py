"""What a person reads of an event."""

from zoneinfo import ZoneInfo

from daemon.notify.notice import event_notice
from pipeline.types import Severity
from tests.notices import message

BERLIN = ZoneInfo("Europe/Berlin")


def notice(one, picture=None, public_url=""):
    return event_notice(one, picture=picture, public_url=public_url, time_zone=BERLIN)


def test_a_beginning_says_what_where_and_when_by_the_clock_on_the_wall():
    told = notice(message(zones=["pool", "path"]))
    assert told.title == "porch: unusual"
    # 20:00 UTC in November is 21:00 in Berlin.
    assert told.body == "moves faster than usual\n2026-11-22 21:00:00\nzones: pool, path"
    assert told.severity is Severity.WARNING


def test_an_end_says_how_long_it_was():
    told = notice(message(type="end", explanation="it is over"))
    assert told.title == "porch: unusual, over"
    assert told.body == "it is over\n2026-11-22 21:00:00, for 0:01:12"


def test_a_link_leads_to_the_events_page_where_the_daemon_is_reached_from_outside():
    assert notice(message(event_id="a/b"), public_url="https://cams.example/").body.endswith(
        "\nhttps://cams.example/events/a%2Fb"
    )


def test_the_picture_is_named_after_camera_and_event():
    told = notice(message(), picture=b"jpeg")
    assert (told.picture, told.picture_name) == (b"jpeg", "porch-00cpd7gq3g0123456789abc.jpg")
