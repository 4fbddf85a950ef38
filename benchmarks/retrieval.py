"""How often search finds more of the same: by example and by words, on groups that nothing was fitted on.

Three folds by group. What is fitted, is fitted on two; the clips of the third are searched among one another,
never within a group, so that another scene has to be found by what happens in it. "Unseen" is fitted on the
other folders alone: how it goes with kinds of events that nobody labelled.

    python -m benchmarks.retrieval --data ../shared/data --json retrieval.json
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from transformers import BertModel

from models.checkpoint import DEFAULT_DIR
from models.clip_vector import column_weights, unit
from models.runtime import open_encoder
from models.word_table import WordTable
from training.commands.footage_options import count
from training.examples import TaskData, batches_of
from training.label_tables import Segment
from training.search_material import read_clips, read_sentences, read_words, text_tower
from training.search_model import ReadClips, align, fit_projection, principal
from training.splits import grouped_k_fold
from training.texts import label_sentences
from training.workshop import Place, Workshop

F32 = NDArray[np.float32]
Rows = NDArray[np.intp]
FOLDS = 3
FIRST = 5  # results that fit on one look
NEAREST = 10
FOLDERS = (
    TaskData("fight", Path("fight")),
    TaskData("crash", Path("crash")),
    TaskData("activity", Path("home"), {"sleeping": "lying", "falled": "lying"}),
)
# Nothing was fitted on these: what somebody might ask in words of their own.
PARAPHRASES = {
    "fight": ("two men hit each other", "people are brawling in the street", "somebody is beaten up"),
    "crash": ("a car hits another car", "a traffic accident", "vehicles collide"),
    "walk": ("a person goes across the room", "somebody strolls by", "a man is on his way"),
    "sitdown": ("somebody takes a seat", "a person lowers onto a chair", "he is about to sit"),
    "sit": ("a person rests on a chair", "someone seated", "he stays in the chair"),
    "standup": ("somebody gets up", "a person rises from the chair", "getting out of bed"),
    "lying": ("a person is in bed", "someone sleeps", "a man rests on the floor"),
    "falling": ("a person drops to the ground", "somebody trips and goes down", "an old man collapses"),
}


@dataclass(frozen=True, slots=True)
class Material:
    """All clips, with the model's own embedding (N, D) of each, and what each column weighs."""

    clips: ReadClips
    embedding: F32
    weights: F32

    @property
    def folders(self) -> dict[str, Rows]:
        """Return the clips of each folder, which is a task."""
        return {str(task): np.flatnonzero(self.clips.tasks == task) for task in np.unique(self.clips.tasks)}


@dataclass(frozen=True, slots=True)
class Found:
    """Which share of the first few results is right, mean average precision, and what chance would give."""

    first: float
    map: float
    chance: float


@dataclass(frozen=True, slots=True)
class Fold:
    """What is fitted on, and the test clips of each folder."""

    train: Rows
    test: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class Tower(WordTable):
    """The words of the whole text tower instead of the table: what the table is worth is told against it."""

    known: Mapping[str, F32] = field(default_factory=dict)

    @classmethod
    def read(cls, tower: BertModel) -> "Tower":
        """Read all sentences that are asked for."""
        texts = [text for label in PARAPHRASES for text in (*label_sentences(label), *PARAPHRASES[label])]
        texts += label_sentences("normal")
        read = unit(read_sentences(tower, texts))
        nothing = np.zeros((0, read.shape[1]), np.float32)
        return cls(
            pieces={},
            rows=nothing.astype(np.int8),
            scales=nothing[:, 0],
            mean=np.zeros(read.shape[1], np.float32),
            from_clips=nothing,
            labels=(),
            taught=nothing,
            known=dict(zip(texts, read, strict=True)),
        )

    def sentence(self, text: str) -> F32 | None:
        """Return what a sentence means (H,), of length 1."""
        return self.known.get(text)


Vectors = Callable[[Material, Rows], F32]


