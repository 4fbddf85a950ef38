"""What few labels of one's own do for a model that never saw the place, there and elsewhere.

A base model learns without one place. Of the place, 10 to 80 labelled clips are given, of a few groups;
its other groups are what the refitted model is asked about, and so are groups of the other footage that the
base did not learn from.

    python -m benchmarks.refit --data shared/data --cache .cache/features
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import DEFAULT_DIR
from training.examples import Example, TaskData
from training.finetune import FineTuner, FineTuning
from training.measures import measure, scored
from training.refit import Bench, judge, known_clips, too_few
from training.shift import Known, choose, fit, held_out, probabilities, splits
from training.workshop import Place, Workshop

F64 = NDArray[np.float64]

ALONE_STRENGTH = 30.0  # where nothing pulls towards a model, as training/linear.py chooses
COUNTS = (10, 20, 40, 80)
ASIDE = 0.2  # of the other footage's groups, which the base does not learn from
RENAMED = {
    "falling": "fall",
    **dict.fromkeys(("walk", "sitdown", "sit", "standup", "lying", "sleeping", "falled"), "normal"),
}
POSTURES = {"sleeping": "lying", "falled": "lying"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A place that the base never saw, and the other footage of its task."""

    name: str
    task: str
    local: tuple[Example, ...]
    other: tuple[Example, ...]
    postures: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A base model, and what it reads of the place's examples, in their order, and of those set aside."""

    bench: Bench
    known: Known

    @property
    def count(self) -> int:
        """How many examples there are."""
        return int(self.known.examples.max()) + 1

    def pick(self, places: Iterable[int]) -> Known:
        """Return the clips of some examples."""
        return self.known.pick(np.flatnonzero(np.isin(self.known.examples, list(places))))


@dataclass(frozen=True, slots=True)
class Drawn:
    """The places of the examples that are given, and of those that are asked about."""

    given: list[int]
    asked: list[int]


@dataclass(frozen=True, slots=True)
class Scores:
    """How well a model does on some clips."""

    accuracy: float
    auc: float


@dataclass(frozen=True, slots=True)
class Trial:
    """Both models there and elsewhere, what the clips alone teach, and whether the new model is offered."""

    before: Scores
    after: Scores
    alone: Scores
    elsewhere: tuple[Scores, Scores]
    is_offered: bool


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the shared data")
    parser.add_argument("--cache", type=Path, default=Path(".cache/features"), metavar="DIR")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="draws of groups")
    parser.add_argument("--place", default="", metavar="TEXT", help="only places that are named so")
    options = parser.parse_args()
    workshop = Workshop.open(Place(DEFAULT_DIR, options.cache, device="cpu"))
    headings = ("before", "after", "clips alone", "elsewhere before", "after", "offered", "where offered")
    print(f"| place | labels | {' | '.join(headings)} |")
    print("|---" * (len(headings) + 2) + "|")
    for scene in _scenes(workshop, options.data):
        if options.place not in scene.name:
            continue
        rng = np.random.default_rng(0)
        base = _base(workshop, scene, rng)
        for count in COUNTS:
            trials = [trial for _ in range(options.seeds) if (trial := _trial(base, scene, count, rng))]
            if trials:
                print(_row(scene, count, trials), flush=True)


