from daemon.board import Board, Notice
from tests.fakes import ManualClock


def test_a_payload_is_sent_once_until_it_changes():
    board = Board(ManualClock())
    board.put("a", b"1")
    assert board.take_due(9) == (Notice("a", b"1", 1),)
    board.put("a", b"1")
    assert board.take_due(9) == ()
    board.put("a", b"2", qos=0)
    assert board.take_due(9) == (Notice("a", b"2", 0),)


def test_at_most_one_message_goes_out_in_the_interval_and_it_is_the_newest():
    clock = ManualClock(monotonic=10.0)
    board = Board(clock)
    board.put("a", b"1", min_interval_s=1.0)
    assert len(board.take_due(9)) == 1
    clock.monotonic = 10.25
    board.put("a", b"2", min_interval_s=1.0)
    board.put("a", b"3", min_interval_s=1.0)
    assert (board.take_due(9), board.next_due_s()) == ((), 0.75)
    clock.monotonic = 11.0
    assert board.take_due(9) == (Notice("a", b"3", 1),)
    assert board.next_due_s() is None


def test_a_change_that_is_taken_back_is_not_sent():
    board = Board(ManualClock())
    board.put("a", b"1", min_interval_s=1.0)
    board.take_due(9)
    board.put("a", b"2", min_interval_s=1.0)
    board.put("a", b"1", min_interval_s=1.0)
    assert board.next_due_s() is None


def test_everything_is_sent_again_without_waiting_after_a_reconnect():
    board = Board(ManualClock())
    board.put("a", b"1", min_interval_s=1.0)
    board.put("b", b"2")
    board.take_due(9)
    board.repeat_all()
    assert [notice.topic for notice in board.take_due(9)] == ["a", "b"]


def test_what_was_changed_first_is_sent_first_and_no_more_than_there_is_room_for():
    board = Board(ManualClock())
    for topic in "abc":
        board.put(topic, b"1")
    assert [notice.topic for notice in board.take_due(2)] == ["a", "b"]
    assert [notice.topic for notice in board.take_due(2)] == ["c"]


def test_a_cleared_topic_is_emptied_again_after_every_reconnect():
    board = Board(ManualClock())
    board.put("a", b"1")
    board.clear(["a", "never"])
    assert board.take_due(9) == (Notice("a", b"", 1), Notice("never", b"", 1))
    board.repeat_all()
    assert [notice.payload for notice in board.take_due(9)] == [b"", b""]


def test_only_what_must_be_sent_rings():
    rings: list[int] = []
    board = Board(ManualClock(), lambda: rings.append(1))
    board.put("a", b"1")
    board.take_due(9)
    board.put("a", b"1")
    assert len(rings) == 1
    assert (board.payload("a"), board.payload("b")) == (b"1", None)