def load(data: Path, cache: Path) -> Material:
    """Read the folders by the default checkpoint's frame encoder."""
    workshop = Workshop.open(Place(DEFAULT_DIR, cache, device="cpu"))
    folders = [TaskData(one.task, data / one.path, one.renamed) for one in FOLDERS]
    config = workshop.config
    weights = column_weights(
        len(config.pictures), feature_dim=config.feature_dim, motion_dim=config.motion_dim
    )
    return Material(read_clips(workshop, folders), _embeddings(workshop, folders), weights)


def _embeddings(workshop: Workshop, data: Sequence[TaskData]) -> F32:
    encoder = open_encoder(DEFAULT_DIR, device="cpu")
    tasks = {one.task: workshop.config.tasks[one.task] for one in data}
    cutter = workshop.clips(list(tasks))
    cuts = cutter.middles(workshop.examples(data, tasks))
    return np.concatenate(
        [encoder.understand(cutter.clip_batch(some)).embedding for some in batches_of(cuts, 16)]
    )


def standardised(values: F32, train: Rows) -> F32:
    """Return columns in units of their spread over the training clips."""
    spread = values[train].std(axis=0)
    return np.asarray((values - values[train].mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0))


# By what clips are compared; what is kept is the last.
WAYS: Mapping[str, Vectors] = {
    "the model's embedding": lambda m, train: unit(standardised(m.embedding, train)),
    "mean features": lambda m, train: unit(standardised(m.clips.columns[:, :1280], train)),
    "all statistics": lambda m, train: unit(standardised(m.clips.columns, train) * m.weights),
    "64 principal components": lambda m, train: principal(m.clips.pick(train), m.weights).of(m.clips),
    "64, discriminating axes alone": lambda m, train: _fitted(m, train, stretch=1e4),
    "64, stretched by labels": lambda m, train: _fitted(m, train, stretch=3.0),
}


def _fitted(material: Material, train: Rows, *, stretch: float) -> F32:
    return fit_projection(material.clips.pick(train), material.weights, stretch=stretch).of(material.clips)


def folds(material: Material, seeds: int) -> Iterator[Fold]:
    """Yield the folds; no group is on both sides."""
    for seed in range(seeds):
        by_folder = {}
        for folder, rows in material.folders.items():
            segments = [
                Segment(str(row), str(material.clips.labels[row]), str(material.clips.groups[row]), 0.0, None)
                for row in rows
            ]
            by_folder[folder] = grouped_k_fold(segments, folds=FOLDS, seed=seed)
        for number in range(FOLDS):
            splits = {folder: of[number] for folder, of in by_folder.items()}
            train = np.array([int(one.file) for split in splits.values() for one in split.train])
            test = {
                folder: np.array([int(one.file) for one in split.test]) for folder, split in splits.items()
            }
            yield Fold(train, test)


def by_example(vectors: F32, clips: ReadClips, rows: Rows) -> Found:
    """Search each clip's like among the clips of other groups."""
    alike, found = vectors[rows] @ vectors[rows].T, []
    labels, groups = clips.labels[rows], clips.groups[rows]
    for row in range(len(rows)):
        others = np.flatnonzero(groups != groups[row])
        order = others[np.argsort(-alike[row, others], kind="stable")]
        hits = labels[order] == labels[row]
        if hits.any():
            found.append(judged(hits, FIRST))
    return mean_of(found)


def by_words(scores: F32, hits: NDArray[np.bool_]) -> Found:
    """Judge the order in which clips (N,) stand for a sentence."""
    return judged(hits[np.argsort(-scores, kind="stable")], NEAREST)


def judged(hits: NDArray[np.bool_], first: int) -> Found:
    """Judge results in their order; hits 1 0 1 have the average precision (1 + 2/3) / 2."""
    places = np.flatnonzero(hits) + 1
    precision = np.cumsum(hits)[hits] / places
    return Found(
        float(hits[:first].sum() / min(first, len(places))), float(precision.mean()), float(hits.mean())
    )


def mean_of(found: Sequence[Found]) -> Found:
    """Return the means."""
    rows = np.array([[one.first, one.map, one.chance] for one in found])
    return Found(*map(float, rows.mean(axis=0)))


