"""Frames of all cameras in, decided cameras out: the stage that runs the model, in one thread or in two."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from models.motion import Picture
from models.runtime import ClipBatch, Encoder, FrameFeatures
from pipeline.analysis import CameraAnalysis, EncodedFrame
from pipeline.clip_buffer import Clip
from pipeline.clock import Clock
from pipeline.mailbox import Mailbox, Parcel
from pipeline.metrics import Metrics
from pipeline.types import ObservedFrame, SampledFrame

# Only a bound: `Mailbox.close` and every frame wake the thread at once.
WAIT_S = 1.0


class Inference:
    """Batches over cameras: one encoder call for all frames at hand, one temporal call for all strides due.

    `cameras` is the composer's live dictionary: a camera that it takes out is skipped from then on.
    """

    def __init__(
        self,
        encoder: Encoder,
        mailbox: Mailbox,
        *,
        cameras: Mapping[str, CameraAnalysis],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._encoder = encoder
        pictures = encoder.checkpoint.pictures
        self._looks = pictures.index(Picture.FRAME) if Picture.FRAME in pictures else 0
        self._mailbox = mailbox
        self._cameras = cameras
        self._clock = clock
        self._metrics = metrics

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; closing the mailbox ends it without delay."""
        while not (stop.is_set() or self._mailbox.is_closed):
            self.step(WAIT_S)

    def step(self, timeout_s: float) -> int:
        """Wait for frames, understand them, and return how many there were."""
        parcels = self._mailbox.take(timeout_s)
        try:
            self._understand(
                [
                    _Visit(analysis, parcel)
                    for parcel in parcels
                    if (analysis := self._cameras.get(parcel.camera)) is not None
                ]
            )
        finally:
            for parcel in parcels:
                self._mailbox.done(parcel.camera)
        return sum(len(parcel.frames) for parcel in parcels)

    def _understand(self, visits: Sequence["_Visit"]) -> None:
        if not visits:
            return
        encoded = self._encode(visits)
        with self._timed("normality"):
            for visit in visits:
                for frame in visit.parcel.frames:
                    visit.analysis.absorb(frame, None if frame.still else next(encoded))
        self._decide(visits)
        now_s = self._clock.monotonic_s()
        for visit in visits:
            self._metrics.frame_to_score_seconds.observe(now_s - visit.newest.arrived_s)

    def _encode(self, visits: Sequence["_Visit"]) -> Iterator[EncodedFrame]:
        """Encode every frame that is not still in one call; they come back in the order of the visits."""
        moving = [frame for visit in visits for frame in visit.parcel.frames if not frame.still]
        if not moving:
            return iter(())
        pictures = np.concatenate([frame.pictures for frame in moving])  # (N * P, S, S, 3)
        with self._timed("encode"):
            features = self._encoder.encode(pictures)
        self._metrics.batch_size.observe(len(pictures))
        for visit in visits:
            count = sum(not frame.still for frame in visit.parcel.frames)
            self._metrics.frames.labels(visit.parcel.camera, "encoded").inc(count)
        return _per_frame(features, moving, looks=self._looks)

    def _decide(self, visits: Sequence["_Visit"]) -> None:
        """Run the temporal model once for every camera whose stride is due."""
        due = [(visit, clip) for visit in visits if (clip := visit.analysis.due_clip) is not None]
        if not due:
            return
        with self._timed("understand"):
            understanding = self._encoder.understand(_batch([clip for _, clip in due]))
        surprise = understanding.surprise
        with self._timed("decide"):
            for row, (visit, _) in enumerate(due):
                probabilities = {task: rows[row] for task, rows in understanding.probabilities.items()}
                visit.analysis.expect(None if surprise is None else float(surprise[row]))
                visit.analysis.decide(visit.newest, probabilities)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started_s = self._clock.monotonic_s()
        yield
        self._metrics.stage_seconds.labels(stage).observe(self._clock.monotonic_s() - started_s)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One camera's turn in a step."""

    analysis: CameraAnalysis
    parcel: Parcel

    @property
    def newest(self) -> SampledFrame:
        return self.parcel.frames[-1].frame


def _per_frame(
    features: FrameFeatures, frames: Sequence[ObservedFrame], *, looks: int
) -> Iterator[EncodedFrame]:
    """Split what the encoder saw by frame: of frames with 2 pictures, rows 0 and 1 belong to the first.

    `looks` is the number of the picture that shows what stands there; a frame may come without it.
    """
    row = 0
    for frame in frames:
        rows = slice(row, row + len(frame.pictures))
        grid = features.grid[row + looks] if looks < len(frame.pictures) else None
        yield EncodedFrame(pooled=features.pooled[rows].reshape(-1), grid=grid)  # (P * 1280,)
        row = rows.stop


def _batch(clips: Sequence[Clip]) -> ClipBatch:
    return ClipBatch(
        features=np.stack([clip.features for clip in clips]),
        motion=np.stack([clip.motion for clip in clips]),
        mask=np.stack([clip.mask for clip in clips]),
    )
