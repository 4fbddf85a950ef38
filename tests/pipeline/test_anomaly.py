"""Normality and alarm together: learned in a minute, kept in a file, and quiet about the usual."""

import io
from dataclasses import replace

import numpy as np
import pytest

from pipeline.alarm import AlarmSettings
from pipeline.anomaly import AnomalyDetector, AnomalySettings
from pipeline.errors import StateError
from pipeline.feedback import Lesson, Sights, Verdict
from pipeline.normality import NormalitySettings
from pipeline.types import Region, Sight
from tests.pipeline.worlds import FPS, World

SETTINGS = AnomalySettings(NormalitySettings(learn_s=60.0), AlarmSettings(block_s=12.0), encoder="lite0 1")

WHOLE = Region(0.0, 0.0, 1.0, 1.0)


def watch(detector, world, seconds, start_s=0.0, **options):
    """Return (phase, seconds since the start, region) of what the detector found."""
    found = []
    for i, seen in enumerate(world.frames(seconds, **options)):
        anomaly = detector.observe(seen.grid, seen.movement, start_s + i / FPS)
        if anomaly.change:
            found.append((anomaly.change.phase.value, i / FPS, anomaly.normality.region))
    return found


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Return a state file: 150 s of a world in which nothing unusual happened, without an alarm."""
    detector, path = AnomalyDetector(SETTINGS), tmp_path_factory.mktemp("state") / "porch.npz"
    assert watch(detector, World(), 150) == []
    detector.save(path)
    return path


@pytest.fixture
def detector(state):
    detector = AnomalyDetector(SETTINGS)
    detector.load(state)
    return detector


def test_the_usual_goes_on_without_an_alarm(detector):
    assert watch(detector, World(seed=1), 300, start_s=200) == []


def test_a_bag_that_is_left_behind_is_found_when_it_has_stood_for_ten_seconds_with_its_place(detector):
    world = World(seed=1)
    watch(detector, world, 5, start_s=200)
    (phase, after_s, region), *_ = watch(detector, world, 30, start_s=205, bag=(2, 10))
    assert phase == "opened"
    assert 10.0 <= after_s <= 20.0
    assert (region.x, region.y) == (pytest.approx(10 / 14, abs=0.02), pytest.approx(2 / 14, abs=0.02))


def test_a_runner_is_found_within_two_seconds(detector):
    world = World(seed=1)
    watch(detector, world, 5, start_s=200)
    (phase, after_s, region), *_ = watch(detector, world, 5, start_s=205, speed_ratio=3.0)
    # The walker is on rows 20…23 of 40.
    assert (phase, region.y) == ("opened", pytest.approx(20 / 40, abs=0.05))
    assert after_s <= 2.0


def test_a_bag_that_is_taken_away_closes_the_alarm(detector):
    world = World(seed=1)
    watch(detector, world, 5, start_s=200)
    assert watch(detector, world, 25, start_s=205, bag=(2, 10))[0][0] == "opened"
    phases = [phase for phase, _, _ in watch(detector, world, 30, start_s=230)]
    assert phases in (["closed"], ["changed", "closed"])  # how long it stood may be told once more


def test_the_level_passes_one_half_where_an_alarm_opens(detector):
    world = World(seed=1)
    frames = [*world.frames(5), *world.frames(25, bag=(2, 10))]
    seen = [detector.observe(f.grid, f.movement, 200 + i / FPS) for i, f in enumerate(frames)]
    opened = next(i for i, anomaly in enumerate(seen) if anomaly.change)
    assert seen[10].level < 0.5 <= seen[opened].level < 1.0


def test_a_suppressed_camera_does_not_alarm(detector):
    for i, seen in enumerate(World(seed=1).frames(10, bag=(2, 10))):
        assert detector.observe(seen.grid, seen.movement, 200 + i / FPS, suppressed=True).change is None
    assert detector.rest(210.2, suppressed=True).change is None


def test_a_bag_keeps_the_alarm_open_though_every_frame_is_still(detector):
    world = World(seed=1)
    watch(detector, world, 5, start_s=200)
    watch(detector, world, 25, start_s=205, bag=(2, 10))
    for i in range(100):
        change = detector.rest(230 + i / FPS).change
        assert change is None or change.phase.value == "changed"
    assert detector.alarm.is_open


def test_the_progress_of_learning_and_calibration_survives_the_file(detector):
    assert detector.learned_ratio == 1.0
    # The last 102 of 150 s were calibrated, of the 86,400 that a budget of one a day needs.
    assert detector.calibration_ratio == pytest.approx(102 / 86_400, rel=0.02)
    assert detector.budget_used_ratio == 0.0


def test_the_file_is_replaced_in_one_step_and_stays_small(detector, tmp_path):
    path = tmp_path / "porch.npz"
    path.write_text("old")
    detector.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["porch.npz"]
    assert path.stat().st_size < 4e6


def test_the_state_of_another_encoder_is_refused(state):
    detector = AnomalyDetector(AnomalySettings(encoder="lite0 2"))
    with pytest.raises(StateError, match="was learned with lite0 1, not lite0 2"):
        detector.load(state)


@pytest.mark.parametrize("kept_ratio", [0.0, 0.1, 0.5, 0.999])
def test_a_damaged_file_is_refused_and_changes_nothing(detector, state, tmp_path, kept_ratio):
    path, whole = tmp_path / "porch.npz", state.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept_ratio)])
    with pytest.raises(StateError, match=r"porch\.npz cannot be read"):
        detector.load(path)
    assert detector.learned_ratio == 1.0


def test_a_file_of_another_version_or_another_program_is_refused(detector, tmp_path):
    np.savez(tmp_path / "foreign.npz", weights=np.ones(3))
    with pytest.raises(StateError, match="not a camera's state of version 9"):
        detector.load(tmp_path / "foreign.npz")


def test_a_file_that_lacks_an_array_is_refused(detector, state, tmp_path):
    with np.load(state) as file:
        arrays = {name: file[name] for name in file.files if name != "alarm.moving.blocks"}
    np.savez(tmp_path / "porch.npz", **arrays)
    with pytest.raises(StateError, match="damaged: 'blocks'"):
        detector.load(tmp_path / "porch.npz")


def test_a_file_that_is_not_there_is_a_clear_error(detector, tmp_path):
    with pytest.raises(StateError, match="cannot be read"):
        detector.load(tmp_path / "nowhere.npz")


def test_a_file_whose_memory_has_another_size_is_refused(detector, state, tmp_path):
    with np.load(state) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "porch.npz", **arrays | {"normality.appearance.memory.radius": np.ones(100)})
    with pytest.raises(StateError, match=r"memory\.radius is \(100,\), not \(196,\)"):
        detector.load(tmp_path / "porch.npz")


def test_an_array_file_without_names_is_refused(detector, tmp_path):
    np.save(tmp_path / "porch.npy", np.ones(3))
    with pytest.raises(StateError, match="cannot be read"):
        detector.load(tmp_path / "porch.npy")


def test_a_detector_that_stopped_learning_judges_but_remembers_nothing_more(detector):
    def remembered():
        arrays = np.load(io.BytesIO(detector.to_bytes()))
        return [arrays[name] for name in arrays.files if name.startswith("normality.")]

    before = remembered()
    detector.stop_learning()
    watch(detector, World(seed=1), 60, start_s=200)
    assert all(np.array_equal(one, other) for one, other in zip(before, remembered(), strict=True))
    assert detector.newest.normality.score > 0


def test_a_detector_that_stopped_learning_learns_nothing_anew_either(detector):
    detector.stop_learning()
    before = np.load(io.BytesIO(detector.to_bytes()))["normality.observed_s"]
    for i, seen in enumerate(World(seed=1).frames(5)):
        detector.observe(seen.grid, seen.movement, 200 + i / FPS, relearn=True)
    detector.rest(205, relearn=True)
    assert np.load(io.BytesIO(detector.to_bytes()))["normality.observed_s"] == before


def alarms(detector, world, start_s, **options):
    """Return what alarmed, as an event remembers it: calm, then 20 s of something, then calm again.

    Minutes of calibration leave room for an alarm only where many a day are accepted.
    """
    detector.alarm.set_budget(500.0)
    frames = [*world.frames(5), *world.frames(20, **options), *world.frames(40)]
    seen = [detector.observe(f.grid, f.movement, start_s + i / FPS) for i, f in enumerate(frames)]
    opened = [anomaly.sight for anomaly in seen if anomaly.change]
    sights = Sights()
    for anomaly in seen:
        if opened and anomaly.level >= 0.5:
            sights.see(anomaly.sight)
    return sights.kept


def dismissed(*sights, verdict=Verdict.NOT_AN_ALARM):
    return Lesson("e", verdict, 0.0, sights)


def test_what_was_dismissed_alarms_no_more_and_something_elsewhere_does(detector):
    world = World(seed=1)
    bag = alarms(detector, world, 200, bag=(2, 10))
    detector.teach(dismissed(*bag))
    assert alarms(detector, world, 270, bag=(2, 10)) == ()
    assert alarms(detector, world, 340, bag=(12, 3)) != ()


def test_a_runner_beside_a_dismissed_bag_alarms(detector):
    world = World(seed=1)
    bag = alarms(detector, world, 200, bag=(2, 10))
    detector.teach(dismissed(*(sight for sight in bag if sight.part == "standing")))
    assert watch(detector, world, 60, start_s=270, bag=(2, 10)) == []
    (phase, after_s, region), *_ = watch(detector, world, 5, start_s=330, bag=(2, 10), speed_ratio=3.0)
    # The walker is on rows 20…23 of 40.
    assert (phase, region.y) == ("opened", pytest.approx(20 / 40, abs=0.05))
    assert after_s <= 2.0


def test_what_is_accepted_is_usual_after_a_restart_too(state, tmp_path):
    detector, again = (
        AnomalyDetector(replace(SETTINGS, alarm=AlarmSettings(block_s=12.0, longest_s=20.0)))
        for _ in range(2)
    )
    detector.load(state)
    world = World(seed=1)
    watch(detector, world, 5, start_s=200)
    found = watch(detector, world, 45, start_s=205, bag=(2, 10))
    assert (found[0][0], found[-1][0]) == ("opened", "closed")
    detector.save(tmp_path / "porch.npz")
    again.load(tmp_path / "porch.npz")
    assert watch(again, world, 40, start_s=300, bag=(2, 10)) == []


def test_a_sight_is_as_strong_as_its_score_whatever_the_threshold(detector):
    world = World(seed=1)
    seen = [*world.frames(5), *world.frames(2, speed_ratio=3.0)]
    runner = [detector.observe(f.grid, f.movement, 200 + i / FPS) for i, f in enumerate(seen)][-1]
    assert runner.sight.strength == round(runner.normality.score, 3)
    standing = replace(runner.normality, part="standing")
    assert replace(runner, normality=standing).sight.strength == 1.0


def test_an_open_alarm_that_is_dismissed_closes(detector):
    world = World(seed=1)
    watch(detector, world, 5, start_s=200)
    assert watch(detector, world, 20, start_s=205, bag=(2, 10))[0][0] == "opened"
    detector.teach(dismissed(detector.newest.sight))
    assert watch(detector, world, 12, start_s=225, bag=(2, 10))[-1][0] == "closed"
    assert detector.newest.level < 0.5


def test_lessons_come_back_with_the_state(detector, tmp_path):
    world = World(seed=1)
    bag = alarms(detector, world, 200, bag=(2, 10))
    detector.teach(dismissed(*bag))
    detector.save(tmp_path / "porch.npz")
    again = AnomalyDetector(SETTINGS)
    again.load(tmp_path / "porch.npz")
    assert alarms(again, world, 270, bag=(2, 10)) == ()


def test_a_confirmed_alarm_uses_none_of_the_budget(detector):
    world = World(seed=1)
    bag = alarms(detector, world, 200, bag=(2, 10))
    assert detector.alarm.actual_per_day == 1.0
    for step in range(20 * FPS):  # the alarm opened while the bag was there
        detector.teach(Lesson(f"{step}", Verdict.WAS_AN_ALARM, 205 + step / FPS, bag))
    assert detector.alarm.actual_per_day == 0.0


def show(detector, world, seconds, start_s, **options):
    """Let the detector observe, and show it a picture of each frame."""
    for i, seen in enumerate(world.frames(seconds, **options)):
        detector.observe(seen.grid, seen.movement, start_s + i / FPS, suppressed=False)
        detector.show(lambda: np.zeros((18, 32, 3), np.uint8), start_s + i / FPS)


def test_a_normal_moment_is_kept_over_a_restart(detector, tmp_path):
    assert detector.nearest_normal(WHOLE) is None
    show(detector, World(seed=1), 41, 200)  # of 200 s, 205 s and 210 s, and the next has not settled
    detector.save(tmp_path / "porch.npz")
    again = AnomalyDetector(SETTINGS)
    again.load(tmp_path / "porch.npz")
    watch(again, World(seed=1), 1, start_s=300)
    assert again.nearest_normal(WHOLE).utc_s in {200.0, 205.0, 210.0}


def test_what_alarms_becomes_no_normal_moment_and_neither_does_what_led_to_it(detector):
    world = World(seed=1)
    show(detector, world, 20, 200)
    show(detector, world, 40, 220, bag=(2, 10))  # it alarms when it has stood for ten seconds
    show(detector, world, 60, 260)
    watch(detector, world, 1, start_s=320, bag=(2, 10))
    nearest = detector.nearest_normal(Region(10 / 14, 2 / 14, 1 / 14, 1 / 14))
    assert not 220 <= nearest.utc_s < 260


def test_what_is_learned_from_is_normal_at_once():
    detector = AnomalyDetector(SETTINGS)
    show(detector, World(), 12, 0)  # the looks have units after six of sixty seconds
    assert 6.0 <= detector.nearest_normal(WHOLE).utc_s < 12.0


def test_a_state_whose_normal_moments_are_damaged_is_refused(detector, state, tmp_path):
    arrays = dict(np.load(state).items()) | {"gallery.ends": np.array([7])}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(StateError, match="damaged"):
        detector.load(tmp_path / "bad.npz")


def fill_gallery(detector, world):
    """Let the detector keep as many normal moments as it may, each with a picture as large as it may be."""
    picture = np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8)
    for number, seen in enumerate(world.frames(16)):  # 80 frames
        time_s = 200 + number * 20 * 60  # a day and a bit
        detector.observe(seen.grid, seen.movement, time_s)
        detector.show(lambda: picture, time_s)


def test_a_state_stays_below_its_limit(detector, tmp_path):
    # 500 lessons of 16 sights beside what was learned; two weeks of minutes are 5 bytes each.
    sights = [Sight("motion", (float(place), 1.0, 2.0)) for place in range(16)]
    for number in range(500):
        detector.teach(Lesson(f"{number}" * 8, Verdict.NOT_AN_ALARM, 0.0, tuple(sights)))
    fill_gallery(detector, World(seed=1))
    assert len(detector.to_bytes()) < 12e6


def test_who_stands_there_while_a_camera_begins_to_judge_does_not_blind_it_to_what_moves():
    detector, world = AnomalyDetector(SETTINGS), World()
    # It scores from the 48th second on, and has its first thresholds eight seconds later.
    watch(detector, world, 35)
    assert watch(detector, world, 20, start_s=35, bag=(2, 10)) == []
    assert watch(detector, world, 95, start_s=55) == []
    (phase, after_s, _), *_ = watch(detector, world, 5, start_s=150, speed_ratio=3.0)
    assert phase == "opened"
    assert after_s <= 2.0
