"""The settings file replaced: whole, with its owner and mode, or not at all and for a reason."""

import os
from pathlib import Path

import pytest

from daemon.editing.settings_file import SettingsFile
from pipeline.errors import SettingsError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"old")
    return path


def test_new_content_takes_the_place_of_the_old(path):
    SettingsFile(path).replace(b"new")
    assert SettingsFile(path).read() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_mode(path, mode):
    path.chmod(mode)
    SettingsFile(path).replace(b"new")
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(path):
    os.chown(path, 12, 34)
    SettingsFile(path).replace(b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


def test_a_link_stays_a_link(path, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    SettingsFile(link).replace(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_what_a_crash_left_behind_is_in_nobodys_way(path):
    path.with_name("config.toml.partial").write_bytes(b"half of")
    SettingsFile(path).replace(b"new")
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_gone_is_not_made_anew(path):
    path.unlink()
    file = SettingsFile(path)
    for act in (file.read, lambda: file.replace(b"new")):
        with pytest.raises(SettingsError, match="No such file or directory"):
            act()
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("place", ["file", "folder"])
def test_where_the_daemon_may_not_write_it_says_so(path, place):
    (path if place == "file" else path.parent).chmod(0o500)
    try:
        file = SettingsFile(path)
        assert file.obstacle.endswith("the daemon may not write to it or to its folder")
        with pytest.raises(SettingsError, match="may not write"):
            file.replace(b"new")
    finally:
        path.parent.chmod(0o700)
    assert path.read_bytes() == b"old"


def test_a_place_that_takes_no_new_file_leaves_the_old_one():
    # Nobody makes files in /proc, not even root: `comm` can be written, and nothing put in its place.
    with pytest.raises(SettingsError, match="the settings file cannot be changed: "):
        SettingsFile(Path("/proc/self/comm")).replace(b"new")
