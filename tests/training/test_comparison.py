"""Two reports of the same runs: how much better one is, and whether that is more than noise."""

import json

import pytest

from tests.training.test_report import prediction
from training.__main__ import main
from training.comparison import compare_reports, run_accuracies
from training.label_tables import DataError
from training.report import build_report


def report(*right, names="abcd"):
    """Return a report of two folds of two fights each; `right` says which of the four were found."""
    said = [
        prediction(name, "fight", 0.9 if found else 0.1, fold=place // 2)
        for place, (name, found) in enumerate(zip(names, right, strict=True))
    ]
    return build_report("fight", ("normal", "fight"), said, protocol="two folds", draws=10)


def test_accuracies_are_those_of_the_runs():
    assert run_accuracies(report(True, False, True, True)).tolist() == [[0.5], [1.0]]


def test_differences_are_paired_by_run():
    found = compare_reports(report(True, False, False, False), report(True, True, True, False))
    # 0.5 and 0 become 1 and 0.5: half a point more in each fold, without any doubt.
    assert (found.accuracy, found.difference, found.standard_error, found.runs) == (0.75, 0.5, 0.0, 2)
    mixed = compare_reports(report(True, False, False, False), report(True, True, False, False))
    # Differences 0.5 and 0: their deviation is √(1/8), the standard error of their mean √(1/16).
    assert (mixed.difference, mixed.standard_error) == (0.25, pytest.approx(0.25))
    assert mixed.low < 0 < mixed.high


def test_reports_of_other_clips_are_no_pair():
    with pytest.raises(DataError, match="different clips, folds or seeds"):
        compare_reports(report(*[True] * 4), report(*[True] * 4, names="abcx"))


def test_the_command_writes_the_differences_to_the_first_report(tmp_path, capsys):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    report(True, False, False, False).save(first)
    report(True, True, True, False).save(second)
    assert main(["compare", str(first), str(second), "--json", str(tmp_path / "out.json")]) == 0
    written = json.loads((tmp_path / "out.json").read_text())
    assert [one["difference"] for one in written.values()] == [0.0, 0.5]
    assert "+50.0" in capsys.readouterr().out
    (tmp_path / "no.json").write_text("{}")
    assert main(["compare", str(first), str(tmp_path / "no.json")]) == 3
