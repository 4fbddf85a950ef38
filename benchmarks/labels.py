"""How many labels the full-label result needs: accuracy by share of labels, for fights, crashes and home.

The clips to label are chosen at random, or by active selection, and the others are put away or learned from
(self-training). It is the linear path that learns, as in the default checkpoint, each time from nothing.

    python -m benchmarks.labels --data ../shared/data --json labels.json --png labels.png
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.label_curves import SHARES, Curve, Score, draw, full_label_share
from models.checkpoint import DEFAULT_DIR
from models.configuration import VideoBERTConfig
from models.heads import IGNORED, VideoBERTForSequenceClassification
from training.commands.footage_options import count
from training.data_folder import DataError
from training.examples import Example, TaskData
from training.linear import (
    F64,
    Choice,
    Columns,
    Reading,
    choose,
    column_scale,
    probabilities,
)
from training.plots import save_figure
from training.selection import STRATEGIES, Place, Pool, SelectionSettings, Strategy, select
from training.self_training import teach
from training.splits import grouped_k_fold
from training.workshop import Place as Source
from training.workshop import Workshop

FOLDS = 5
ROUND = 0.05  # of the labels are asked for at a time; then all that are known teach
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Question:
    """A folder, the task it teaches, and how its clips are cut: as for the default checkpoint's figures."""

    folder: str
    task: str
    num_frames: int | None = None
    windows: int = 3
    renamed: tuple[tuple[str, str], ...] = ()


QUESTIONS = (
    Question("fight", "fight"),
    Question("crash", "crash"),
    Question("home", "activity", 64, 1, (("sleeping", "lying"), ("falled", "lying"))),
)


