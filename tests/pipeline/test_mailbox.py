"""The mailbox: newest frames win, nothing is lost uncounted, and no camera is in two hands."""

import threading
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from pipeline.mailbox import Mailbox
from pipeline.metrics import Metrics
from tests.fakes import observed_frame

NOW_S = 0.0  # do not wait


def open_mailbox(max_frames=8, max_pictures=8):
    metrics = Metrics(CollectorRegistry())
    return Mailbox(max_frames, metrics, max_pictures=max_pictures), metrics


def dropped(metrics, camera, reason):
    labels = {"camera": camera, "reason": reason}
    return metrics.registry.get_sample_value("videobert_frames_dropped_total", labels) or 0


def contents(parcels):
    return {parcel.camera: [frame.frame.time_s for frame in parcel.frames] for parcel in parcels}


def fill(mailbox, camera, *times_s, **kwargs):
    for time_s in times_s:
        mailbox.put(camera, observed_frame(time_s, **kwargs))


def test_frames_of_a_camera_come_out_in_their_order():
    mailbox, _ = open_mailbox()
    fill(mailbox, "porch", 1, 2, 3)
    assert contents(mailbox.take(NOW_S)) == {"porch": [1, 2, 3]}


def test_an_empty_mailbox_gives_nothing_when_the_time_is_over():
    assert open_mailbox()[0].take(NOW_S) == ()


def test_a_full_camera_loses_its_oldest_frame_and_it_is_counted():
    mailbox, metrics = open_mailbox(max_frames=2)
    fill(mailbox, "porch", 1, 2, 3, 4)
    assert contents(mailbox.take(NOW_S)) == {"porch": [3, 4]}
    assert dropped(metrics, "porch", "overload") == 2


def test_a_flood_of_one_camera_costs_no_other_camera_a_frame():
    mailbox, metrics = open_mailbox(max_frames=2)
    fill(mailbox, "garden", 1)
    fill(mailbox, "porch", *range(10))
    assert contents(mailbox.take(NOW_S)) == {"garden": [1], "porch": [8, 9]}
    assert dropped(metrics, "garden", "overload") == 0


def test_the_frame_that_still_frames_repeat_is_kept_and_a_still_one_goes():
    mailbox, _ = open_mailbox(max_frames=3)
    fill(mailbox, "porch", 1)
    fill(mailbox, "porch", 2, 3, 4, still=True)
    assert contents(mailbox.take(NOW_S)) == {"porch": [1, 3, 4]}


def test_a_moving_frame_goes_once_a_newer_moving_frame_follows_it():
    mailbox, _ = open_mailbox(max_frames=2)
    fill(mailbox, "porch", 1, 2)
    fill(mailbox, "porch", 3, still=True)
    assert contents(mailbox.take(NOW_S)) == {"porch": [2, 3]}


def test_a_still_frame_that_finds_no_room_gives_way_to_the_frame_it_repeats():
    mailbox, metrics = open_mailbox(max_frames=1)
    fill(mailbox, "porch", 1)
    fill(mailbox, "porch", 2, still=True)
    assert contents(mailbox.take(NOW_S)) == {"porch": [1]}
    assert dropped(metrics, "porch", "overload") == 1


def test_the_beginning_of_a_stream_outlives_the_frame_that_said_so():
    mailbox, _ = open_mailbox(max_frames=2)
    mailbox.put("porch", observed_frame(1, begins=True))
    fill(mailbox, "porch", 2, 3)
    (parcel,) = mailbox.take(NOW_S)
    assert [(frame.frame.time_s, frame.begins) for frame in parcel.frames] == [(2, True), (3, False)]


def test_a_batch_holds_at_most_so_many_pictures_and_the_rest_waits():
    mailbox, _ = open_mailbox(max_pictures=4)
    fill(mailbox, "porch", 1, 2, 3, pictures=2)
    assert contents(mailbox.take(NOW_S)) == {"porch": [1, 2]}
    mailbox.done("porch")
    assert contents(mailbox.take(NOW_S)) == {"porch": [3]}


def test_still_frames_ride_along_in_a_full_batch():
    mailbox, _ = open_mailbox(max_pictures=1)
    fill(mailbox, "porch", 1)
    fill(mailbox, "porch", 2, still=True)
    fill(mailbox, "garden", 3, still=True)
    assert contents(mailbox.take(NOW_S)) == {"porch": [1, 2], "garden": [3]}


def test_one_frame_with_more_pictures_than_a_batch_is_taken_all_the_same():
    mailbox, _ = open_mailbox(max_pictures=2)
    fill(mailbox, "porch", 1, 2, pictures=3)
    assert contents(mailbox.take(NOW_S)) == {"porch": [1]}


def test_the_camera_that_waits_longest_comes_first_and_then_goes_to_the_end():
    mailbox, _ = open_mailbox(max_pictures=1)
    fill(mailbox, "porch", 1, 2)
    fill(mailbox, "garden", 3)
    order = []
    for _ in range(3):
        (parcel,) = mailbox.take(NOW_S)
        order.append(parcel.camera)
        mailbox.done(parcel.camera)
    assert order == ["porch", "garden", "porch"]


