"""Behaviours begin by k of n, survive gaps, cool down after their end, and need a threshold at all."""

import numpy as np
import pytest

from models.checkpoint import Task
from pipeline.behaviour import Behaviour, BehaviourChange, BehaviourPhase, BehaviourSettings

FALL = {"fall": Task(("normal", "fall"), (None, 0.5))}
SETTINGS = BehaviourSettings(needed=2, out_of=3, merge_gap_s=2.0, cooldown_s=10.0)


def play(behaviour, probabilities, start_s=0):
    """Decide once a second and return (second, phase, probability) of every change."""
    return [
        (second, change.phase.value, round(change.probability, 2))
        for second, probability in enumerate(probabilities, start_s)
        for change in behaviour.update(second, {"fall": np.array([1 - probability, probability])})
    ]


def test_one_high_probability_is_not_yet_a_behaviour():
    assert play(Behaviour(FALL, SETTINGS), [0.1, 0.9, 0.1, 0.1, 0.9, 0.1]) == []


@pytest.mark.parametrize("sequence", [[0.9, 0.9], [0.9, 0.1, 0.9]])
def test_two_of_three_begin_it(sequence):
    assert play(Behaviour(FALL, SETTINGS), sequence) == [(len(sequence) - 1, "began", 0.9)]


def test_the_threshold_itself_counts():
    assert play(Behaviour(FALL, SETTINGS), [0.5, 0.5]) == [(1, "began", 0.5)]
    assert play(Behaviour(FALL, SETTINGS), [0.49, 0.49]) == []


def test_it_ends_when_no_decision_reached_the_threshold_for_longer_than_the_gap():
    # The last hit is at 1 s; 3 s is 2 s later, still within the gap; 4 s is not.
    assert play(Behaviour(FALL, SETTINGS), [0.9, 0.9, 0, 0, 0]) == [(1, "began", 0.9), (4, "ended", 0.9)]


def test_a_short_gap_is_merged_into_one_behaviour():
    changes = play(Behaviour(FALL, SETTINGS), [0.9, 0.9, 0, 0, 0.9, 0, 0, 0])
    assert changes == [(1, "began", 0.9), (7, "ended", 0.9)]


def test_a_rise_is_told_when_it_is_worth_telling():
    changes = play(Behaviour(FALL, SETTINGS), [0.6, 0.6, 0.62, 0.7, 0.65])
    assert changes == [(1, "began", 0.6), (3, "rose", 0.7)]


def test_its_end_carries_the_highest_probability():
    changes = play(Behaviour(FALL, SETTINGS), [0.6, 0.6, 0.63, 0, 0, 0])
    assert changes[-1] == (5, "ended", 0.63)


def test_during_the_cool_down_it_does_not_begin_again():
    behaviour = Behaviour(FALL, SETTINGS)
    play(behaviour, [0.9, 0.9, 0, 0, 0])  # ends at 4 s: quiet until 14 s
    assert play(behaviour, [0.9] * 12, start_s=5) == [(14, "began", 0.9)]


def test_votes_of_before_its_end_do_not_begin_it_anew():
    behaviour = Behaviour(FALL, BehaviourSettings(needed=2, out_of=5, merge_gap_s=2.0, cooldown_s=0.0))
    assert play(behaviour, [0.9, 0.9, 0, 0, 0, 0.9]) == [(1, "began", 0.9), (4, "ended", 0.9)]


def test_what_is_forgotten_needs_its_votes_again_and_no_end():
    behaviour = Behaviour(FALL, SETTINGS)
    play(behaviour, [0.9, 0.9])
    behaviour.forget()
    assert behaviour.current is None
    assert play(behaviour, [0.9, 0.9], start_s=2) == [(3, "began", 0.9)]


def test_an_untrained_checkpoint_yields_nothing():
    untrained = {"fall": Task(("normal", "fall"), (None, None))}
    assert play(Behaviour(untrained, SETTINGS), [1.0] * 10) == []


def test_each_label_of_each_task_goes_its_own_way():
    tasks = {**FALL, "activity": Task(("sits", "walks"), (0.7, 0.7))}
    behaviour = Behaviour(tasks, BehaviourSettings(needed=1, out_of=1))
    changes = behaviour.update(0.0, {"fall": np.array([0.2, 0.8]), "activity": np.array([0.1, 0.9])})
    assert [(change.task, change.label) for change in changes] == [("fall", "fall"), ("activity", "walks")]


def test_the_current_behaviour_is_the_most_probable_that_goes_on():
    tasks = {"activity": Task(("sits", "walks"), (0.3, 0.3))}
    behaviour = Behaviour(tasks, BehaviourSettings(needed=1, out_of=1))
    assert behaviour.current is None
    behaviour.update(0.0, {"activity": np.array([0.4, 0.6])})
    assert behaviour.current == "walks"
    behaviour.update(1.0, {"activity": np.array([0.5, 0.4])})
    assert behaviour.current == "sits"


def test_a_change_names_task_label_and_its_column_phase_and_probability():
    behaviour = Behaviour(FALL, BehaviourSettings(needed=1, out_of=1))
    change = behaviour.update(0.0, {"fall": np.array([0.25, 0.75])})
    assert change == (BehaviourChange("fall", "fall", BehaviourPhase.BEGAN, 0.75, column=1),)
