"""A dataset in, a refitted model on the shelf out: `videobert-train refit` as a process of low priority."""

import fcntl
import importlib.util
import logging
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.review.dataset import TABLE
from daemon.review.shelf import ModelShelf
from models.checkpoint import Checkpoint
from models.refit_report import PROGRESS_FILE, Progress, read_progress
from pipeline.errors import VideobertdError

logger = logging.getLogger(__name__)

NEEDED = ("torch", "sklearn", "training")
NICE = 10
STOP_S = 2.0
LOG_FILE = "retrain.log"
FEATURES = "features"
LOG_TAIL_BYTES = 4096


class RetrainError(VideobertdError):
    """Raised when retraining cannot begin, or there is none to cancel."""


@dataclass(frozen=True, slots=True)
class RetrainView:
    """How retraining stands; `missing` says why it cannot be done here, `problem` why the last one failed."""

    is_running: bool
    progress: Progress
    problem: str
    missing: str
    command: str
    log: str


def what_is_missing() -> str:
    """Return why nothing can be trained here; empty where it can."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"{' and '.join(absent)} are not installed: pip install 'videobertd[train]'" if absent else ""


class Retraining:
    """At most one process at a time; whoever asks finds out whether it has ended. Any thread may call."""

    def __init__(
        self,
        shelf: ModelShelf,
        dataset: Path,
        base: Checkpoint,
        *,
        missing: Callable[[], str] = what_is_missing,
        program: Sequence[str] = (sys.executable, "-m", "training"),
    ) -> None:
        self._shelf = shelf
        self._dataset = dataset
        self._base = base
        self._missing = missing
        self._program = tuple(program)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._problem = ""
        self._is_over = False

    @property
    def view(self) -> RetrainView:
        """How it stands now."""
        with self._lock:
            self._notice_end()
            running = self._process is not None
            return RetrainView(
                is_running=running,
                progress=read_progress(self._progress_path) if running else Progress(),
                problem=self._problem,
                missing=self._missing(),
                command=shlex.join(self._command(self._shelf.next_number)),
                log=str(self._log_path),
            )

    def start(self) -> None:
        """Begin in the background.

        Raises:
            RetrainError: One runs already, nothing is labelled, or what it needs is not installed.
        """
        with self._lock:
            self._notice_end()
            if self._is_over:
                raise RetrainError("the daemon ends")
            if self._process is not None:
                raise RetrainError("a model is being trained already")
            if missing := self._missing():
                raise RetrainError(missing)
            if not self._tables():
                raise RetrainError("no labelled event has a video: there is nothing to learn from")
            self._problem = ""
            self._spawn()
        logger.info("retraining has begun; its log is %s", self._log_path)

    def cancel(self) -> None:
        """End it; what it had made so far is gone.

        Raises:
            RetrainError: None is running.
        """
        with self._lock:
            self._notice_end()
            if self._process is None:
                raise RetrainError("no model is being trained")
            self._end("It was cancelled.", STOP_S)

    def stop(self) -> None:
        """End it at once because the daemon ends; none begins after that, whoever still asks for one."""
        with self._lock:
            self._is_over = True
            if self._process is not None:
                self._end("The daemon was stopped.", 0.0)

    def _spawn(self) -> None:
        command = self._command(self._shelf.next_number)
        try:
            self._shelf.folder.mkdir(parents=True, exist_ok=True)
            with self._log_path.open("ab") as log:
                # Held while the process writes to it, which outlives a daemon that is killed.
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
                log.truncate(0)
                self._progress_path.unlink(missing_ok=True)
                # A session of its own: Ctrl-C on the daemon's terminal is not for it, as the daemon ends it.
                self._process = subprocess.Popen(  # noqa: S603 - our own program, and paths of ours
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
        except BlockingIOError as error:
            raise RetrainError("a model is being trained already, since before the daemon started") from error
        except OSError as error:
            raise RetrainError(f"it could not be begun: {error.strerror}") from error

    def _notice_end(self) -> None:
        """Take note of a process that has ended since somebody last asked."""
        if self._process is None or (code := self._process.poll()) is None:
            return
        self._process = None
        self._problem = "" if code == 0 else f"It failed: {_last_line(self._log_path)}"
        if code:
            logger.warning("retraining ended with exit code %d; see %s", code, self._log_path)
        else:
            logger.info("retraining is done")

    def _end(self, problem: str, patience_s: float) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process, self._problem = None, problem
        logger.info("retraining was ended")

    def _command(self, number: int) -> list[str]:
        """Return what is run; the heads move from those of the daemon's own model, whatever runs now."""
        tasks = [
            part for table in self._tables() for part in ("--task", f"{table.parent.name}={table.parent}")
        ]
        return [
            *(*self._program, "refit", *tasks),
            *("--checkpoint", str(self._base.folder), "--version", f"{self._base.version}+local.{number}"),
            *("--cache", str(self._dataset / FEATURES), "--out", str(self._shelf.folder / str(number))),
            *("--progress", str(self._progress_path), "--device", "cpu", "--nice", str(NICE)),
        ]

    def _tables(self) -> list[Path]:
        return sorted(self._dataset.glob(f"*/{TABLE}"))

    @property
    def _log_path(self) -> Path:
        return self._shelf.folder / LOG_FILE

    @property
    def _progress_path(self) -> Path:
        return self._shelf.folder / PROGRESS_FILE


def _last_line(log: Path) -> str:
    """Return the last thing that a process said, which names what went wrong."""
    try:
        text = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
