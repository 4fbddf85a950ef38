"""Tasks and their data folders in, labelled clips in batches out: what fine-tuning learns from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.heads import IGNORED
from models.runtime import ClipBatch
from training.data_folder import DataError, DataFolder, load_data_folder
from training.features import FeatureStore, FileFeatures
from training.label_tables import Segment
from training.windows import Window, WindowSettings, cut_batch, middle_window, random_window, spread_windows


@dataclass(frozen=True, slots=True)
class TaskData:
    """A data folder that teaches one task.

    `renamed` maps labels of the folder to labels of the task; what then is no label of the task is left out.
    `busiest` says that only the clip with the most motion of each segment is of the label, as where the
    recording of a fall begins long before it; so long and short recordings give clips of one length.
    `middle` says that the live clip about the middle of each segment teaches, too: a stream knows no ends.
    """

    task: str
    path: Path
    renamed: Mapping[str, str] = field(default_factory=dict)
    group_by: str = "group"
    busiest: bool = False
    middle: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A segment of a recording and what it shows: `label` is its place among the task's labels.

    `segment` has the recording's whole path, the task's name of the label, and a group that names the folder
    too, so that examples of several folders can be split together.
    """

    task: str
    label: int
    folder: Path
    segment: Segment
    busiest: bool = False
    middle: bool = False

    @property
    def file(self) -> str:
        """Return the recording's place in its folder."""
        return str(Path(self.segment.file).relative_to(self.folder))


@dataclass(frozen=True, slots=True)
class LabelledClips:
    """B clips of T frames: `features` (B, T, V), `motion` (B, T, F), `mask` (B, T), a label (B,) per task.

    A label is -100 where a clip has none for the task.
    """

    features: Tensor
    motion: Tensor
    mask: Tensor
    labels: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.mask)

    def to(self, device: torch.device) -> "LabelledClips":
        """Return the clips on a device."""
        return LabelledClips(
            features=self.features.to(device),
            motion=self.motion.to(device),
            mask=self.mask.to(device),
            labels={task: labels.to(device) for task, labels in self.labels.items()},
        )


def read_examples(data: TaskData, labels: Sequence[str]) -> list[Example]:
    """Return the folder's segments whose label is one of the task's `labels`, in the order of its table.

    Raises:
        DataError: The folder is wrong, or none of its labels is the task's.
    """
    folder = load_data_folder(data.path, group_by=data.group_by)
    found = [
        Example(
            data.task,
            labels.index(name),
            folder.path,
            _placed(segment, folder.path, name),
            data.busiest,
            data.middle,
        )
        for segment in folder.segments
        if (name := _renamed(segment, data.renamed)) in labels
    ]
    if not found:
        raise DataError(_none_fits(folder, data.task, labels))
    return found


def _renamed(segment: Segment, renamed: Mapping[str, str]) -> str:
    label = segment.label or ""
    return renamed.get(label, label)


def _placed(segment: Segment, folder: Path, label: str) -> Segment:
    file, group = str(folder / segment.file), f"{folder.name}/{segment.group}"
    return replace(segment, file=file, group=group, label=label)


def _none_fits(folder: DataFolder, task: str, labels: Sequence[str]) -> str:
    known = ", ".join(folder.labels) or "none"
    return f"{folder.path} has no label of {task} ({', '.join(labels)}); it has: {known}."


