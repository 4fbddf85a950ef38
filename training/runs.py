"""A training command and its metrics in, a run folder out that says all of how its results came about.

run.json       settings, seed, data, and a session each time it ran: code, packages, machine, times, energy
metrics.jsonl  metrics per step
tensorboard/   the same for TensorBoard
curves.png     the same as a picture, drawn whenever a session ends
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError

from models.errors import VideobertdError
from models.files import write_file
from training.metric_log import MetricLog
from training.plots import curves_figure, save_figure
from training.provenance import (
    Machine,
    Revision,
    cpu_seconds,
    describe_machine,
    git_revision,
    package_versions,
)
from training.trackers import TensorBoardTracker, Tracker, WandbTracker

RECORD_FILE = "run.json"
METRICS_FILE = "metrics.jsonl"
CURVES_FILE = "curves.png"
TENSORBOARD_FOLDER = "tensorboard"

# A core of a server or desktop under load with its share of memory and power supply; state your own.
WATTS_PER_CORE = 15.0
JOULES_PER_WH = 3600.0

Outcome = Literal["running", "finished", "stopped"]


class RunError(VideobertdError):
    """Raised when a run folder holds another run."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What makes a run the same run: `settings` hold plain JSON values only."""

    command: str
    settings: Mapping[str, Any]
    seed: int
    data_fingerprint: str


@dataclass(frozen=True, slots=True)
class Session:
    """One time that the run ran; `outcome` is "running" for ever if the process was killed.

    `energy_wh_estimate` is no measurement: `cpu_s` times `assumed_watts_per_core`, without accelerators.
    """

    started_utc: str
    ended_utc: str
    wall_s: float
    cpu_s: float
    assumed_watts_per_core: float
    energy_wh_estimate: float
    outcome: Outcome
    code: Revision
    packages: Mapping[str, str]
    machine: Machine


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What run.json holds; sums over the sessions are lower bounds where one was killed."""

    run: RunIdentity
    sessions: tuple[Session, ...]

    @property
    def cpu_s(self) -> float:
        """Return the CPU seconds of all sessions."""
        return sum(session.cpu_s for session in self.sessions)

    @property
    def energy_wh_estimate(self) -> float:
        """Return the estimated energy of all sessions."""
        return sum(session.energy_wh_estimate for session in self.sessions)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is watched; clocks can be replaced.

    `after_step` is the step of the training state that the run goes on from: what was logged beyond it is
    dropped, because it will be logged again. None keeps all.
    """

    after_step: int | None = None
    wandb: bool = False
    watts_per_core: float = WATTS_PER_CORE
    now_s: Callable[[], float] = time.time
    cpu_s: Callable[[], float] = cpu_seconds


RECORD = TypeAdapter(RunRecord)
IDENTITY = TypeAdapter(RunIdentity)


class Run:
    """A run folder while one session writes to it: `with Run(folder, identity) as run: run.log(…)`."""

    def __init__(self, folder: Path, identity: RunIdentity, options: RunOptions | None = None) -> None:
        self._folder = folder
        self._identity = identity
        self._options = options or RunOptions()
        self._log = MetricLog(folder / METRICS_FILE)
        self._trackers: list[Tracker] = []
        self._record = RunRecord(identity, ())
        self._began_s = 0.0
        self._began_cpu_s = 0.0

    def __enter__(self) -> Self:
        """Begin a session; an existing run of the same identity goes on.

        Raises:
            RunError: The folder holds another run, or a record that cannot be read.
            TrackerError: wandb is asked for and not installed.
        """
        self._record = self._continued()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._trackers = self._open_trackers()
        self._log.open(after_step=self._options.after_step)
        self._began_s, self._began_cpu_s = self._options.now_s(), self._options.cpu_s()
        self._record = replace(self._record, sessions=(*self._record.sessions, self._begin()))
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session, whatever happened, and draw the curves."""
        for tracker in self._trackers:
            tracker.close()
        self._update("finished" if kind is None else "stopped")
        save_figure(curves_figure(self._log.curves()), self._folder / CURVES_FILE)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record metrics of a step, such as "train/loss"; one that the step has already is left as it was."""
        if fresh := self._log.append(step, values):
            for tracker in self._trackers:
                tracker.record(step, fresh)

    def save(self) -> None:
        """Bring times and energy up to date, as with every training state: a kill loses no more than that."""
        self._update("running")

    def _continued(self) -> RunRecord:
        path = self._folder / RECORD_FILE
        if not path.exists():
            return RunRecord(self._identity, ())
        record = load_run(self._folder)
        # As JSON has them: a tuple of settings comes back as a list.
        ours, theirs = (IDENTITY.dump_python(of, mode="json") for of in (self._identity, record.run))
        if differing := [name for name in ours if ours[name] != theirs[name]]:
            raise RunError(
                f"{self._folder} holds a run with other {' and '.join(differing)}: choose another."
            )
        return record

    def _open_trackers(self) -> list[Tracker]:
        # wandb first: where it is missing nothing has been opened yet.
        settings = asdict(self._identity)
        wandb: list[Tracker] = (
            [WandbTracker.open(self._folder, settings=settings)] if self._options.wandb else []
        )
        after_step = self._options.after_step
        return [*wandb, TensorBoardTracker.open(self._folder / TENSORBOARD_FOLDER, after_step=after_step)]

    def _begin(self) -> Session:
        return Session(
            started_utc=_utc(self._began_s),
            ended_utc=_utc(self._began_s),
            wall_s=0.0,
            cpu_s=0.0,
            assumed_watts_per_core=self._options.watts_per_core,
            energy_wh_estimate=0.0,
            outcome="running",
            code=git_revision(),
            packages=package_versions(),
            machine=describe_machine(),
        )

    def _update(self, outcome: Outcome) -> None:
        now_s, cpu_s = self._options.now_s(), self._options.cpu_s() - self._began_cpu_s
        *earlier, session = self._record.sessions
        session = replace(
            session,
            ended_utc=_utc(now_s),
            wall_s=now_s - self._began_s,
            cpu_s=cpu_s,
            energy_wh_estimate=cpu_s * session.assumed_watts_per_core / JOULES_PER_WH,
            outcome=outcome,
        )
        self._record = replace(self._record, sessions=(*earlier, session))
        self._write()

    def _write(self) -> None:
        record = RECORD.dump_json(self._record, indent=2) + b"\n"
        write_file(self._folder / RECORD_FILE, record, durable=False)


def load_run(folder: Path) -> RunRecord:
    """Read a run's record.

    Raises:
        RunError: There is none that can be read.
    """
    try:
        return RECORD.validate_json((folder / RECORD_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(f"{folder / RECORD_FILE} cannot be read: {error}.") from error


def _utc(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
