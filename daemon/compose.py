"""Settings in, every part of the daemon out, joined but with no thread started."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector

from daemon.assembly import mqtt_settings
from daemon.backstage import Desks, House, Stores
from daemon.cameras import Cameras
from daemon.config import Settings
from daemon.delivery import Delivery, open_delivery
from daemon.engine import Engine
from daemon.outbox import end_open_events
from daemon.overview import Fanout, Overview
from daemon.server import HttpServer, bind, page_url
from daemon.snapshots import Snapshots
from daemon.state_command import LEARNED_DIR
from daemon.tuning import Tuning
from daemon.web import create_app
from models.runtime import Encoder
from pipeline.analysis import CameraAnalysis, Outlets
from pipeline.clock import Clock
from pipeline.events import EventBook
from pipeline.inference import Inference
from pipeline.mailbox import Mailbox
from pipeline.metrics import Metrics
from pipeline.reporter import StatusReporter
from pipeline.threads import ThreadGroup

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
    server: HttpServer | None
    page: str


@dataclass(frozen=True, slots=True)
class Base:
    """What the caller brings."""

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
        encoder = base.open_model(settings)
        encoder.warm_up()
        metrics = _metrics(encoder)
        opened = open_delivery(mqtt, settings.storage, model=_model(encoder), clock=clock, metrics=metrics)
        delivery = stack.enter_context(opened)
        _end_what_a_crash_left_open(delivery, clock)
        stores = _stores(settings, delivery, clock)
        engine = _engine(base, encoder, delivery=delivery, stores=stores, metrics=metrics)
        inference = Inference(encoder, engine.mailbox, cameras=engine.analyses, clock=clock, metrics=metrics)
        cameras = Cameras(engine, delivery, learned_dir=settings.storage.data_dir / LEARNED_DIR)
        house = _house(base, stores, engine=engine, delivery=delivery, cameras=cameras)
        app = create_app(house, metrics.registry, settings.http)
        server = HttpServer(app, listener) if listener else None
        yield Parts(delivery, stores, engine, inference, cameras, house, server, page)


def _metrics(encoder: Encoder) -> Metrics:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = Metrics(registry)
    metrics.model_info.labels(_model(encoder), encoder.name).set(1)
    return metrics


def _model(encoder: Encoder) -> str:
    return f"{encoder.checkpoint.name} {encoder.checkpoint.version}"


def _end_what_a_crash_left_open(delivery: Delivery, clock: Clock) -> None:
    count = end_open_events(delivery.outbox, clock)
    if count:
        logger.warning("%d events were open when the daemon last ended; they have ended now", count)


def _stores(settings: Settings, delivery: Delivery, clock: Clock) -> Stores:
    folder = settings.storage.data_dir / "snapshots"
    snapshots = Snapshots(folder, clock, keep_days=settings.storage.keep_days)
    return Stores(delivery.outbox, snapshots, Overview(snapshots))


def _engine(base: Base, encoder: Encoder, *, delivery: Delivery, stores: Stores, metrics: Metrics) -> Engine:
    listener = Fanout([delivery.announcer, stores.overview])  # first whoever must not lose an event
    book = EventBook(listener, base.clock, metrics=metrics)
    outlets = Outlets(book, listener, metrics)
    analyses: dict[str, CameraAnalysis] = {}
    limits = base.settings.inference
    mailbox = Mailbox(limits.max_pending_frames, metrics, max_pictures=limits.max_batch)
    reporter = StatusReporter(outlets, cameras=analyses)
    return Engine(
        base.clock, base.group, encoder, mailbox, outlets, reporter, analyses, stores.overview, base.tuning
    )


def _house(base: Base, stores: Stores, *, engine: Engine, delivery: Delivery, cameras: Cameras) -> House:
    return House(
        stores,
        engine,
        mqtt=base.settings.mqtt,
        broker=lambda: delivery.publisher.health,
        roll=lambda: cameras.roll,
        desks=Desks(delivery.commands, delivery.feedback, base.request_reload),
    )
