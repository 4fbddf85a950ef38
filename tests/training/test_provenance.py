"""A run knows the commit that it really ran, and a machine is described without naming it."""

import platform
import subprocess
import sys

from training.provenance import (
    PACKAGES,
    UNKNOWN,
    Revision,
    cpu_seconds,
    describe_machine,
    git_revision,
    package_versions,
)


def git(folder, *arguments):
    name = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    answer = subprocess.run(
        ["git", "-C", folder, *name, *arguments], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def test_the_revision_is_that_of_the_file_and_says_whether_files_differ(tmp_path):
    file = tmp_path / "code.py"
    file.write_text("first\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_revision(file) == Revision(commit, is_dirty=False)
    file.write_text("second\n")
    assert git_revision(file) == Revision(commit, is_dirty=True)


def test_outside_git_or_installed_into_anothers_repository_the_revision_is_unknown(tmp_path):
    file = tmp_path / "code.py"
    file.write_text("code\n")
    assert git_revision(file) == Revision(UNKNOWN, None)
    git(tmp_path, "init", "-q")
    assert git_revision(file) == Revision(UNKNOWN, None)


def test_packages_and_machine_are_described():
    assert package_versions()["numpy"] != UNKNOWN
    machine = describe_machine()
    assert machine.python == ".".join(map(str, sys.version_info[:3]))
    assert machine.memory_bytes > 2**28
    assert cpu_seconds() > 0


def test_nothing_names_the_machine():
    machine = describe_machine()
    assert platform.node() not in (machine.system, machine.processor)


def test_a_package_that_is_missing_is_unknown_and_stops_nothing():
    versions = package_versions()
    assert tuple(versions) == PACKAGES
    assert all(version == UNKNOWN or version[0].isdigit() for version in versions.values())


def test_cpu_seconds_grow_with_work():
    before_s = cpu_seconds()
    sum(number * number for number in range(200_000))
    assert cpu_seconds() > before_s
