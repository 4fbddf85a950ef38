"""Settings in, every part of the daemon out, joined but with no thread started."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, ProcessCollector

from daemon.access.accounts import FIRST_NAME, Accounts
from daemon.access.guard import Policy
from daemon.archive_reader import ArchiveReader
from daemon.assembly import mqtt_settings, with_checkpoint
from daemon.backstage import Desks, House, Stores
from daemon.board import Board
from daemon.cameras import Cameras
from daemon.config import LOOPBACK, Settings
from daemon.delivery import Delivery, open_delivery
from daemon.editing.desk import Running, SettingsDesk
from daemon.editing.settings_file import SettingsFile
from daemon.engine import Engine
from daemon.event_files import EventFiles, FileKind
from daemon.evidence_room import EvidenceRoom
from daemon.mqtt import MqttSettings
from daemon.notify.assembly import notifiers
from daemon.notify.messages import LoggedMessages
from daemon.notify.notifier import Notifier, Supplies
from daemon.outbox import end_open_events
from daemon.overview import Fanout, Overview
from daemon.payloads import Origin
from daemon.recordings import Recordings
from daemon.review.dataset import DatasetFolder
from daemon.review.desk import ReviewDesk, Witnesses, dataset_folder
from daemon.review.model_room import MODELS_FOLDER, ModelRoom, Opened, open_chosen
from daemon.review.retraining import Retraining
from daemon.review.shelf import ModelShelf
from daemon.search.opening import open_search
from daemon.server import HttpServer, bind, page_url
from daemon.snapshots import SnapshotStore
from daemon.state_command import LEARNED_DIR
from daemon.system.measures import Larder, Meter
from daemon.topics import Topics
from daemon.tuning import Tuning
from daemon.updates import Updates, Versions, versions_on_disk
from daemon.web import Door, create_app
from models.checkpoint import DEFAULT_DIR, Checkpoint
from models.clip_vector import ClipReader
from models.runtime import Encoder
from pipeline.analysis import CameraAnalysis, Outlets
from pipeline.clock import Clock
from pipeline.events import EventBook
from pipeline.inference import Inference
from pipeline.mailbox import Mailbox
from pipeline.metrics import Metrics
from pipeline.reporter import StatusReporter
from pipeline.rules import RuleListener
from pipeline.threads import ThreadGroup
from pipeline.types import Listener

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The daemon's parts; `server` is None where HTTP is switched off, and `page` is empty then."""

    delivery: Delivery
    stores: Stores
    engine: Engine
    inference: Inference
    cameras: Cameras
    house: House
    notifiers: tuple[Notifier, ...]
    updates: Updates
    room: EvidenceRoom
    server: HttpServer | None
    page: str


@dataclass(frozen=True, slots=True)
class Base:
    """What the caller brings."""

    config: Path
    settings: Settings
    clock: Clock
    group: ThreadGroup
    request_reload: Callable[[], None]
    tuning: Tuning
    open_model: Callable[[Settings], Encoder]