@dataclass(frozen=True, slots=True)
class Material:
    """N examples, and the M clips that they are cut into: `statistics` (M, dim), whose `owner` (M,) is."""

    examples: Sequence[Example]
    statistics: F64
    owner: Rows
    config: VideoBERTConfig

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return the labels (N,)."""
        return np.array([example.label for example in self.examples])

    def rows(self, members: Rows) -> Rows:
        """Return the clips of some examples."""
        return np.flatnonzero(np.isin(self.owner, members))

    def columns(self, members: Rows, units: F64) -> Columns:
        """Return the clips of some examples, as regression reads them."""
        rows = self.rows(members)
        segments = [self.examples[owner].segment for owner in self.owner[rows]]
        return Columns(
            units[rows],
            self.labels[self.owner[rows]],
            np.array([segment.group for segment in segments]),
            np.array([segment.file for segment in segments]),
            1 / np.bincount(self.owner)[self.owner[rows]],
        )


class Pupil:
    """Knows what a linear path says that some labels have taught; each lesson is given once."""

    def __init__(self, material: Material, train: Rows) -> None:
        self._material = material
        self._train = train
        self._said: dict[tuple[frozenset[int], bool], F64] = {}

    def says(self, known: Rows, *, unlabelled: bool) -> F64:
        """Return probabilities (N, labels) of all examples; with `unlabelled` the rest teaches, too."""
        rest = np.setdiff1d(self._train, known) if unlabelled else known[:0]
        lesson = frozenset(known.tolist()), len(rest) > 0
        if lesson not in self._said:
            self._said[lesson] = learn(self._material, known, rest)
        return self._said[lesson]


@dataclass(frozen=True, slots=True)
class Asker:
    """Chooses what to label next, by what is said of it so far."""

    strategy: Strategy
    seed: int

    def ask(self, material: Material, said: F64, known: Rows, *, rest: Rows, number: int) -> Rows:
        """Return `number` of the rest; `said` (N, labels) are the probabilities of all examples."""
        units = standardised(material, np.concatenate([known, rest]))
        scaled = units * column_scale(material.config, Reading(ordered=False, motion=False))
        described = {one: scaled[material.owner == one].mean(axis=0) for one in (*known, *rest)}
        pool = Pool(
            places=[place_of(material.examples[one]) for one in rest],
            probabilities=said[rest],
            embeddings=np.stack([described[one] for one in rest]),
            labelled=np.stack([described[one] for one in known]),
        )
        # Segments follow each other: two that touch are two events all the same.
        picked = select(pool, SelectionSettings(self.strategy, number, gap_s=0.0, seed=self.seed))
        return rest[[pick.index for pick in picked]]


def place_of(example: Example) -> Place:
    """Return where an example is."""
    segment = example.segment
    return Place(segment.file, segment.start_s, np.inf if segment.end_s is None else segment.end_s)


def load(question: Question, data: Path, cache: Path) -> Material:
    """Read a folder by the default checkpoint's frame encoder.

    Raises:
        DataError: The folder is wrong.
    """
    workshop = Workshop.open(Source(DEFAULT_DIR, cache, num_frames=question.num_frames, device="cpu"))
    tasks = {question.task: workshop.config.tasks[question.task]}
    examples = workshop.examples(
        [TaskData(question.task, data / question.folder, dict(question.renamed))], tasks
    )
    clips = workshop.clips([question.task])
    cuts = clips.whole(examples, windows=question.windows)
    model: VideoBERTForSequenceClassification = workshop.model(None, tasks=tasks)
    batch = clips.batch(cuts)
    with torch.no_grad():
        statistics = model.statistics(batch.features, batch.motion, batch.mask).numpy().astype(np.float64)
    place = {example: number for number, example in enumerate(examples)}
    return Material(examples, statistics, np.array([place[cut.example] for cut in cuts]), model.config)


def standardised(material: Material, members: Rows) -> F64:
    """Return all statistics in units of their spread over the clips of some examples."""
    known = material.statistics[material.rows(members)]
    spread = known.std(axis=0)
    return (material.statistics - known.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)


def learn(material: Material, known: Rows, unlabelled: Rows) -> F64:
    """Return probabilities (N, labels) of all examples by a linear path that the known ones teach."""
    units = standardised(material, known)
    columns = material.columns(known, units)
    choice: Choice = choose(columns, material.config)
    if len(unlabelled):
        others = material.columns(unlabelled, units)
        hidden = replace(others, labels=np.full_like(others.labels, IGNORED))
        _, columns = teach(columns, hidden, choice, config=material.config)
    said = np.zeros((len(units), len(material.config.tasks[material.examples[0].task])))
    said[:, np.unique(columns.labels)] = probabilities(columns, choice, material.config, asked=units)
    return np.stack([said[material.owner == one].mean(axis=0) for one in range(len(material.examples))])


def runs(
    material: Material, train: Rows, test: Rows, *, asker: Asker, shares: Sequence[float] = SHARES
) -> Iterator[tuple[str, float, float]]:
    """Yield (way, share of labels, accuracy) of one fold; no clip of the test side teaches or is asked of."""
    rng, pupil, labels = np.random.default_rng(asker.seed), Pupil(material, train), material.labels
    sizes = {share: max(4, round(share * len(train))) for share in shares}
    order = rng.permutation(train)
    while len(set(labels[order[: sizes[shares[0]]]])) < 2:
        order = rng.permutation(train)
    active = order[: sizes[shares[0]]]
    for share, size in sizes.items():
        if size == len(train):
            active = train  # whoever labels all need not choose
        while len(active) < size:
            said, rest = pupil.says(active, unlabelled=False), np.setdiff1d(train, active)
            number = min(max(1, round(ROUND * len(train))), size - len(active))
            more = asker.ask(material, said, active, rest=rest, number=number)
            active = np.concatenate([active, more])
        for way, known in (("random", order[:size]), ("active", active)):
            for name, unlabelled in ((way, False), (f"{way} + unlabelled", True)):
                said = pupil.says(known, unlabelled=unlabelled)[test]
                yield name, share, float((said.argmax(axis=1) == labels[test]).mean())


def measure(material: Material, strategy: Strategy, seeds: int) -> dict[str, Curve]:
    """Return the curve of each way to choose labels, over all folds and seeds."""
    found: dict[str, dict[float, list[float]]] = {}
    segments = [example.segment for example in material.examples]
    place = {segment: number for number, segment in enumerate(segments)}
    work = [
        (seed, split) for seed in range(seeds) for split in grouped_k_fold(segments, folds=FOLDS, seed=seed)
    ]
    for number, (seed, split) in enumerate(track(work, "folds", console=Console(stderr=True))):
        train, test = (np.array([place[one] for one in side]) for side in (split.train, split.test))
        asker = Asker(strategy, seed * 101 + number)
        for way, share, accuracy in runs(material, train, test, asker=asker):
            found.setdefault(way, {}).setdefault(share, []).append(accuracy)
    full = np.array(found["random"][1.0])
    return {
        way: Curve({share: Score.of(np.array(values), full) for share, values in of.items()})
        for way, of in found.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one table per task; write the report and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="holds the folders fight, crash and home")
    parser.add_argument("--cache", type=Path, default=Path(".cache/features"), help="where features are kept")
    parser.add_argument(
        "--only", nargs="+", choices=[of.folder for of in QUESTIONS], help="folders to measure"
    )
    parser.add_argument("--strategy", choices=STRATEGIES, default="badge", help="of active selection")
    parser.add_argument("--seeds", type=count, default=3, help="shuffles of the folds")
    parser.add_argument("--json", type=Path, help="write the report there")
    parser.add_argument("--png", type=Path, help="write the curves there")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    curves: dict[str, dict[str, Curve]] = {}
    for question in QUESTIONS:
        if not options.only or question.folder in options.only:
            try:
                material = load(question, options.data, options.cache)
            except DataError as error:
                print(error, file=sys.stderr)
                return 3
            curves[question.folder] = measure(material, options.strategy, options.seeds)
            Console(width=120).print(table(question.folder, curves[question.folder]))
            save(options, curves)
    return 0


def save(options: argparse.Namespace, curves: dict[str, dict[str, Curve]]) -> None:
    """Write what has been measured so far."""
    if options.json:
        report = {
            "protocol": f"{FOLDS} folds, no group on both sides, {options.seeds} shuffles; inductive: the"
            " unlabelled clips are those of the training side whose labels were put away",
            "strategy": options.strategy,
            "tasks": {task: {way: asdict(curve) for way, curve in of.items()} for task, of in curves.items()},
            "labels_needed": {
                task: {way: full_label_share(curve) for way, curve in of.items()}
                for task, of in curves.items()
            },
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.png:
        save_figure(draw(curves), options.png)


def table(name: str, curves: dict[str, Curve]) -> Table:
    """Return accuracy by share of labels."""
    drawn = Table(title=f"{name}: accuracy by share of labels; mean ± deviation over folds and shuffles")
    for heading in ("labels", *(f"{share:.0%}" for share in SHARES), "full result from"):
        drawn.add_column(heading)
    for way, curve in curves.items():
        cells = [f"{score.mean:.3f} ± {score.deviation:.3f}" for score in curve.scores.values()]
        needed = full_label_share(curve)
        drawn.add_row(way, *cells, f"{needed:.0%}")
    return drawn


if __name__ == "__main__":
    sys.exit(main())
