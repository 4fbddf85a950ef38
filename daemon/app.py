"""Settings in, a running daemon out, and an exit code when it ends.

The life of a daemon, top to bottom:

    bind the port · load and warm up the model · open the event log · end what a crash left open
    publisher · inference · evidence · notifiers · cameras · page · tell systemd
    wait: watchdog and other chores, reload (SIGHUP, page), stop (SIGTERM, SIGINT, a failed thread)
    cameras · inference · open events end · save what was learned · publisher drains, clips are written
    notifiers · page · a retraining, if one runs
"""

import logging
import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cv2

from daemon.assembly import inference_threads, load_encoder
from daemon.compose import Base, Parts, compose
from daemon.config import Settings, load_settings
from daemon.exit_codes import EXIT_FAILED, EXIT_OK
from daemon.housekeeping import Chore, Housekeeper
from daemon.logs import configure_logging
from daemon.recent_scores import INTERVAL_S
from daemon.signals import handled
from daemon.systemd import Systemd
from daemon.tuning import Tuning
from daemon.wakeup import Wakeup
from models.runtime import Encoder
from pipeline.clock import Clock, SystemClock
from pipeline.errors import SettingsError
from pipeline.threads import ThreadGroup, Worker, in_background, join_all
from pipeline.types import CameraStatus

logger = logging.getLogger(__name__)

# A clean stop takes 10 s at most: cameras 2 (daemon/cameras.py), inference 1, publisher 6, in which clips are
# written, too, page and notifications 1. A model that is being made is killed.
INFERENCE_STOP_S = 1.0
PUBLISHER_STOP_S = 6.0
LAST_STOP_S = 1.0  # a notification that waits for its service is not waited for
PRUNE_INTERVAL_S = 3600.0
UPDATE_CHECK_S = 3600.0
ROOM_CHECK_S = 60.0
SILENCE_CHECK_S = 2.0


def run_daemon(config: Path) -> int:
    """Run until a signal or a failure; return the exit code.

    Raises:
        SettingsError: the settings cannot be used; no thread was started.
        CheckpointError: the model cannot be used; no thread was started.
    """
    settings = load_settings(config)
    configure_logging(settings.logging.level, settings.logging.format)
    return Daemon(config, settings, clock=SystemClock(), systemd=Systemd(os.environ)).run()


