import json
import subprocess
import sys

import pytest

from tests.training.data import write_clips, write_table
from training.__main__ import main
from training.commands import COMMANDS


def run_features(tmp_path, *folders):
    report = tmp_path / "report.json"
    options = ["--cache", str(tmp_path / "cache"), "--device", "cpu", "--json", str(report)]
    exit_code = main(["features", *map(str, folders), *options])
    return exit_code, json.loads(report.read_text()) if report.exists() else None


def test_features_of_folders_are_kept_and_not_made_twice(tmp_path):
    write_clips(tmp_path / "one", "a.mp4", frames=10)
    write_clips(tmp_path / "two", "b.mp4", frames=10)
    write_table(tmp_path / "one", "file,label,group\na.mp4,fight,park\n")
    exit_code, report = run_features(tmp_path, tmp_path / "one", tmp_path / "two")
    # The clips differ only in name: the second is found in the cache. Ten frames, 10 a second, 5 sampled.
    assert (exit_code, report["recordings"], report["cached"], report["frames"]) == (0, 2, 1, 10)
    assert list(report["fingerprints"]) == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert run_features(tmp_path, tmp_path / "one", tmp_path / "two")[1]["cached"] == 2


def test_an_unreadable_recording_is_said_in_the_exit_code(tmp_path, capsys):
    write_clips(tmp_path / "data", "a.mp4", frames=4)
    (tmp_path / "data/b.mp4").write_text("no video")
    exit_code, report = run_features(tmp_path, tmp_path / "data")
    assert (exit_code, report["frames"]) == (1, 2)
    assert list(report["failed"]) == [str(tmp_path / "data/b.mp4")]
    assert "b.mp4 holds no video that can be read" in capsys.readouterr().err


def test_a_bad_table_ends_with_3_and_one_sentence(tmp_path, capsys):
    write_table(tmp_path / "data", "file,label,group\na.mp4,fight,\n")
    assert run_features(tmp_path, tmp_path / "data") == (3, None)
    assert "line 2, column group: '' must be the name of a group" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["features"], ["nothing"], ["features", "x", "--sample-fps", "0"]])
def test_wrong_usage_ends_with_2(options):
    with pytest.raises(SystemExit) as end:
        main(options)
    assert end.value.code == 2


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"    {command}" in shown for command in COMMANDS)


def test_a_command_that_needs_no_torch_does_not_import_it():
    code = (
        "import sys; from training.__main__ import build_parser; build_parser(['features']);"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
