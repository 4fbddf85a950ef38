"""`videobert-train pretrain`: teaches VideoBERT by riddles on footage and text, labelled or not."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.checkpoint import DESCRIPTION_FILE, load_checkpoint, sha256_of
from models.configuration import SIZES, VideoBERTConfig
from models.pretraining import LossWeights, VideoBERTForPreTraining
from models.processing import VideoBERTTokenizer
from models.visual_words import VisualWords
from training.commands import SubParsers
from training.commands.footage_options import (
    add_footage_options,
    count,
    load_folders,
    open_store,
    positive,
    progress,
    recordings_of,
)
from training.data_folder import DataError, DataFolder
from training.extraction import extract_all
from training.features import FeatureStore
from training.footage_clips import FootageOptions, read_footage
from training.hardware import Hardware, is_main
from training.loop import LoopSettings, epochs_done
from training.pretrained import MODEL_FOLDER, save_seen
from training.pretraining import Material, PreTraining, PreTrainingSettings, Sides, new_model, split_material
from training.pretraining_figures import Examination, PreTrainingFigures
from training.reports import show
from training.riddles import BatchSize, RiddleMaker
from training.runs import RECORD_FILE, Run, RunError, RunIdentity, RunOptions
from training.texts import read_captions
from training.visual_words import WordSettings, fit_visual_words

SOME_FAILED = 1
STATE_FILE, WORDS_FILE = "state.pt", "visual_words.npz"


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("pretrain", help="teach VideoBERT by riddles on footage and text")
    add_footage_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder to write")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    _add_material_options(parser)
    _add_training_options(parser)
    parser.add_argument("--wandb", action="store_true", help="track the run there as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def _add_material_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--captions", type=Path, nargs="+", default=[], metavar="FILE", help=".csv or .json of sentences"
    )
    parser.add_argument(
        "--description",
        type=_pair,
        action="append",
        default=[],
        metavar="FOLDER=TEXT",
        help="what the cameras of a data folder see",
    )
    parser.add_argument(
        "--visual-words", type=Path, metavar="FILE", help="made by visual-words; by default made here"
    )
    parser.add_argument(
        "--held-out", type=_share, default=0.15, metavar="SHARE", help="of the groups, to measure on"
    )
    parser.add_argument(
        "--leave-out", nargs="+", default=[], metavar="GROUP", help="groups of which nothing is to be seen"
    )


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="size of VideoBERT")
    parser.add_argument(
        "--weight",
        type=_weight,
        action="append",
        default=[],
        metavar="LOSS=N",
        help=f"of {', '.join(asdict(LossWeights()))}; 0 leaves it out",
    )
    parser.add_argument("--epochs", type=int, default=10, metavar="N", help="times through the clips")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="clips in a batch")
    parser.add_argument("--batch-captions", type=int, default=16, metavar="N", help="captions beside them")
    parser.add_argument("--accumulate", type=count, default=1, metavar="N", help="batches in one step")
    parser.add_argument("--learning-rate", type=positive, default=3e-4, metavar="N", help="the highest")
    parser.add_argument("--ema", type=_share, metavar="DECAY", help="keep a moving average of the weights")
    parser.add_argument("--train-text", action="store_true", help="train the text tower too")
    parser.add_argument("--seed", type=int, default=0, help="of weights, split, batches and riddles")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that a session needs before it trains."""

    sides: Sides
    words: VisualWords
    model: VideoBERTForPreTraining
    maker: RiddleMaker
    training: PreTraining


def run(options: argparse.Namespace) -> int:
    """Pre-train; return 1 where a recording cannot be read."""
    torch.set_num_threads(options.threads)
    folders, store = load_folders(options), open_store(options)
    _demand_free(options.out, resume=options.resume)
    recordings = recordings_of(folders)
    with progress("features", len(recordings)) as on_progress:
        failed = extract_all(store, recordings, on_progress=on_progress).failed
    prepared = _prepare(options, store, folders, failed=failed)
    if not is_main():  # it learns with the first process, which writes
        prepared.training.run(state=options.out / STATE_FILE)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    save_seen(prepared.sides.train.footage.clips, options.out)
    figures = _train(options, prepared, _identity(options, folders))
    prepared.model.save_pretrained(options.out / MODEL_FOLDER)
    VideoBERTTokenizer.from_package().save_pretrained(options.out / MODEL_FOLDER)
    show(_report(options, prepared, figures) | {"failed": failed}, options.json)
    for reason in failed.values():
        print(f"videobert-train: {reason}", file=sys.stderr)
    return SOME_FAILED if failed else 0


def settings_of(options: argparse.Namespace) -> PreTrainingSettings:
    """Return the settings that the options ask for."""
    return PreTrainingSettings(
        weights=LossWeights(**dict(options.weight)),
        batch=BatchSize(options.batch, options.batch_captions),
        loop=LoopSettings(
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            accumulate=options.accumulate,
            ema_decay=options.ema,
            patience=None,
            seed=options.seed,
        ),
        held_out=options.held_out,
        train_text=options.train_text,
    )