class Daemon:
    """One run of the daemon; `request_stop` and `request_reload` may be called from anywhere."""

    def __init__(
        self,
        config: Path,
        settings: Settings,
        *,
        clock: Clock,
        systemd: Systemd,
        tuning: Tuning | None = None,
        open_model: Callable[[Settings], Encoder] = load_encoder,
    ) -> None:
        self._config = config
        self._settings = settings
        self._clock = clock
        self._systemd = systemd
        self._tuning = tuning or Tuning()
        self._open_model = open_model
        self._bell = Wakeup()
        self._stop_wanted = False
        self._reload_wanted = False

    def request_stop(self) -> None:
        """Ask for a clean stop; sets a flag and takes no lock, so that a signal handler may call it."""
        self._stop_wanted = True
        self._bell.ring()

    def request_reload(self) -> None:
        """Ask for the settings to be read again, in the same way."""
        self._reload_wanted = True
        self._bell.ring()

    def run(self) -> int:
        """Live from start to end; returns 0 after a clean stop and 1 after a failure.

        Raises:
            SettingsError: something that the settings name cannot be used; no thread was started.
            CheckpointError: the model cannot be used; no thread was started.
        """
        cv2.setNumThreads(1)  # each camera has a thread already
        group = ThreadGroup()
        with ExitStack() as stack:
            stack.enter_context(self._bell)
            stack.enter_context(handled(self._signals()))
            base = Base(
                self._config,
                self._settings,
                self._clock,
                group,
                self.request_reload,
                self._tuning,
                self._open_model,
            )
            parts = stack.enter_context(compose(base))
            workers = self._start(parts, group)
            try:
                self._wait(parts, group)
            finally:
                self._shut_down(parts, workers)
        return EXIT_OK if group.failure is None else EXIT_FAILED

    def _start(self, parts: Parts, group: ThreadGroup) -> "_Workers":
        parts.updates.tell()
        publisher = group.start("publish", parts.delivery.publisher.run)
        inference = [
            group.start(f"inference[{number}]", parts.inference.run)
            for number in range(inference_threads(self._settings))
        ]
        # What is an alarm is decided first: clips may have to be encoded anew.
        evidence = group.start("evidence", in_background(parts.engine.recordings.run))
        notify = tuple(group.start(f"notify[{one.name}]", one.run) for one in parts.notifiers)
        group.start("watch", self._watch)
        parts.cameras.apply(self._settings.cameras)
        server = group.start("web", parts.server.run) if parts.server else None
        logger.info("videobertd %s runs %d cameras", version("videobertd"), len(self._settings.cameras))
        if parts.page:
            logger.info("the page is at %s", parts.page)
        if not self._settings.cameras:
            logger.warning("no camera is configured: add [cameras.<name>] to %s, then SIGHUP", self._config)
        self._systemd.ready(self._status(parts))
        parts.room.keep_free()
        parts.room.prune()
        return _Workers(publisher, tuple(inference), evidence, notify, server)

    def _wait(self, parts: Parts, group: ThreadGroup) -> None:
        """Do the chores until somebody asks for a stop or a thread fails."""
        housekeeper = Housekeeper(self._chores(parts), self._clock)
        while not self._stop_wanted:
            select.select([self._bell], [], [], housekeeper.wait_s())
            self._bell.clear()
            if self._reload_wanted and not self._stop_wanted:
                self._reload_wanted = False
                self._reload(parts)
            housekeeper.do_due()
        reason = "a thread failed" if group.failure else "asked to"
        logger.info("stopping: %s", reason)

    def _chores(self, parts: Parts) -> list[Chore]:
        chores = [
            Chore(self._settings.storage.learned_save_interval_s, parts.cameras.save_learned),
            Chore(SILENCE_CHECK_S, parts.cameras.report_silence),
            Chore(INTERVAL_S, parts.house.note),
            Chore(PRUNE_INTERVAL_S, parts.room.prune),
            Chore(PRUNE_INTERVAL_S, parts.stores.search.prune),
            Chore(UPDATE_CHECK_S, parts.updates.tell),
            Chore(ROOM_CHECK_S, parts.room.keep_free),
        ]
        watchdog_s = self._systemd.watchdog_interval_s()
        if watchdog_s is not None:
            chores.append(Chore(watchdog_s, lambda: self._systemd.alive(self._status(parts))))
        return chores

    def _reload(self, parts: Parts) -> None:
        """Read the settings again and let other cameras run; a bad file changes nothing."""
        self._systemd.reloading(self._clock.monotonic_s())
        try:
            self._adopt(load_settings(self._config), parts)
        except SettingsError as error:
            mistakes = "; ".join(str(error).splitlines())
            logger.warning("the settings were not reloaded, nothing has changed: %s", mistakes)
        self._systemd.ready(self._status(parts))

    def _adopt(self, fresh: Settings, parts: Parts) -> None:
        for section in sections_that_need_a_restart(self._settings, fresh):
            logger.warning("[%s] was changed: that takes effect at the next start", section)
        parts.cameras.apply(fresh.cameras)
        self._settings = fresh
        logger.info("settings reloaded: %d cameras", len(fresh.cameras))

    def _shut_down(self, parts: Parts, workers: "_Workers") -> None:
        """Stop in the order of the data, so that everything decided is delivered."""
        self._systemd.stopping()
        parts.cameras.stop()
        parts.engine.mailbox.close()
        for worker in workers.inference:
            worker.stop()
        join_all(workers.inference, INFERENCE_STOP_S)
        parts.engine.outlets.book.close("The daemon was stopped.")
        workers.evidence.stop()
        parts.cameras.save_learned()
        parts.delivery.announcer.go_offline()
        for worker in (workers.publisher, *workers.notify):  # what is not notified yet is at the next start
            worker.stop()
        parts.delivery.bell.ring()
        for name in join_all([workers.publisher, workers.evidence], PUBLISHER_STOP_S):
            logger.warning("thread %s did not end in time: what it had left is lost or comes later", name)
        if parts.server:
            parts.server.stop_serving()
        join_all([*workers.notify, *([workers.server] if workers.server else [])], LAST_STOP_S)
        logger.info("stopped")

    def _status(self, parts: Parts) -> str:
        views = parts.house.cameras()
        online = sum(view.status is CameraStatus.ONLINE for view in views)
        return f"{online} of {len(views)} cameras online"

    def _watch(self, stop: threading.Event) -> None:
        """Wake the main thread when the group stops because a thread has failed."""
        stop.wait()
        self.request_stop()

    def _signals(self) -> dict[signal.Signals, Callable[[], None]]:
        return {
            signal.SIGTERM: self.request_stop,
            signal.SIGINT: self.request_stop,
            signal.SIGHUP: self.request_reload,
        }


@dataclass(frozen=True, slots=True)
class _Workers:
    """The threads that are stopped one after the other; the cameras have their own."""

    publisher: Worker
    inference: tuple[Worker, ...]
    evidence: Worker
    notify: tuple[Worker, ...]
    server: Worker | None


def sections_that_need_a_restart(before: Settings, after: Settings) -> list[str]:
    """Return the changed sections that a reload cannot apply: all but the cameras and their defaults."""
    sections = Settings.model_fields.keys() - {"cameras", "defaults"}
    return sorted(name for name in sections if getattr(before, name) != getattr(after, name))
