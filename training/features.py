"""A recording in, the features of its sampled frames out: encoded once, kept as float16, never stale."""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import Checkpoint
from models.files import replaced_file
from models.observer import Observation, encode_observed
from models.runtime import Encoder
from pipeline.errors import SourceUnreachable
from pipeline.stream import OnDrop
from training.feature_keys import footage_key, footage_record, recording_key
from training.footage import Footage, observe_file

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

FRAMES_AT_ONCE = 8  # more pictures at once lose memory locality; see docs/performance.md
# float16 has 11 significant bits: an error of 1 in 2,000, where int8 makes one of 1 in 100.
STORED_AS_HALF = ("features", "motion")
FOOTAGE_FILE = "footage.json"


@dataclass(frozen=True, slots=True)
class FileFeatures:
    """The N sampled frames of one recording, as the temporal model sees them live.

    `times_s` (N,) seconds of the recording's own clock; `features` (N, P * 1280), those of the frame before
    where a frame is still; `motion` (N, F), the flow descriptor, zeros where still; `still` (N,) says so;
    `begins` (N,) marks frames that do not follow from the one before: the first, and the first after a gap.
    """

    times_s: NDArray[np.float64]
    features: F32
    motion: F32
    still: Bool
    begins: Bool

    def __len__(self) -> int:
        return len(self.times_s)


class FeatureStore:
    """Features of recordings, cached below `cache` in one folder for each encoder and way of reading.

    Files are named after the content of their recording: a copy elsewhere is not encoded again, and a
    recording that was changed is.
    """

    def __init__(self, cache: Path, encoder: Encoder, footage: Footage) -> None:
        self._cache = cache
        self._encoder = encoder
        self.footage = footage

    @property
    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint whose frame encoder it is."""
        return self._encoder.checkpoint

    def as_sent_at(self, camera_fps: float | None) -> "FeatureStore":
        """Return the store of the same recordings as cameras of another frame rate would have sent them."""
        return FeatureStore(self._cache, self._encoder, replace(self.footage, camera_fps=camera_fps))

    @cached_property
    def key(self) -> str:
        """Return the short name of all but the recording that the features depend on.

        Raises:
            CheckpointError: The checkpoint does not list its frame encoder.
        """
        return footage_key(footage_record(self._encoder, self.footage))

    def has(self, recording: Path) -> bool:
        """Say whether the recording's features are cached.

        Raises:
            SourceUnreachable: It cannot be read.
        """
        return self._path(recording).exists()

    def file(self, recording: Path, *, on_drop: OnDrop | None = None) -> FileFeatures:
        """Return the recording's features; encode and keep them where they are not cached.

        They have gone through float16 either way. `on_drop` is told the reason of each frame that is lost.

        Raises:
            SourceError: The recording cannot be read.
        """
        path = self._path(recording)
        if (cached := _load(path)) is not None:
            return cached
        path.parent.mkdir(parents=True, exist_ok=True)
        record = footage_record(self._encoder, self.footage)
        (path.parent / FOOTAGE_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        extracted = _halved(extract(recording, self._encoder, self.footage, on_drop=on_drop))
        _save(path, extracted, recording)
        return extracted

    def _path(self, recording: Path) -> Path:
        try:
            return self._cache / self.key / f"{recording_key(recording)}.npz"
        except OSError as error:
            raise SourceUnreachable(f"{recording} cannot be read: {error.strerror}") from error


def extract(
    recording: Path, encoder: Encoder, footage: Footage, *, on_drop: OnDrop | None = None
) -> FileFeatures:
    """Encode every sampled frame of a recording that is not still.

    Raises:
        SourceError: The recording cannot be read, or has no frame.
    """
    frames: list[_Noted] = []
    features: list[F32] = []
    before: F32 | None = None
    for batch in _batched(observe_file(recording, footage, on_drop=on_drop), FRAMES_AT_ONCE):
        features.extend(encode_observed(batch, encoder.encode, before))
        before = features[-1]
        frames.extend(_Noted.of(frame) for frame in batch)
    if not frames:
        raise SourceUnreachable(f"{recording} holds no frame that can be used")
    return FileFeatures(
        times_s=np.array([frame.time_s for frame in frames]),
        features=np.stack(features),
        motion=np.stack([frame.motion for frame in frames]),
        still=np.array([frame.still for frame in frames]),
        begins=np.array([frame.begins for frame in frames]),
    )


@dataclass(frozen=True, slots=True)
class _Noted:
    """What is kept of an observed frame once its pictures are encoded."""

    time_s: float
    motion: F32
    still: bool
    begins: bool

    @classmethod
    def of(cls, frame: Observation) -> "_Noted":
        return cls(frame.time_s, frame.motion, frame.still, frame.begins)


def _batched(frames: Iterable[Observation], size: int) -> Iterator[list[Observation]]:
    iterator = iter(frames)
    while batch := list(islice(iterator, size)):
        yield batch


def _halved(features: FileFeatures) -> FileFeatures:
    """Return what is left of the features after float16."""
    arrays = asdict(features)
    return FileFeatures(
        **{
            name: array.astype(np.float16).astype(np.float32) if name in STORED_AS_HALF else array
            for name, array in arrays.items()
        }
    )


def _save(path: Path, features: FileFeatures, recording: Path) -> None:
    """Write one file in one step: other runs may read and write the same cache at the same time."""
    arrays = {
        name: array.astype(np.float16) if name in STORED_AS_HALF else array
        for name, array in asdict(features).items()
    }
    with replaced_file(path, durable=False, writer=f".{os.getpid()}") as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, recording=np.array(recording.name), **arrays)


def _load(path: Path) -> FileFeatures | None:
    """Return what is cached; None where nothing is, or a damaged file."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            named = {name: arrays[name] for name in FileFeatures.__slots__}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    for name in STORED_AS_HALF:
        named[name] = named[name].astype(np.float32)
    return FileFeatures(**named)