def _prepare(
    options: argparse.Namespace,
    store: FeatureStore,
    folders: list[DataFolder],
    *,
    failed: Mapping[str, str],
) -> _Prepared:
    checkpoint, settings = load_checkpoint(options.checkpoint), settings_of(options)
    footage = read_footage(
        store,
        folders,
        FootageOptions(
            num_frames=checkpoint.num_frames,
            sample_fps=store.footage.sample_fps,
            descriptions=dict(options.description),
            leave_out=options.leave_out,
            unreadable=failed,
        ),
    )
    material = Material(footage, read_captions(options.captions))
    sides = split_material(material, share=settings.held_out, seed=options.seed)
    with Hardware(options.device).accelerator().main_process_first():
        words = _visual_words(options, sides, store.key)
    maker = RiddleMaker(
        footage,
        words,
        VideoBERTTokenizer.from_package(),
        corruption=settings.corruption,
        max_tokens=settings.batch.max_tokens,
    )
    model = new_model(checkpoint, words, size=options.size, seed=options.seed)
    training = PreTraining(model, sides, maker, settings=settings, hardware=Hardware(options.device))
    return _Prepared(sides, words, model, maker, training)


def _visual_words(options: argparse.Namespace, sides: Sides, features_key: str) -> VisualWords:
    """Return the words of --visual-words, those of the run that is resumed, or make them of training frames.

    Raises:
        DataError: They were made of other features.
    """
    ours = options.out / WORDS_FILE
    if (given := options.visual_words) is None and not ours.exists():
        config = VideoBERTConfig.of_size(options.size)
        shape = WordSettings(config.visual_word_levels, config.visual_word_branching, seed=options.seed)
        made = fit_visual_words(sides.train.footage.frames(), shape, features_key=features_key)
        options.out.mkdir(parents=True, exist_ok=True)
        made.save(ours)
    # Read back even if just made: they are kept as float16, and a resumed run must have the same.
    words = VisualWords.load(given or ours)
    if words.features_key != features_key:
        raise DataError(f"{given or ours} was made of other features, {words.features_key}.")
    return words


def _train(options: argparse.Namespace, prepared: _Prepared, identity: RunIdentity) -> PreTrainingFigures:
    state, training, model = options.out / STATE_FILE, prepared.training, prepared.model
    examination = Examination.of(training, prepared.maker, settings_of(options).weights)
    watched = RunOptions(after_step=epochs_done(state) - 1, wandb=options.wandb)
    with Run(options.out, identity, watched) as run, _steps(training.steps_per_epoch * options.epochs) as bar:

        def log(epoch: int, values: Mapping[str, float]) -> None:
            held_out = {f"held_out/{name}": of.loss for name, of in examination.glance(model).items()}
            run.log(epoch, {**values, **held_out})
            run.save()

        training.run(state=state, log=log, stepped=bar)
        return examination.measure(model)


def _identity(options: argparse.Namespace, folders: list[DataFolder]) -> RunIdentity:
    """Return what makes the run the same run: where its files lie has no part in it."""
    material = [folder.fingerprint() for folder in folders]
    material += [sha256_of(path) for path in options.captions if path.is_file()]
    if options.visual_words is not None and options.visual_words.is_file():
        material.append(sha256_of(options.visual_words))
    named = {
        "size": options.size,
        "descriptions": dict(options.description),
        "leave_out": options.leave_out,
        "checkpoint": sha256_of(options.checkpoint / DESCRIPTION_FILE),
        "sample_fps": options.sample_fps,
    }
    return RunIdentity(
        command="pretrain",
        settings={**asdict(settings_of(options)), **named},
        seed=options.seed,
        data_fingerprint=hashlib.sha256(json.dumps(material).encode()).hexdigest(),
    )


def _report(options: argparse.Namespace, prepared: _Prepared, figures: PreTrainingFigures) -> dict[str, Any]:
    sides = {"train": prepared.sides.train, "held_out": prepared.sides.held_out}
    return {
        "settings": asdict(settings_of(options)),
        "steps": prepared.training.steps_per_epoch * options.epochs,
        "visual_words": prepared.words.num_words,
        "material": {
            name: {
                "clips": len(side.footage.clips),
                "clips_with_text": sum(bool(clip.facts.sentences) for clip in side.footage.clips),
                "captions": len(side.captions),
                "groups": sorted({clip.group for clip in side.footage.clips}) if name == "held_out" else None,
            }
            for name, side in sides.items()
        },
        "figures": asdict(figures),
    }


def _demand_free(out: Path, *, resume: bool) -> None:
    if (out / RECORD_FILE).exists() and not resume:
        raise RunError(f"{out} holds a run: go on with it by --resume, or choose another folder.")


@contextmanager
def _steps(total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar of training steps on the terminal."""
    columns = (TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("steps", total=total)
        yield lambda step: bar.update(task, completed=step)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _weight(text: str) -> tuple[str, float]:
    name, value = _pair(text)
    if name not in asdict(LossWeights()):
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(asdict(LossWeights()))}")
    number = float(value)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{value} is not 0 or more")
    return name, number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return number
