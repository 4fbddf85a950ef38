"""A camera's analysis on a workbench, for tests: what goes in and what comes out is at hand."""

from dataclasses import replace

import numpy as np
from prometheus_client import CollectorRegistry

from models.checkpoint import Task
from models.movement import NO_MOVEMENT
from pipeline.alarm import AlarmPhase
from pipeline.analysis import CameraAnalysis, EncodedFrame, Outlets, Stages
from pipeline.behaviour import Behaviour, BehaviourSettings
from pipeline.clip_buffer import ClipBuffer
from pipeline.controls import CameraControls
from pipeline.events import EventBook
from pipeline.metrics import Metrics
from pipeline.presence import NO_PRESENCE
from pipeline.privacy import EVERYTHING_SHOWN
from tests.fakes import (
    ManualClock,
    RecordingListener,
    ScriptedDetector,
    observed_frame,
)

OPENED, CLOSED = AlarmPhase.OPENED, AlarmPhase.CLOSED
TASKS = {"fall": Task(("normal", "fall"), (None, 0.5)), "activity": Task(("sits", "walks"), (None, 0.5))}
QUIET = {"fall": np.array([1.0, 0.0]), "activity": np.array([1.0, 0.0])}
FALL = {"fall": np.array([0.1, 0.9]), "activity": np.array([1.0, 0.0])}
WALK = {"fall": np.array([1.0, 0.0]), "activity": np.array([0.2, 0.8])}


class Bench:
    """A camera's analysis on a scripted detector or a real one; what goes in and comes out is at hand."""

    def __init__(
        self,
        script=None,
        stride_s=1.0,
        presence=NO_PRESENCE,
        privacy=EVERYTHING_SHOWN,
        reader=None,
        *,
        detector=None,
    ):
        self.detector = detector or ScriptedDetector(script or {})
        self.controls = CameraControls()
        self.listener = RecordingListener()
        self.metrics = Metrics(CollectorRegistry())
        book = EventBook(self.listener, ManualClock(), metrics=self.metrics)
        behaviour = Behaviour(TASKS, BehaviourSettings(needed=1, out_of=1, merge_gap_s=2.0))
        self.analysis = CameraAnalysis(
            "porch",
            self.controls,
            stages=Stages(
                ClipBuffer(4, 3, 16),
                self.detector,
                behaviour,
                stride_s,
                frozenset({"fall"}),
                presence,
                privacy=privacy,
                reader=reader,
            ),
            outlets=Outlets(book, self.listener, self.metrics),
        )

    def see(self, *times_s, value=0, begins=False, original=None):
        for time_s in times_s:
            frame = observed_frame(time_s, begins=begins, value=value)
            frame = replace(frame, frame=replace(frame.frame, original=original))
            grid = np.full((112, 14, 14), value, np.float32)
            self.analysis.absorb(frame, EncodedFrame(np.full(3, value, np.float32), grid))

    def move(self, *times_s):
        """Let the upper left corner move: two by two cells, a zone that is there says so."""
        for time_s in times_s:
            frame = observed_frame(time_s)
            cells = np.zeros_like(NO_MOVEMENT.cells)
            cells[:2, :2, 0] = 1.0
            movement = replace(NO_MOVEMENT, cells=cells)
            encoded = EncodedFrame(np.zeros(3, np.float32), np.zeros((112, 14, 14), np.float32))
            self.analysis.absorb(replace(frame, movement=movement), encoded)

    def rest(self, *times_s, begins=False):
        for time_s in times_s:
            self.analysis.absorb(observed_frame(time_s, still=True, begins=begins), None)

    def decide(self, time_s, probabilities):
        self.see(time_s)
        self.analysis.decide(observed_frame(time_s).frame, probabilities)

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, {"camera": "porch", **labels})

    @property
    def told(self):
        return [(event.phase.value, event.label) for event in self.listener.events]