def measure_examples(material: Material, seeds: int) -> dict[str, dict[str, Found]]:
    """Return, for each way, what is found in each folder, and where that folder taught nothing."""
    found: dict[str, dict[str, list[Found]]] = {way: {} for way in WAYS}
    for fold in _shown(material, seeds, "by example"):
        for way, vectors in WAYS.items():
            seen = vectors(material, fold.train)
            for folder, rows in fold.test.items():
                others = fold.train[material.clips.tasks[fold.train] != folder]
                unseen = vectors(material, others)
                for name, of in ((folder, seen), (f"{folder}, unseen", unseen)):
                    found[way].setdefault(name, []).append(by_example(of, material.clips, rows))
    return {way: {name: mean_of(of) for name, of in names.items()} for way, names in found.items()}


def measure_words(material: Material, words: WordTable, seeds: int) -> dict[str, dict[str, Found]]:
    """Return what template sentences, paraphrases and sentences of labels that taught nothing find."""
    found: dict[str, dict[str, list[Found]]] = {}
    for fold in _shown(material, seeds, "by words"):
        clips = material.clips
        vectors, joined = _joined(material, words, fold.train)
        for folder, rows in fold.test.items():
            for label in sorted(set(clips.labels[rows]) & PARAPHRASES.keys()):
                hits = clips.labels[rows] == label
                for kind, said in (
                    ("templates", label_sentences(label)),
                    ("paraphrases", PARAPHRASES[label]),
                ):
                    results = [by_words(vectors[rows] @ joined.query(text).direction, hits) for text in said]
                    found.setdefault(kind, {}).setdefault(folder, []).extend(results)
                other = fold.train[clips.labels[fold.train] != label]
                blind, without = _joined(material, words, other)
                results = [
                    by_words(blind[rows] @ without.query(text).direction, hits)
                    for text in label_sentences(label)
                ]
                found.setdefault("label never taught", {}).setdefault(folder, []).extend(results)
    return {kind: {folder: mean_of(of) for folder, of in by.items()} for kind, by in found.items()}


def _joined(material: Material, words: WordTable, train: Rows) -> tuple[F32, WordTable]:
    clips = material.clips.pick(train)
    projection = fit_projection(clips, material.weights)
    return projection.of(material.clips), align(projection.of(clips), clips.labels, words)


def _shown(material: Material, seeds: int, what: str) -> Iterator[Fold]:
    all_folds = list(folds(material, seeds))
    return iter(track(all_folds, what, console=Console(stderr=True)))


def table(title: str, rows: Mapping[str, Mapping[str, Found]]) -> Table:
    """Return a table: the share that is right among the first, and mean average precision."""
    drawn = Table(title=title)
    columns = list(next(iter(rows.values())))
    drawn.add_column("")
    for column in columns:
        chance = next(iter(rows.values()))[column].chance
        drawn.add_column(f"{column} (chance {chance:.2f})")
    for name, of in rows.items():
        drawn.add_row(name, *(f"{of[column].first:.3f} / {of[column].map:.3f}" for column in columns))
    return drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables; write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="holds the folders fight, crash and home")
    parser.add_argument("--cache", type=Path, default=Path(".cache/features"), help="where features are kept")
    parser.add_argument("--seeds", type=count, default=2, help="shuffles of the folds")
    parser.add_argument("--json", type=Path, help="write the report there")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    material = load(options.data, options.cache)
    examples = measure_examples(material, options.seeds)
    console = Console(width=150)
    console.print(table(f"by example: right of the first {FIRST} / mean average precision", examples))
    tower = text_tower()
    words = measure_words(material, read_words(tower), options.seeds)
    whole = measure_words(material, Tower.read(tower), options.seeds)
    words |= {f"{kind}, the whole text tower": found for kind, found in whole.items()}
    console.print(table(f"by words: right of the first {NEAREST} / mean average precision", words))
    if options.json:
        report = {
            part: {name: {column: asdict(one) for column, one in of.items()} for name, of in rows.items()}
            for part, rows in (("by_example", examples), ("by_words", words))
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
