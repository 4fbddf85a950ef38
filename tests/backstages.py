"""A backstage for tests of the web side: it shows what a test puts into it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from daemon.access.accounts import Accounts
from daemon.access.guard import Policy
from daemon.archive_reader import ArchivePage
from daemon.config import CameraTable
from daemon.editing.form import SettingsView, StaleEditError, UnknownCameraError, shown
from daemon.event_log import LoggedEvent
from daemon.feedback import FeedbackError, UnknownEventError
from daemon.payloads import EventMessage, FeedbackMessage
from daemon.review.dataset import DatasetFolder
from daemon.review.desk import ReviewDesk, Witnesses
from daemon.review.model_room import ModelRoomError, ModelsView
from daemon.review.retraining import RetrainError, RetrainView
from daemon.search.desk import Alike, WordsFound
from daemon.snapshots import Layers, Part
from daemon.system.measures import CameraMeasures, Delay, Measures, Storage, Whole
from daemon.views import CameraView, SystemView
from daemon.web import Door
from models.checkpoint import Task
from models.refit_report import Progress
from pipeline.errors import SettingsError
from pipeline.feedback import Verdict
from pipeline.types import CameraStatus
from tests.fakes import ManualClock, checkpoint

EVENT_ID = "00cpd7gq3g0123456789abc"
PORCH = CameraView(
    name="porch",
    description="front <door>",
    source="rtsp://***@192.0.2.7/x",
    status=CameraStatus.ONLINE,
    reason="",
    anomaly_score=0.25,
    calibration_ratio=0.5,
    budget_per_day=1.0,
    budget_used_ratio=0.0,
    expected_per_day=1.2,
    actual_per_day=0.5,
    motion=False,
    behaviour=None,
    active_events=(),
)
PORCH_SETTINGS = SettingsView(
    camera="porch",
    revision="r1",
    source="rtsp://***@192.0.2.7/x",
    in_use=True,
    settings=shown(
        CameraTable.model_validate(
            {
                "url": "x",
                "description": "front <door>",
                "zones": {"pool": {"polygon": [[0.1, 0.5], [0.4, 0.5], [0.4, 0.9]]}},
                "rules": [{"do": "watch", "zone": "pool", "begin": "21:00", "end": "07:00"}],
            }
        )
    ),
    in_file={},
    locked={},
    obstacle="",
)
SYSTEM = SystemView(
    version="0.1.0",
    model="videobert-small",
    runtime="onnxruntime int8 cpu",
    uptime_s=75.0,
    broker="connected to 127.0.0.1:1883",
    broker_problem="",
    storage_problem="",
    outbox_pending=0,
)


MEASURES = Measures(
    cameras=(
        CameraMeasures(
            name="porch",
            fps={"decoded": 12.5, "sampled": 6.0, "encoded": None},
            dropped={"overload": 7, "no_pts": 2},
            disconnected={},
        ),
    ),
    whole=Whole(
        frame_to_score=Delay(count=900, p50_s=0.0421, p95_s=0.25, p99_s=2.34),
        capture_to_publish=Delay(count=0, p50_s=None, p95_s=None, p99_s=None),
        storage=Storage(
            "/data", {"pictures": 2_340_000, "videos": 12_000_000_000}, 30_000_000_000, 64_000_000_000
        ),
    ),
    card="# videobert-small 1\n\nIt has seen **one** home.\n",
)

# Nobody is asked who they are, so no account is ever looked up.
EVERYBODY_IN = Door(Accounts(Path("nowhere"), ManualClock()), Policy(asks=False), ManualClock())


@dataclass
class FakeArchive:
    """An archive that a test fills with a page; it keeps what it was asked."""

    past: ArchivePage = field(default_factory=lambda: ArchivePage((), None))
    asked: list = field(default_factory=list)

    def page(self, which):
        self.asked.append(which)
        events = (one for one in self.past.events if which.cameras is None or one.camera in which.cameras)
        wanted = tuple(one for one in events if which.kind in (None, one.kind))
        return replace(self.past, events=wanted)

    def messages(self, event_id):
        return tuple(event for event in self.past.events if event.id == event_id)

    def camera_of(self, event_id):
        return next((event.camera for event in self.past.events if event.id == event_id), None)

    def labels(self, cameras=None):
        return ("fall", "unusual") if cameras is None else ("fall",)


@dataclass
class FakeClips:
    """Clips that a test puts there, by event."""

    paths: dict = field(default_factory=dict)

    def find(self, event_id):
        return self.paths.get(event_id)


IDLE = RetrainView(is_running=False, progress=Progress(), problem="", missing="", command="refit", log="log")


@dataclass
class FakeModels:
    """A room of models that shows what a test puts into it, and keeps what it was asked for."""

    shelf: tuple = ()
    running: int = 0
    problem: str = ""
    retraining: RetrainView = IDLE
    asked: list = field(default_factory=list)

    @property
    def view(self):
        return ModelsView("videobert-small 1", self.running, self.shelf, self.retraining, self.problem)

    def retrain(self):
        if self.retraining.missing:
            raise RetrainError(self.retraining.missing)
        self.asked.append("retrain")

    def cancel(self):
        self.asked.append("cancel")

    def use(self, number):
        if number not in {0, *(one.number for one in self.shelf)}:
            raise ModelRoomError(f"There is no model {number}.")
        self.asked.append(number)


# Two tasks that alarm and one that does not; a clip is 4 s.
TASKS = {
    "activity": Task(("walk", "sit"), (None, None)),
    "crash": Task(("normal", "crash"), (None, 0.8)),
    "fight": Task(("normal", "fight"), (None, 0.5)),
}
MODEL = checkpoint(num_frames=24, sample_fps=6.0, tasks=TASKS)


def review_desk(folder, archive, *, clips=None, max_bytes=1e9, clock=None):
    """Return a desk for cameras whose clips begin and end 5 s before and after."""
    witnesses = Witnesses(archive, clips or FakeClips(), lambda: MODEL, lambda _camera: (5.0, 5.0))
    return ReviewDesk(DatasetFolder(folder, max_bytes), witnesses, clock or ManualClock())


@dataclass
class FakeOffice:
    """Shows the settings of PORCH, and keeps what it is asked to change or raises what it is told to."""

    shown: SettingsView = PORCH_SETTINGS
    asked: list = field(default_factory=list)
    failure: Exception | None = None

    def view(self, camera):
        if camera != "porch":
            raise UnknownCameraError(f"no camera is named {camera!r}")
        return self.shown

    def change(self, camera, edit, *, revision, by):
        view = self.view(camera)
        if self.failure:
            raise self.failure
        if revision != view.revision:
            raise StaleEditError("the settings have changed")
        self.asked.append((camera, edit, by))
        return replace(view, revision="r2", in_use=False)

    def add(self, new, *, by):
        if self.failure:
            raise self.failure
        self.asked.append((new.name, new.url, by))
        return replace(self.shown, camera=new.name)

    def remove(self, camera, *, revision, by):
        if revision != self.view(camera).revision:
            raise StaleEditError("the settings have changed")
        self.asked.append((camera, "removed", by))


@dataclass
class FakeSearch:
    """A search that finds what a test puts into it, of the cameras asked for; it keeps what it was asked."""

    alike: Alike | None = field(default_factory=Alike)
    found: WordsFound = field(default_factory=lambda: WordsFound((), Alike()))
    asked: list = field(default_factory=list)

    def similar(self, event_id, which, *, limit):
        self.asked.append((event_id, which, limit))
        return self.alike and _alike_of(self.alike, which)

    def words(self, text, which, *, limit):
        self.asked.append((text, which, limit))
        said = tuple(event for event in self.found.said if _is_of(event, which))
        return replace(self.found, said=said, alike=_alike_of(self.found.alike, which))


def _alike_of(alike, which):
    return replace(alike, hits=tuple(hit for hit in alike.hits if _is_of(hit.event, which)))


def _is_of(event, which):
    return which.cameras is None or event.camera in which.cameras


@dataclass
class FakeBackstage:
    """Shows what a test puts into it."""

    all_cameras: tuple = (PORCH,)
    own: SystemView = SYSTEM
    measured: Measures = MEASURES
    log: tuple = ()
    reloads: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    clips: dict = field(default_factory=dict)
    kept: dict = field(default_factory=lambda: {Part.PICTURE: b"jpeg"})  # what is kept of EVENT_ID's snapshot
    drawn: Layers | None = None
    archive: FakeArchive = field(default_factory=FakeArchive)
    settings: FakeOffice = field(default_factory=FakeOffice)
    search: FakeSearch = field(default_factory=FakeSearch)
    review: ReviewDesk | None = None
    models: FakeModels = field(default_factory=FakeModels)

    def __post_init__(self):
        self.review = self.review or review_desk(Path("nowhere"), self.archive)

    def cameras(self):
        return self.all_cameras

    def system(self):
        return self.own

    def measures(self):
        return self.measured

    def events(self, which, *, after, limit):
        self.asked.append((which, after, limit))
        return tuple(entry for entry in self.log if entry.seq > after)[:limit]

    def newest_events(self, which, *, limit):
        return tuple(e for e in self.log if which.cameras is None or e.camera in which.cameras)[-limit:]

    def clip(self, event_id):
        return self.clips.get(event_id)

    def snapshot(self, event_id, part=Part.PICTURE):
        return self.kept.get(part) if event_id == EVENT_ID else None

    def layers(self, event_id):
        return self.drawn if event_id == EVENT_ID else None

    def picture(self, camera):
        return b"jpeg" if camera == "porch" else None

    def request_reload(self):
        self.reloads.append(1)

    def give_feedback(self, command):
        if command.event != EVENT_ID:
            raise UnknownEventError("no such event")
        if command.verdict is Verdict.WAS_AN_ALARM:
            raise FeedbackError("the disk does not take it")
        self.asked.append(command)
        return FeedbackMessage(event=command.event, verdict=command.verdict, by=command.by)

    def turn(self, camera, switch, text):
        if text == "lots":
            raise SettingsError("budget is a number")
        self.asked.append((camera, switch, text))


def logged(seq, event_id=EVENT_ID, **changes):
    """Return one line of the event log."""
    fields = {
        "id": event_id,
        "seq": seq,
        "camera": "porch",
        "type": "new",
        "kind": "anomaly",
        "label": "unusual",
        "score": 0.9,
        "severity": "alert",
        "start_utc": "2026-11-22T10:00:00.000Z",
        "explanation": "moves <faster> than usual",
    }
    message = EventMessage.model_validate({**fields, **changes})
    return LoggedEvent(seq, "porch", message.to_json(), pending=False)


def past(*events, older=None):
    return ArchivePage(tuple(EventMessage.model_validate_json(logged(*e).payload) for e in events), older)
