"""Nothing in, where a run comes from out: revision of the code, versions of packages, machine, CPU time."""

import os
import platform
import resource
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

UNKNOWN = "unknown"
PACKAGES = ("videobertd", "torch", "transformers", "peft", "numpy", "scikit-learn", "onnxruntime", "av")


@dataclass(frozen=True, slots=True)
class Revision:
    """The git commit of the code, and whether files differ from it; "unknown" and None outside git."""

    commit: str
    is_dirty: bool | None


@dataclass(frozen=True, slots=True)
class Machine:
    """What the run was computed on; nothing that names the machine or its owner."""

    system: str
    python: str
    processor: str
    cores: int
    memory_bytes: int
    accelerators: tuple[str, ...]


def git_revision(file: Path = Path(__file__)) -> Revision:
    """Return the revision that `file` belongs to.

    A package that was installed into a folder of somebody else's repository does not belong to it.
    """
    git = shutil.which("git")
    if git is None or not _ask(git, file, "ls-files", "--error-unmatch", file.name):
        return Revision(UNKNOWN, None)
    commit = _ask(git, file, "rev-parse", "HEAD")
    if not commit:
        return Revision(UNKNOWN, None)
    return Revision(commit, bool(_ask(git, file, "status", "--porcelain")))


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that decide about results; "unknown" where one is missing."""
    return {name: _version(name) for name in PACKAGES}


def describe_machine() -> Machine:
    """Describe this machine."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        processor=_processor(Path("/proc/cpuinfo")),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        accelerators=tuple(torch.cuda.get_device_name(index) for index in range(count)),
    )


def cpu_seconds() -> float:
    """Return the CPU seconds, user and system, of this process and of its children that have ended."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def _ask(git: str, file: Path, *arguments: str) -> str:
    """Return what git says about the file's folder, "" where it fails."""
    answer = subprocess.run(  # noqa: S603 - the program was looked up, the arguments are ours
        [git, "-C", str(file.parent), *arguments], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def _processor(cpuinfo: Path) -> str:
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
