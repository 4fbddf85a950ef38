"""Data folders in, all clips of their recordings out, each with what is known of it, for pre-training."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from training.data_folder import DataFolder
from training.features import FeatureStore, FileFeatures
from training.label_tables import DataError, Segment
from training.texts import Facts
from training.windows import Window, blind_windows

F32 = NDArray[np.float32]

STEP_S = 1.0  # as live, where a decision is made every second
# A label that covers less of a clip is no fact about it.
MIN_COVERAGE = 0.5
# Folders are drawn from in proportion to the root of their clips, so that a large one does not drown a small
# one (as languages in multilingual BERT, with the exponent 0.7).
TEMPER = 0.5


@dataclass(frozen=True, slots=True)
class FootageClip:
    """Frames of a recording, in which data folder it lies, and what is known of them."""

    window: Window
    folder: str
    facts: Facts

    @property
    def file(self) -> str:
        """Return the recording's whole path."""
        return self.window.segment.file

    @property
    def group(self) -> str:
        """Return the folder and the group in it, which stand on one side of a split."""
        return self.window.segment.group


@dataclass(frozen=True, slots=True)
class FootageClips:
    """Clips of at most `num_frames` frames, and the features of their recordings by `FootageClip.file`."""

    clips: tuple[FootageClip, ...]
    files: Mapping[str, FileFeatures]
    num_frames: int

    def without(self, groups: Collection[str]) -> "FootageClips":
        """Return the clips of all other groups."""
        return self._where([clip for clip in self.clips if clip.group not in groups])

    def only(self, groups: Collection[str]) -> "FootageClips":
        """Return the clips of these groups."""
        return self._where([clip for clip in self.clips if clip.group in groups])

    def frames(self) -> F32:
        """Return the features (N, V) of all frames that show something of their own."""
        return np.concatenate([file.features[~file.still & ~file.begins] for file in self.files.values()])

    def _where(self, clips: Sequence[FootageClip]) -> "FootageClips":
        used = {clip.file for clip in clips}
        return replace(
            self, clips=tuple(clips), files={name: self.files[name] for name in self.files if name in used}
        )


@dataclass(frozen=True, slots=True)
class FootageOptions:
    """How recordings become clips: T and the rate; `descriptions` of cameras by the name of their folder.

    `leave_out` names groups of which nothing is to be seen; `unreadable` recordings are passed over.
    """

    num_frames: int
    sample_fps: float
    descriptions: Mapping[str, str] = field(default_factory=dict)
    leave_out: Collection[str] = ()
    unreadable: Collection[str] = ()


def read_footage(store: FeatureStore, folders: Sequence[DataFolder], options: FootageOptions) -> FootageClips:
    """Cut every recording into clips, one a second, whatever its labels say.

    Raises:
        DataError: A group or folder that is named does not occur, or no clip is left.
        SourceError: A recording cannot be read.
    """
    _demand_known(options.leave_out, {s.group for folder in folders for s in folder.segments}, "groups")
    _demand_known(options.descriptions, {folder.path.name for folder in folders}, "folders")
    files: dict[str, FileFeatures] = {}
    clips: list[FootageClip] = []
    for folder in folders:
        for name in folder.files:
            path = folder.path / name
            left_out = any(s.group in options.leave_out for s in folder.segments_of(name))
            if str(path) in options.unreadable or left_out:
                continue
            files[str(path)] = store.file(path)
            clips.extend(_cut(folder, name, files[str(path)], options=options))
    if not clips:
        raise DataError("The data folders hold no clip to learn from.")
    return FootageClips(tuple(clips), files, options.num_frames)


def held_out_groups(groups: Collection[str], *, share: float, seed: int) -> frozenset[str]:
    """Draw a share of the groups, at least one of two or more; names before the "/" get a share each."""
    drawn: set[str] = set()
    for kind in sorted({group.split("/")[0] for group in groups}):
        members = sorted({group for group in groups if group.split("/")[0] == kind})
        count = min(max(1, round(share * len(members))), len(members) - 1) if share > 0 else 0
        drawn.update(np.random.default_rng(seed).permutation(members)[:count].tolist())
    return frozenset(drawn)


def tempered_order(clips: Sequence[FootageClip], rng: np.random.Generator) -> list[FootageClip]:
    """Draw about as many clips as there are; 100 of one folder and 400 of another come 167 and 333 times.

    Within a folder each comes once before any comes twice.
    """
    kinds: dict[str, list[FootageClip]] = {}
    for clip in clips:
        kinds.setdefault(clip.folder, []).append(clip)
    roots = {kind: len(members) ** TEMPER for kind, members in kinds.items()}
    drawn: list[FootageClip] = []
    for kind, members in kinds.items():
        count = round(len(clips) * roots[kind] / sum(roots.values()))
        rounds = [rng.permutation(len(members)) for _ in range(-(-count // len(members)))]
        drawn.extend(members[place] for place in np.concatenate([*rounds, []]).astype(int)[:count])
    return [drawn[place] for place in rng.permutation(len(drawn))]


def _cut(folder: DataFolder, name: str, file: FileFeatures, *, options: FootageOptions) -> list[FootageClip]:
    segments = [
        replace(s, file=str(folder.path / name), group=f"{folder.path.name}/{s.group}")
        for s in folder.segments_of(name)
    ]
    length_s = options.num_frames / options.sample_fps
    return [
        FootageClip(
            _newest(window, options.num_frames),
            str(folder.path),
            Facts(_label(window.segment, window.coverage), options.descriptions.get(folder.path.name)),
        )
        for window in blind_windows(file, segments, length_s=length_s, step_s=STEP_S)
    ]


def _newest(window: Window, num_frames: int) -> Window:
    """Return the window's newest frames: rounding of times may have let in one too many."""
    return replace(window, first=max(window.first, window.stop - num_frames))


def _label(segment: Segment, coverage: float) -> str | None:
    return segment.label if coverage >= MIN_COVERAGE else None


def _demand_known(named: Collection[str], known: Collection[str], what: str) -> None:
    if unknown := sorted(set(named) - set(known)):
        raise DataError(f"There are no {what} {', '.join(unknown)}.")
