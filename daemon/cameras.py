"""The settings' cameras in, running cameras out: they come, change and go while the daemon runs."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from daemon.assembly import camera_controls, knowledge, presence, privacy
from daemon.config import CameraTable
from daemon.delivery import Delivery
from daemon.engine import Engine, new_camera
from daemon.roll import Roll
from pipeline.analysis import CameraAnalysis, stages_for
from pipeline.behaviour import BehaviourSettings
from pipeline.camera import Camera
from pipeline.explanation import Explainer
from pipeline.threads import Target, Worker, join_all
from pipeline.types import CameraStatus

logger = logging.getLogger(__name__)

# Between the first connections of two cameras: 40 cameras are all asked within two seconds.
STAGGER_S = 0.05
# Camera threads that are stuck in a driver for longer, all together, are left behind.
STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """A camera and the thread that reads it."""

    camera: Camera
    worker: Worker


class Cameras:
    """The running cameras; changed by the main thread, read by any other."""

    def __init__(
        self,
        engine: Engine,
        delivery: Delivery,
        *,
        learned_dir: Path,
    ) -> None:
        self._engine = engine
        self._delivery = delivery
        self._learned_dir = learned_dir
        self._roll: dict[str, Roll] = {}
        self._running: dict[str, Running] = {}

    @property
    def roll(self) -> Mapping[str, Roll]:
        """The cameras in the order of the settings; each change makes a new dictionary."""
        return self._roll

    def apply(self, tables: Mapping[str, CameraTable]) -> None:
        """Let exactly these cameras run; one that did not change goes on undisturbed."""
        for name in self._roll.keys() - tables.keys():
            self._stop(name, "The camera was taken out of the settings.")
            self._forget(name)
        for name in self._delivery.outbox.exchange_cameras(tables):
            self._delivery.remove_camera(name)  # also what an earlier run left on the broker
        before, self._roll = self._roll, {name: self._entry(name, table) for name, table in tables.items()}
        changed = [name for name in tables if self._roll[name] is not before.get(name)]
        for position, name in enumerate(changed):
            if name in before:
                self._stop(name, "The camera's settings were changed.")
            self._start(name, delay_s=position * STAGGER_S)

    def stop(self) -> None:
        """End all camera threads; what they have put into the mailbox is still there."""
        for running in self._running.values():
            running.worker.stop()
        for name in join_all([running.worker for running in self._running.values()], STOP_S):
            logger.warning("thread %s did not stop in time and is left behind", name)

    def report_silence(self) -> None:
        """Report the cameras whose thread is stuck in a driver and delivers nothing."""
        now_s = self._engine.clock.monotonic_s()
        for running in self._running.values():
            running.camera.report_silence(now_s)

    def save_learned(self) -> None:
        """Keep what every camera has learned."""
        for analysis in tuple(self._engine.analyses.values()):
            analysis.save(self._learned_dir)

    def _entry(self, name: str, table: CameraTable) -> Roll:
        known = self._roll.get(name)
        return known if known is not None and known.table == table else Roll(table, camera_controls(table))

    def _start(self, name: str, *, delay_s: float) -> None:
        entry, engine = self._roll[name], self._engine
        self._delivery.add_camera(name)
        self._delivery.commands.add_camera(name, entry.controls)
        known, hidden = knowledge(entry.table), privacy(entry.table)
        engine.rules.know(name, known)
        engine.overview.know(name, hidden)
        stages = stages_for(
            engine.encoder.checkpoint,
            engine.tuning.anomaly,
            BehaviourSettings(),
            presence=presence(entry.table, known),
            privacy=hidden,
        )
        stages = replace(stages, explainer=Explainer(engine.encoder), reader=engine.reader)
        analysis = CameraAnalysis(name, entry.controls, stages=stages, outlets=engine.outlets)
        analysis.load(self._learned_dir)
        self._delivery.feedback.add_camera(name, analysis.teach)
        engine.analyses[name] = analysis
        camera = new_camera(engine, name, table=entry.table, controls=entry.controls)
        worker = engine.group.start(f"capture[{name}]", _later(camera.run, delay_s))
        self._running[name] = Running(camera, worker)
        logger.info("camera %s: started", name)

    def _stop(self, name: str, reason: str) -> None:
        running = self._running.pop(name)
        running.worker.stop()
        running.worker.join(STOP_S)
        self._engine.mailbox.forget(name)
        self._delivery.feedback.remove_camera(name)
        # A frame that is being analysed at this moment must not begin what nobody would end.
        self._engine.analyses[name].take_status(CameraStatus.DISABLED, reason)
        self._engine.analyses.pop(name).save(self._learned_dir)
        self._engine.outlets.book.end_all(name, reason)
        self._engine.recordings.remove_camera(name)
        self._engine.rules.forget(name)
        self._engine.reporter.forget(name)
        self._engine.overview.forget(name)
        logger.info("camera %s: stopped: %s", name, reason)

    def _forget(self, name: str) -> None:
        self._delivery.remove_camera(name)
        self._engine.outlets.metrics.forget_camera(name)


def _later(target: Target, delay_s: float) -> Target:
    def run(stop: threading.Event) -> None:
        if not stop.wait(delay_s):
            target(stop)

    return run