@contextmanager
def compose(base: Base) -> Iterator[Parts]:
    """Build everything; what was opened is closed when the `with` block ends.

    Raises:
        SettingsError: something that the settings name cannot be used.
        CheckpointError: the model cannot be used.
    """
    settings, clock = base.settings, base.clock
    with ExitStack() as stack:
        listener = stack.enter_context(bind(settings.http)) if settings.http.enabled else None
        page = page_url(settings.http, listener) if listener else settings.http.public_url
        mqtt = mqtt_settings(settings, page)
        shelf = ModelShelf(settings.storage.data_dir / MODELS_FOLDER)
        opened_model = _open_model(base, shelf)
        encoder = opened_model.encoder
        encoder.warm_up()
        metrics = _metrics(encoder)
        clips = _clips(settings, clock)
        recordings = Recordings(clips, metrics)
        origin = Origin(
            lambda: encoder.checkpoint.title, public_url=mqtt.public_url, has_clip=recordings.is_recording
        )
        opened = open_delivery(mqtt, settings.storage, origin=origin, clock=clock, metrics=metrics)
        delivery = stack.enter_context(opened)
        _end_what_a_crash_left_open(delivery, clock)
        storage = settings.storage
        snapshots = SnapshotStore(storage.data_dir / "snapshots", storage.keep_days, clock)
        archive = ArchiveReader(storage.data_dir)
        search = stack.enter_context(open_search(storage.data_dir, encoder.checkpoint, clock))
        stores = Stores(delivery.outbox, snapshots, clips, archive, search.desk, Overview(snapshots))
        engine = _engine(
            base,
            encoder,
            # First whoever must not lose an event.
            listeners=(delivery.announcer, stores.overview, recordings, search.index),
            reader=search.reader,
            recordings=recordings,
            metrics=metrics,
            overview=stores.overview,
        )
        inference = Inference(encoder, engine.mailbox, cameras=engine.analyses, clock=clock, metrics=metrics)
        cameras = Cameras(engine, delivery, learned_dir=settings.storage.data_dir / LEARNED_DIR)
        models = _model_room(base, opened_model, shelf=shelf, metrics=metrics)
        stack.callback(models.stop)
        room = _room(settings, stores, metrics)
        meter = Meter(metrics, clock, _larder(settings, room))
        desks = _desks(base, stores, engine=engine, delivery=delivery, cameras=cameras, models=models)
        house = House(
            stores,
            engine,
            mqtt=settings.mqtt,
            broker=lambda: delivery.publisher.health,
            roll=lambda: cameras.roll,
            desks=desks,
            meter=meter,
        )
        app = create_app(house, metrics.registry, settings.http, door=_door(settings, clock, metrics))
        server = HttpServer(app, listener) if listener else None
        updates = _updates(mqtt, settings, opened_model.base, board=delivery.board)
        told = _notifiers(settings, stores, clock=clock, metrics=metrics)
        yield Parts(delivery, stores, engine, inference, cameras, house, told, updates, room, server, page)


def _desks(
    base: Base, stores: Stores, *, engine: Engine, delivery: Delivery, cameras: Cameras, models: ModelRoom
) -> Desks:
    review = _review(base, stores, engine=engine, cameras=cameras)
    delivery.feedback.judge_behaviours(review.judge)
    desk = _settings_desk(base, delivery, cameras)
    return Desks(delivery.commands, delivery.feedback, review, models, desk, base.request_reload)


def _larder(settings: Settings, room: EvidenceRoom) -> Larder:
    return Larder(
        settings.storage.data_dir,
        {
            "pictures": lambda: room.size_bytes("snapshots"),
            "videos": lambda: room.size_bytes("clips"),
            "labelled videos": lambda: _dataset(settings).size_bytes,
        },
    )


def _room(settings: Settings, stores: Stores, metrics: Metrics) -> EvidenceRoom:
    return EvidenceRoom(
        {"snapshots": stores.snapshots, "clips": stores.clips},
        folder=settings.storage.data_dir,
        min_free_bytes=settings.storage.min_free_gb * 1e9,
        metrics=metrics,
    )


def _notifiers(settings: Settings, stores: Stores, *, clock: Clock, metrics: Metrics) -> tuple[Notifier, ...]:
    messages = LoggedMessages(settings.storage.data_dir, lambda: stores.outbox.last_seq)
    return notifiers(
        settings.notify,
        data_dir=settings.storage.data_dir,
        public_url=settings.http.public_url,
        supplies=Supplies(messages, stores.snapshots.read, clock, metrics),
    )


def _updates(mqtt: MqttSettings, settings: Settings, own: Checkpoint, *, board: Board) -> Updates:
    running = Versions(version("videobertd"), own.title)
    folder = settings.model.checkpoint or DEFAULT_DIR
    topics = Topics(mqtt.base_topic, mqtt.discovery_prefix)
    return Updates(topics, board, running=running, on_disk=lambda: versions_on_disk(folder, running))


def _metrics(encoder: Encoder) -> Metrics:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = Metrics(registry)
    _name_model(metrics, encoder)
    return metrics


def _name_model(metrics: Metrics, encoder: Encoder) -> None:
    metrics.model_info.clear()
    metrics.model_info.labels(encoder.checkpoint.title, encoder.name).set(1)


