import json
import math

import pytest

from training.metric_log import MetricLog


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def opened(path, **options):
    log = MetricLog(path)
    log.open(**options)
    return log


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_holds_a_step_and_its_metrics(path):
    opened(path).append(3, {"train/loss": 0.5, "rate": 0.1})
    assert lines(path) == [{"step": 3, "train/loss": 0.5, "rate": 0.1}]


def test_a_metric_never_stands_twice_at_one_step(path):
    log = opened(path)
    log.append(1, {"loss": 0.5})
    assert log.append(1, {"loss": 0.4, "accuracy": 0.9}) == {"accuracy": 0.9}
    assert lines(path) == [{"step": 1, "loss": 0.5}, {"step": 1, "accuracy": 0.9}]


def test_an_opened_log_goes_on_where_it_ended(path):
    opened(path).append(1, {"loss": 0.5})
    log = opened(path)
    assert log.append(1, {"loss": 0.5}) == {}
    log.append(2, {"loss": 0.4})
    assert [line["step"] for line in lines(path)] == [1, 2]


def test_what_was_logged_beyond_the_training_state_is_dropped_and_logged_again(path):
    first = opened(path)
    for step in (1, 2, 3):
        first.append(step, {"loss": 1 / step})
    log = opened(path, after_step=1)
    assert [line["step"] for line in lines(path)] == [1]
    assert log.append(2, {"loss": 0.7}) == {"loss": 0.7}


def test_a_line_that_a_crash_left_half_written_is_dropped(path):
    path.write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "lo')
    log = opened(path)
    log.append(2, {"loss": 0.4})
    assert lines(path) == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.4}]


def test_a_whole_last_line_without_its_end_is_dropped_too(path):
    path.write_text('{"step": 1, "loss": 0.5}')
    opened(path).append(1, {"loss": 0.5})
    assert lines(path) == [{"step": 1, "loss": 0.5}]


def test_nan_is_null_in_the_file_and_nan_in_the_curve(path):
    log = opened(path)
    log.append(1, {"loss": math.nan})
    assert lines(path) == [{"step": 1, "loss": None}]
    assert math.isnan(opened(path).curves()["loss"][1][0])


def test_curves_are_in_the_order_of_steps(path):
    log = opened(path)
    log.append(5, {"loss": 0.2})
    log.append(2, {"loss": 0.4, "accuracy": 0.6})
    steps, values = log.curves()["loss"]
    assert (steps.tolist(), values.tolist()) == ([2, 5], [0.4, 0.2])
    assert log.curves()["accuracy"][0].tolist() == [2]
