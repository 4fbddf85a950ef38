"""`videobert-train caption`: folders with a sentence for each label in, a VideoBERT that says them out."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from models.captioning import VideoBERTForCaptioning
from models.checkpoint import CONFIG_FILE
from models.configuration import VideoBERTConfig
from models.errors import CheckpointError
from training.captions import TASK, CaptionLearning, CaptionTeacher, measures, seeded, sentences_of
from training.commands import SubParsers
from training.commands.finetune import MODEL_FOLDER
from training.commands.footage_options import count
from training.commands.task_options import (
    add_label_options,
    add_place_options,
    fingerprint,
    place_of,
    renamed_for,
)
from training.examples import TaskData
from training.hardware import Hardware
from training.reports import show
from training.runs import Run, RunIdentity, RunOptions
from training.workshop import Workshop


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("caption", help="teach a VideoBERT to say a sentence about a clip")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        nargs="+",
        metavar="DIR…",
        help="folders whose labels are sentences",
    )
    add_label_options(parser)
    add_place_options(parser)
    defaults = CaptionLearning()
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder to write")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="model to begin with, as pre-trained")
    parser.add_argument("--folds", type=count, default=5, metavar="N", help="of the check on unseen groups")
    parser.add_argument("--epochs", type=count, default=defaults.loop.epochs, metavar="N", help="of training")
    parser.add_argument(
        "--learning-rate", type=float, default=defaults.loop.learning_rate, metavar="R", help="at its highest"
    )
    parser.add_argument("--beams", type=count, default=defaults.num_beams, metavar="K", help="of the search")
    parser.add_argument("--seed", type=int, default=0, help="of weights, clips, order and folds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check on unseen groups how often the very sentence is said, then learn from all into RUN/model."""
    workshop = Workshop.open(place_of(options))
    renamed = renamed_for(TASK, options.rename)
    data = [TaskData(TASK, path, renamed, options.group_by) for path in options.data]
    sentences = sentences_of(data)
    examples = workshop.examples(data, {TASK: sentences})
    learning = learning_of(options)
    hardware = Hardware(options.device)
    teacher = CaptionTeacher(workshop.clips([TASK]), sentences, learning, hardware=hardware)
    new_model = seeded(lambda: build(workshop.config, options.weights), options.seed)
    identity = RunIdentity("caption", asdict(learning), options.seed, fingerprint(data))
    with Run(options.out, identity, RunOptions()) as tracked:
        folds = teacher.cross_validate(new_model, examples, folds=options.folds) if options.folds > 1 else []
        model = new_model()
        teacher.teach(model, examples, log=tracked.log)
    model.save_pretrained(options.out / MODEL_FOLDER)
    said = [asdict(said) for fold in folds for said in fold]
    report = {"sentences": sentences, "folds": len(folds), **(measures(folds) if folds else {})}
    show({**report, "predictions": said}, options.json)
    return 0


def learning_of(options: argparse.Namespace) -> CaptionLearning:
    """Return how a captioner learns, as the options say."""
    defaults = CaptionLearning()
    loop = replace(
        defaults.loop, epochs=options.epochs, learning_rate=options.learning_rate, seed=options.seed
    )
    return replace(defaults, loop=loop, num_beams=options.beams)


def build(config: VideoBERTConfig, weights: Path | None) -> VideoBERTForCaptioning:
    """Return a captioner: with the weights of a folder, which may lack the decoder, or new ones.

    Raises:
        CheckpointError: The folder holds no model.
    """
    if weights is None:
        return VideoBERTForCaptioning(config)
    if not (weights / CONFIG_FILE).is_file():
        raise CheckpointError(f"{weights} holds no model: {CONFIG_FILE} is missing.")
    return VideoBERTForCaptioning.from_pretrained(weights, config=config)
