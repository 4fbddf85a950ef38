"""Files and folders that take the place of others: whole, or not at all."""

import os

import pytest

from models.files import replaced_file, replaced_folder, write_file


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("durable", [True, False])
def test_new_content_takes_the_place_of_the_old(tmp_path, durable):
    path = tmp_path / "mark.json"
    for content in (b"old", b"new"):
        write_file(path, content, durable=durable)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["mark.json"]


def test_whoever_reads_meanwhile_sees_the_old_content(tmp_path):
    path = tmp_path / "mark.json"
    path.write_bytes(b"old")
    with replaced_file(path, durable=False) as partial:
        partial.write_bytes(b"half of the n")
        assert path.read_bytes() == b"old"


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "mark.json"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replaced_file(path, durable=True) as partial:
        partial.write_bytes(b"%d" % (1 / 0))
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["mark.json"]


def test_a_file_that_the_disk_does_not_take_is_no_file(tmp_path):
    # In the place of the file there is a folder with something in it.
    (tmp_path / "mark.json" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match=r"mark\.json"):
        write_file(tmp_path / "mark.json", b"new", durable=False)
    assert names(tmp_path) == ["in the way", "mark.json"]


def test_a_folder_that_is_missing_is_no_place_for_a_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "missing" / "mark.json", b"new", durable=True)
    assert names(tmp_path) == []


def test_what_a_crash_left_behind_is_in_nobodys_way(tmp_path):
    (tmp_path / "mark.json.partial").write_bytes(b"half of")
    with replaced_file(tmp_path / "mark.json", durable=False) as partial:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL))
    assert names(tmp_path) == ["mark.json"]


def test_files_that_differ_by_their_ending_do_not_meet(tmp_path):
    with (
        replaced_file(tmp_path / "search.npz", durable=False) as one,
        replaced_file(tmp_path / "search.json", durable=False) as other,
    ):
        one.touch()
        other.touch()
    assert names(tmp_path) == ["search.json", "search.npz"]


def test_a_folder_whose_making_fails_leaves_the_old_one_as_it_was(tmp_path):
    target = tmp_path / "checkpoint"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(ZeroDivisionError), replaced_folder(target) as fresh:
        (fresh / "new").write_text(f"{1 / 0}")
    assert names(tmp_path) == ["checkpoint", "old"]


def test_a_folder_that_is_made_takes_the_old_ones_place(tmp_path):
    target = tmp_path / "checkpoint"
    target.mkdir()
    (target / "old").touch()
    with replaced_folder(target) as fresh:
        (fresh / "new").touch()
    assert names(tmp_path) == ["checkpoint", "new"]