def _scenes(workshop: Workshop, data: Path) -> Iterator[Scene]:
    def read(task: str, folder: str, renamed: dict[str, str], by: str = "group") -> tuple[Example, ...]:
        one = TaskData(task, data / folder, renamed, by, busiest=(task, folder) == ("fall", "fall"))
        return tuple(workshop.examples([one], workshop.config.tasks))

    home = read("fall", "home", RENAMED)
    others = tuple(e for folder in ("fall", "fight", "crash") for e in read("fall", folder, {}))
    yield Scene("falls in a home it never saw", "fall", home, others)
    every, dated = (read("activity", "home", POSTURES, by) for by in ("group", "day"))
    days = [example.segment.group for example in dated]
    for day in sorted(set(days)):
        local = tuple(example for example, on in zip(every, days, strict=True) if on == day)
        other = tuple(example for example, on in zip(every, days, strict=True) if on != day)
        yield Scene(f"activities on {day[-8:]}", "activity", local, other, postures=True)
    fights = read("fight", "fight", {})
    groups = sorted({example.segment.group for example in fights}, key=lambda g: int(g.split("/")[1]))
    chosen = set(groups[: len(groups) // 2])
    local = tuple(example for example in fights if example.segment.group in chosen)
    rest = tuple(example for example in fights if example.segment.group not in chosen)
    yield Scene("fights, half of the scenes", "fight", local, (*rest, *read("fight", "crash", {})))


def _base(workshop: Workshop, scene: Scene, rng: np.random.Generator) -> Read:
    """Teach a model on the other footage; return the place's clips and those set aside, as it reads them."""
    groups = sorted({example.segment.group for example in scene.other})
    aside = set(rng.choice(groups, max(2, round(ASIDE * len(groups))), replace=False).tolist())
    model = workshop.model(None, tasks={scene.task: workshop.config.tasks[scene.task]})
    model.train(mode=False)
    clips = workshop.clips([scene.task])
    learning = FineTuning(deep=False, postures=(scene.task,) if scene.postures else ())
    learned = [example for example in scene.other if example.segment.group not in aside]
    FineTuner(clips, workshop.text, learning).fit(model, learned)
    kept = [example for example in scene.other if example.segment.group in aside]
    bench = Bench(clips, model, workshop, scene.task)
    return Read(bench, known_clips(bench, [*scene.local, *kept]).known)


def _trial(base: Read, scene: Scene, count: int, rng: np.random.Generator) -> Trial | None:
    drawn = _drawn(scene.local, count, rng)
    if not drawn.asked:
        return None
    known, there = (base.pick(places) for places in (drawn.given, drawn.asked))
    elsewhere = base.pick(range(len(scene.local), base.count))
    task = base.bench.workshop.checkpoint.tasks[scene.task]
    counts = Counter(task.labels[scene.local[place].label] for place in drawn.given)
    judged = judge(known, task, held_out(known, list(splits(known)), None))
    shift = fit(known, choose(known))
    return Trial(
        before=_scores(there, shift * 0),
        after=_scores(there, shift),
        alone=_alone(known, there),
        elsewhere=(_scores(elsewhere, shift * 0), _scores(elsewhere, shift)),
        is_offered=judged.is_better and not too_few(counts, len(set(known.groups))),
    )


def _alone(known: Known, asked: Known) -> Scores:
    """Return what the same clips teach without a model to begin with."""
    given, there = (replace(one, logits=np.zeros_like(one.logits)) for one in (known, asked))
    return _scores(there, fit(given, ALONE_STRENGTH))


def _drawn(examples: Sequence[Example], count: int, rng: np.random.Generator) -> Drawn:
    """Draw `count` examples, a quarter of them from each group at most, and ask of the other groups."""
    given: list[int] = []
    used: set[str] = set()
    for group in rng.permutation(sorted({example.segment.group for example in examples})).tolist():
        if len(given) >= count:
            break
        members = [place for place, example in enumerate(examples) if example.segment.group == group]
        given += rng.permutation(members)[: min(-(-count // 4), count - len(given))].tolist()
        used.add(group)
    asked = [place for place, example in enumerate(examples) if example.segment.group not in used]
    return Drawn(given, asked)


def _scores(known: Known, shift: F64) -> Scores:
    labels = known.labels[known.firsts]
    names = [str(number) for number in range(known.logits.shape[1])]
    found = measure(scored(names, labels, probabilities(known, shift)))
    return Scores(found.accuracy, found.auc)


def _row(scene: Scene, count: int, trials: Sequence[Trial]) -> str:
    def mean(scores: Iterable[Scores]) -> str:
        found = list(scores)
        return f"{np.mean([s.accuracy for s in found]):.3f} / {np.mean([s.auc for s in found]):.3f}"

    offered = [trial for trial in trials if trial.is_offered]
    cells = [
        mean(trial.before for trial in trials),
        mean(trial.after for trial in trials),
        mean(trial.alone for trial in trials),
        mean(trial.elsewhere[0] for trial in trials),
        mean(trial.elsewhere[1] for trial in trials),
        f"{len(offered)} of {len(trials)}",
        f"{mean(t.before for t in offered)} → {mean(t.after for t in offered)}" if offered else "–",
    ]
    return f"| {scene.name} | {count} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