class Clips:
    """Cuts examples into clips; features come from the store once and stay in memory."""

    def __init__(self, store: FeatureStore, settings: WindowSettings, tasks: Sequence[str]) -> None:
        self._store = store
        self._settings = settings
        self._tasks = tasks
        self._files: dict[str, FileFeatures] = {}

    def whole(self, examples: Sequence[Example], *, windows: int) -> list["Cut"]:
        """Return each example as up to `windows` clips, evenly over its segment, or as its busiest one."""
        return [
            Cut(example, window) for example in examples for window in self._windows(example, count=windows)
        ]

    def taught(self, examples: Sequence[Example], *, windows: int) -> list["Cut"]:
        """Return what regression learns from: each example whole, and its middle where that teaches, too."""
        middle = [example for example in examples if example.middle]
        return [*self.whole(examples, windows=windows), *self.middles(middle)]

    def middles(self, examples: Sequence[Example]) -> list["Cut"]:
        """Return of each example the live clip about its middle."""
        return [
            Cut(example, middle_window(example.segment, self._file(example), length_s=self._settings.live_s))
            for example in examples
        ]

    def drawn(self, examples: Sequence[Example], rng: np.random.Generator) -> list["Cut"]:
        """Return each example as one clip from somewhere in its segment, or about its busiest one."""
        return [Cut(example, self._draw(example, rng)) for example in examples]

    def batch(self, cuts: Sequence["Cut"]) -> LabelledClips:
        """Return the clips with their labels, padded in front to T."""
        return labelled(self.clip_batch(cuts), [cut.example for cut in cuts], self._tasks)

    def clip_batch(self, cuts: Sequence["Cut"]) -> ClipBatch:
        """Return the clips alone."""
        files = {cut.example.segment.file: self._file(cut.example) for cut in cuts}
        return cut_batch([cut.window for cut in cuts], files, num_frames=self._settings.num_frames)

    def _windows(self, example: Example, *, count: int) -> list[Window]:
        file = self._file(example)
        if not example.busiest:
            return spread_windows(example.segment, file, self._settings, count=count)
        every = spread_windows(example.segment, file, self._settings, count=len(file))
        return [max(every, key=lambda window: motion_in(file, window))]

    def _draw(self, example: Example, rng: np.random.Generator) -> Window:
        if not example.busiest:
            return random_window(example.segment, self._file(example), self._settings, rng=rng)
        (window,) = self._windows(example, count=1)
        longest = int(rng.integers(len(window) // 2, len(window))) + 1
        return replace(window, first=window.stop - longest)

    def _file(self, example: Example) -> FileFeatures:
        recording = example.segment.file
        if recording not in self._files:
            self._files[recording] = self._store.file(Path(recording))
        return self._files[recording]


def motion_in(file: FileFeatures, window: Window) -> float:
    """Return the sum of the mean speeds of a window's frames, the first number of their descriptors."""
    return float(file.motion[window.first : window.stop, 0].sum())


@dataclass(frozen=True, slots=True)
class Cut:
    """A clip of an example."""

    example: Example
    window: Window


def labelled(clips: ClipBatch, examples: Sequence[Example], tasks: Sequence[str]) -> LabelledClips:
    """Give clips the labels of their examples: for every task, -100 where the example is of another."""
    return LabelledClips(
        features=torch.from_numpy(clips.features),
        motion=torch.from_numpy(clips.motion),
        mask=torch.from_numpy(clips.mask),
        labels={
            task: torch.tensor([example.label if example.task == task else IGNORED for example in examples])
            for task in tasks
        },
    )


def balanced_order(examples: Sequence[Example], rng: np.random.Generator) -> list[Example]:
    """Return as many examples as there are, drawn so that every label of every task comes equally often.

    Where they cannot be divided evenly, some labels come once more, whichever. Within a label, too, no
    example comes more than once oftener than another.
    """
    kinds: dict[tuple[str, int], list[Example]] = {}
    for example in examples:
        kinds.setdefault((example.task, example.label), []).append(example)
    each, rest = divmod(len(examples), len(kinds))
    one_more = set(rng.permutation(len(kinds))[:rest].tolist())
    drawn = [
        example
        for place, members in enumerate(kinds.values())
        for example in _repeated(members, each + (place in one_more), rng)
    ]
    return [drawn[place] for place in rng.permutation(len(drawn))]


def batches_of(cuts: Sequence[Cut], size: int) -> Iterator[Sequence[Cut]]:
    """Yield the cuts in batches of `size`, the last one shorter."""
    for start in range(0, len(cuts), size):
        yield cuts[start : start + size]


def _repeated(members: Sequence[Example], count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Yield `count` members, in a new order each time all had their turn."""
    places = np.concatenate([rng.permutation(len(members)) for _ in range(-(-count // len(members)))])
    for place in places[:count]:
        yield members[place]
