"""Reports of commands: the same on the screen and in a file, with null for what is no number."""

import json
import math

from training.reports import show, shown, to_json, write_json

REPORT = {"clips": 3, "loss": math.nan, "of": {"Schlüssel": math.inf}}


def test_what_is_no_number_is_null_also_further_down():
    assert json.loads(to_json(REPORT)) == {"clips": 3, "loss": None, "of": {"Schlüssel": None}}


def test_the_file_says_what_the_screen_says_and_its_folder_is_made(tmp_path, capsys):
    show(REPORT, tmp_path / "runs" / "report.json")
    assert (tmp_path / "runs" / "report.json").read_text(encoding="utf-8") == capsys.readouterr().out


def test_without_a_file_there_is_the_screen_alone(tmp_path, capsys):
    show({"clips": 3}, None)
    assert json.loads(capsys.readouterr().out) == {"clips": 3}
    assert list(tmp_path.iterdir()) == []


def test_a_file_alone_says_nothing_on_the_screen(tmp_path, capsys):
    write_json(tmp_path / "report.json", {"clips": 3})
    assert capsys.readouterr().out == ""


def test_a_number_is_shown_to_three_places_and_none_as_a_dash():
    assert (shown(0.12345), shown(None)) == ("0.123", "–")
