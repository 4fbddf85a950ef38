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
    # The clips differ only in name: the second is found in the cache. Of ten frames, 10 a second, six are
    # sampled.
    assert (exit_code, report["recordings"], report["cached"], report["frames"]) == (0, 2, 1, 12)
    assert list(report["fingerprints"]) == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert run_features(tmp_path, tmp_path / "one", tmp_path / "two")[1]["cached"] == 2


def test_an_unreadable_recording_is_said_in_the_exit_code(tmp_path, capsys):
    write_clips(tmp_path / "data", "a.mp4", frames=4)
    (tmp_path / "data/b.mp4").write_text("no video")
    exit_code, report = run_features(tmp_path, tmp_path / "data")
    assert (exit_code, report["frames"]) == (1, 3)  # at 0.0, 0.2 and 0.3 s
    assert list(report["failed"]) == [str(tmp_path / "data/b.mp4")]
    assert "b.mp4 holds no video that can be read" in capsys.readouterr().err


def test_a_bad_table_ends_with_3_and_one_sentence(tmp_path, capsys):
    write_table(tmp_path / "data", "file,label,group\na.mp4,fight,\n")
    assert run_features(tmp_path, tmp_path / "data") == (3, None)
    assert "line 2, column group: '' must be the name of a group" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["features"],
        ["nothing"],
        ["features", "x", "--sample-fps", "0"],
        ["select", "x"],
        ["select", "x", "--task", "fight", "--count", "0"],
    ],
)
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


def run_select(tmp_path, folder, *options):
    report = tmp_path / "selected.json"
    given = ["--task", "fight", "--cache", str(tmp_path / "cache"), "--device", "cpu", "--json", str(report)]
    exit_code = main(["select", str(folder), *given, *options])
    return exit_code, json.loads(report.read_text()) if report.exists() else None


@pytest.mark.parametrize("strategy", ["badge", "entropy", "k-centre"])
def test_select_asks_about_each_recording_once_and_writes_a_table_to_fill_in(tmp_path, strategy):
    folder = write_clips(tmp_path / "data", "a.mp4", "b.mp4", frames=20)
    table = folder / "segments.csv"
    exit_code, report = run_select(tmp_path, folder, "--strategy", strategy, "--csv", str(table))
    assert exit_code == 0
    # Two seconds a recording: there is one clip in each.
    assert (report["unlabelled_clips"], report["strategy"], report["count"]) == (2, strategy, 20)
    chosen = sorted((row["file"], row["start_s"], row["end_s"]) for row in report["selected"])
    # Of 10 frames a second 6 are sampled: the first with one before it is at 0.2, the last at 1.8 s, and it
    # lasts a sixth.
    assert chosen == [("a.mp4", 0.2, 1.967), ("b.mp4", 0.2, 1.967)]
    assert all(sum(row["probabilities"].values()) == pytest.approx(1) for row in report["selected"])
    assert sorted(table.read_text().splitlines()[1:]) == ["a.mp4,,a.mp4,0.2,1.967", "b.mp4,,b.mp4,0.2,1.967"]
    # Its clips are all still unlabelled; but the table has asked about them already.
    assert run_select(tmp_path, folder)[1]["unlabelled_clips"] == 2
    assert run_select(tmp_path, folder, "--csv", str(table))[0] == 3


def test_select_goes_on_without_what_cannot_be_read(tmp_path, capsys):
    folder = write_clips(tmp_path / "data", "a.mp4", frames=20)
    (folder / "b.mp4").write_text("no video")
    exit_code, report = run_select(tmp_path, folder, "--count", "1")
    assert (exit_code, [row["file"] for row in report["selected"]]) == (1, ["a.mp4"])
    assert "b.mp4 holds no video that can be read" in capsys.readouterr().err


def test_select_continues_a_table_with_what_it_has_not_asked_about(tmp_path):
    folder = write_clips(tmp_path / "data", "a.mp4", "b.mp4", frames=20)
    table = folder / "segments.csv"
    table.write_text("group,file,label,start_s,end_s,who\nyard,a.mp4,fight,0,1,Ann\nyard,a.mp4,,1,,Ann")
    exit_code, report = run_select(tmp_path, folder, "--csv", str(table))
    # b.mp4, which the table did not name; a.mp4 has been asked about from beginning to end.
    assert (exit_code, [row["file"] for row in report["selected"]]) == (0, ["b.mp4"])
    added = "b.mp4,b.mp4,,0.2,1.967,"
    assert table.read_text().splitlines()[1:] == ["yard,a.mp4,fight,0,1,Ann", "yard,a.mp4,,1,,Ann", added]