def test_a_camera_in_hand_is_not_given_out_again_until_it_is_done():
    mailbox, _ = open_mailbox()
    fill(mailbox, "porch", 1)
    mailbox.take(NOW_S)
    fill(mailbox, "porch", 2)
    assert mailbox.take(NOW_S) == ()
    mailbox.done("porch")
    assert contents(mailbox.take(NOW_S)) == {"porch": [2]}


def test_a_waiting_thread_wakes_when_a_frame_comes():
    mailbox, _ = open_mailbox()
    taken = []
    thread = threading.Thread(target=lambda: taken.extend(mailbox.take(10.0)))
    thread.start()
    fill(mailbox, "porch", 1)
    thread.join(5)
    assert contents(taken) == {"porch": [1]}


def test_closing_wakes_a_waiting_thread_with_nothing():
    mailbox, _ = open_mailbox()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take(10.0)))
    thread.start()
    mailbox.close()
    thread.join(5)
    assert taken == [()]
    assert mailbox.is_closed


def test_what_waits_at_the_close_and_what_comes_after_it_is_counted():
    mailbox, metrics = open_mailbox()
    fill(mailbox, "porch", 1, 2)
    mailbox.close()
    fill(mailbox, "porch", 3)
    assert dropped(metrics, "porch", "shutdown") == 3
    assert mailbox.take(NOW_S) == ()


def test_a_removed_camera_leaves_nothing_behind():
    mailbox, metrics = open_mailbox()
    fill(mailbox, "porch", 1, 2)
    mailbox.forget("porch")
    assert mailbox.take(NOW_S) == ()
    assert dropped(metrics, "porch", "removed") == 2


def test_a_camera_removed_while_in_hand_can_come_back():
    mailbox, _ = open_mailbox()
    fill(mailbox, "porch", 1)
    mailbox.take(NOW_S)
    mailbox.forget("porch")
    mailbox.done("porch")
    fill(mailbox, "porch", 2)
    assert contents(mailbox.take(NOW_S)) == {"porch": [2]}


PUTS = st.tuples(st.just("put"), st.sampled_from("abc"), st.booleans())
TAKES = st.tuples(st.just("take"), st.integers(0, 1))
DONES = st.tuples(st.just("done"), st.integers(0, 1))


@given(st.lists(st.one_of(PUTS, TAKES, DONES), max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_no_frame_is_lost_uncounted_out_of_order_or_in_two_hands(calls, max_frames, max_pictures):
    mailbox, metrics = open_mailbox(max_frames, max_pictures)
    put, seen, hands = defaultdict(int), defaultdict(list), ([], [])

    def take(hand):
        for parcel in mailbox.take(NOW_S):
            assert parcel.camera not in hands[0] + hands[1]
            hands[hand].append(parcel.camera)
            seen[parcel.camera] += [frame.frame.time_s for frame in parcel.frames]

    def done(hand):
        while hands[hand]:
            mailbox.done(hands[hand].pop())

    for call, *args in calls:
        if call == "put":
            camera, still = args
            put[camera] += 1
            mailbox.put(camera, observed_frame(put[camera], still=still))
        else:
            {"take": take, "done": done}[call](*args)
    for _ in range(sum(put.values()) + 1):
        done(0)
        done(1)
        take(0)
    for camera, count in put.items():
        assert all(earlier < later for earlier, later in zip(seen[camera], seen[camera][1:], strict=False))
        assert len(seen[camera]) + dropped(metrics, camera, "overload") == count


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 4))
def test_whatever_is_dropped_a_still_frame_follows_the_moving_frame_that_it_repeats(stills, max_frames):
    mailbox, _ = open_mailbox(max_frames, max_pictures=99)
    stills[0] = False
    repeats, moving = {}, 0
    for number, still in enumerate(stills):
        moving = moving if still else number
        repeats[number] = moving
        mailbox.put("porch", observed_frame(number, still=still))
    (parcel,) = mailbox.take(NOW_S)
    newest_moving = None
    for frame in parcel.frames:
        newest_moving = newest_moving if frame.still else frame.frame.time_s
        assert newest_moving == repeats[frame.frame.time_s]


def test_two_threads_share_the_cameras_and_keep_their_order():
    mailbox, _ = open_mailbox(max_frames=50, max_pictures=2)
    seen = defaultdict(list)

    def work():
        while not mailbox.is_closed:
            for parcel in mailbox.take(5.0):
                seen[parcel.camera] += [frame.frame.time_s for frame in parcel.frames]
                mailbox.done(parcel.camera)
                if sum(map(len, tuple(seen.values()))) == 90:
                    mailbox.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(30):
        for camera in "abc":
            fill(mailbox, camera, number)
    for worker in workers:
        worker.join(10)
    assert seen == {camera: list(range(30)) for camera in "abc"}
