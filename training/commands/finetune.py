"""`videobert-train finetune`: labelled folders in, a VideoBERT that tells their labels apart out."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

from training.ablation import Part
from training.commands import SubParsers
from training.commands.footage_options import count, share
from training.commands.task_options import add_task_options, fingerprint, place_of, task_data
from training.finetune import FineTuner, FineTuning, Watch
from training.hardware import Hardware, is_main
from training.reports import show
from training.runs import Run, RunIdentity, RunOptions
from training.tuning import Tune
from training.workshop import Place, Workshop

MODEL_FOLDER = "model"
STATE_FOLDER = "state"


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("finetune", help="teach a VideoBERT from labelled folders")
    add_task_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder to write")
    parser.add_argument(
        "--weights", type=Path, metavar="DIR", help="model to begin with, such as a pre-trained one"
    )
    add_learning_options(parser)
    parser.add_argument("--seed", type=int, default=0, help="of weights, clips and order")
    parser.add_argument("--wandb", action="store_true", help="track the run on wandb, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def add_learning_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a model learns."""
    defaults = FineTuning()
    parser.add_argument(
        "--tune", choices=get_args(Tune), default=defaults.tune, help="what of the deep path learns"
    )
    parser.add_argument(
        "--no-deep", action="store_true", help="fit the linear path only; the deep one says nothing"
    )
    parser.add_argument(
        "--postures",
        nargs="+",
        default=[],
        metavar="NAME",
        help="tasks whose linear path reads all pictures of a frame, not the first alone: what people do"
        " without moving shows in those only",
    )
    parser.add_argument(
        "--epochs", type=count, default=defaults.loop.epochs, metavar="N", help="of the deep path"
    )
    parser.add_argument(
        "--learning-rate", type=float, default=defaults.loop.learning_rate, metavar="R", help="at its highest"
    )
    parser.add_argument(
        "--accumulate", type=count, default=1, metavar="N", help="batches of 32 that make one step"
    )
    parser.add_argument(
        "--fgm", type=float, default=0.0, metavar="E", help="step of adversarial training, 0 for none"
    )
    _add_unlabelled_options(parser, defaults)
    _add_model_options(parser)


def _add_unlabelled_options(parser: argparse.ArgumentParser, defaults: FineTuning) -> None:
    parser.add_argument(
        "--unlabelled",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="data folders whose unlabelled clips it learns from, too, for every task",
    )
    parser.add_argument(
        "--confidence",
        type=share,
        default=defaults.match.threshold,
        metavar="P",
        help="from which on the model's word on an unlabelled clip teaches the deep path",
    )
    parser.add_argument(
        "--consistency",
        type=float,
        default=defaults.weights.consistency,
        metavar="W",
        help="weight of the loss of unlabelled clips",
    )


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size", choices=("mini", "small", "base"), help="of a new model, the checkpoint's by default"
    )
    parser.add_argument(
        "--ablate",
        nargs="+",
        choices=get_args(Part),
        default=[],
        metavar="PART",
        help=f"leave parts of the model out: {', '.join(get_args(Part))}",
    )


def place_to_learn(options: argparse.Namespace) -> Place:
    """Return where things are and how they are read, and what new models are like."""
    return replace(place_of(options), ablated=tuple(options.ablate), size=options.size)


def learning_of(options: argparse.Namespace, *, seed: int) -> FineTuning:
    """Return how a model learns, as the options say."""
    defaults = FineTuning()
    loop = replace(
        defaults.loop,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        accumulate=options.accumulate,
        seed=seed,
    )
    return replace(
        defaults,
        tune=options.tune,
        deep=not options.no_deep,
        postures=tuple(options.postures),
        loop=loop,
        windows=options.windows,
        augmentation=replace(defaults.augmentation, fgm=options.fgm),
        weights=replace(defaults.weights, consistency=options.consistency),
        match=replace(defaults.match, threshold=options.confidence),
    )


def run(options: argparse.Namespace) -> int:
    """Fine-tune into RUN/model; a run that was interrupted goes on at its last epoch."""
    workshop, data = Workshop.open(place_to_learn(options)), task_data(options)
    tasks = {one.task: workshop.config.tasks.get(one.task, ()) for one in data}
    examples = workshop.examples(data, workshop.config.tasks)
    learning = learning_of(options, seed=options.seed)
    unlabelled = workshop.unlabelled(options.unlabelled, group_by=options.group_by)
    model = workshop.model(options.weights, tasks=workshop.config.tasks, seed=options.seed)
    identity = RunIdentity("finetune", asdict(learning), options.seed, fingerprint(data, options.unlabelled))
    state = options.out / STATE_FOLDER
    state.mkdir(parents=True, exist_ok=True)
    tuner = FineTuner(
        workshop.clips(list(tasks)),
        workshop.text,
        learning,
        hardware=Hardware(options.device),
        unlabelled=unlabelled,
    )
    if not is_main():  # it learns with the first process, which writes
        tuner.fit(model, examples, Watch(state=state))
        return 0
    with Run(options.out, identity, RunOptions(wandb=options.wandb)) as tracked:
        tuned = tuner.fit(model, examples, Watch(tracked.log, state))
    model.save_pretrained(options.out / MODEL_FOLDER)
    show({"examples": len(examples), "unlabelled": len(unlabelled), **asdict(tuned)}, options.json)
    return 0