def _open_model(base: Base, shelf: ModelShelf) -> Opened:
    def opened(folder: Path | None) -> Encoder:
        return base.open_model(base.settings if folder is None else with_checkpoint(base.settings, folder))

    return open_chosen(shelf, opened, settings_decide=base.settings.model.checkpoint is not None)


def _model_room(base: Base, opened: Opened, *, shelf: ModelShelf, metrics: Metrics) -> ModelRoom:
    settings = base.settings
    return ModelRoom(
        opened,
        shelf,
        Retraining(shelf, dataset_folder(settings.storage.data_dir), opened.base),
        open_model=lambda folder: base.open_model(with_checkpoint(settings, folder)),
        settings_decide=settings.model.checkpoint is not None,
        changed=lambda: _name_model(metrics, opened.encoder),
    )


def _end_what_a_crash_left_open(delivery: Delivery, clock: Clock) -> None:
    count = end_open_events(delivery.outbox, clock)
    if count:
        logger.warning("%d events were open when the daemon last ended; they have ended now", count)


def _door(settings: Settings, clock: Clock, metrics: Metrics) -> Door:
    """Return who comes in over HTTP; where nobody can yet, an admin is made and told of in the log."""
    http, accounts = settings.http, Accounts(settings.storage.data_dir, clock)
    password = accounts.create_first() if http.enabled and http.asks else None
    if password:
        logger.error("log in once as %s with %s and choose a password", FIRST_NAME, password)
    if http.enabled and not http.asks and http.host not in LOOPBACK:
        logger.warning("http.login is never: whoever reaches port %d may change anything", http.port)
    policy = Policy(
        asks=http.asks,
        session_s=http.session_days * 86400.0,
        proxy_header=http.proxy_user_header,
        trusted_proxies=http.trusted_proxies,
        open_metrics=http.open_metrics,
        public_host=urlsplit(http.public_url).netloc,
    )
    return Door(accounts, policy, clock, lambda reason: metrics.login_failures.labels(reason).inc())


def _clips(settings: Settings, clock: Clock) -> EventFiles:
    storage = settings.storage
    kind = FileKind("clips", ".mp4", storage.keep_days, keep_bytes=storage.keep_clips_gb * 1e9)
    return EventFiles(storage.data_dir / "clips", kind, clock)


def _engine(
    base: Base,
    encoder: Encoder,
    *,
    listeners: Sequence[Listener],
    reader: ClipReader | None,
    recordings: Recordings,
    metrics: Metrics,
    overview: Overview,
) -> Engine:
    listener = RuleListener(Fanout(listeners))
    book = EventBook(listener, base.clock, metrics=metrics)
    outlets = Outlets(book, listener, metrics)
    analyses: dict[str, CameraAnalysis] = {}
    limits = base.settings.inference
    mailbox = Mailbox(limits.max_pending_frames, metrics, max_pictures=limits.max_batch)
    reporter = StatusReporter(outlets, cameras=analyses)
    return Engine(
        clock=base.clock,
        group=base.group,
        encoder=encoder,
        mailbox=mailbox,
        outlets=outlets,
        reporter=reporter,
        analyses=analyses,
        overview=overview,
        recordings=recordings,
        rules=listener,
        tuning=base.tuning,
        reader=reader,
    )


def _review(base: Base, stores: Stores, *, engine: Engine, cameras: Cameras) -> ReviewDesk:
    dataset = _dataset(base.settings)

    def rolls(name: str) -> tuple[float, float]:
        entry = cameras.roll.get(name)
        table = base.settings.defaults if entry is None else entry.table
        return table.pre_roll_s, table.post_roll_s

    witnesses = Witnesses(stores.archive, stores.clips, lambda: engine.encoder.checkpoint, rolls)
    return ReviewDesk(dataset, witnesses, base.clock)


def _dataset(settings: Settings) -> DatasetFolder:
    storage = settings.storage
    return DatasetFolder(dataset_folder(storage.data_dir), storage.keep_dataset_gb * 1e9)


def _settings_desk(base: Base, delivery: Delivery, cameras: Cameras) -> SettingsDesk:
    running = Running(lambda: cameras.roll, delivery.commands.follow, base.request_reload)
    return SettingsDesk(SettingsFile(base.config), os.environ, running)
