"""`videobert-train visual-words`: makes the vocabulary of pre-training from the features of footage."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from models.configuration import SIZES, VideoBERTConfig
from models.visual_words import Normalisation
from training.commands import SubParsers
from training.commands.footage_options import (
    add_footage_options,
    extract,
    load_folders,
    open_store,
    readable,
)
from training.frame_table import collect_frames
from training.reports import show
from training.visual_words import WordSettings, fit_visual_words
from training.word_page import usage, write_page

SOME_FAILED = 1


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("visual-words", help="make visual words of the features of training footage")
    add_footage_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the words, as .npz")
    parser.add_argument("--page", type=Path, metavar="FILE", help="HTML page of each word's nearest frames")
    parser.add_argument("--page-words", type=int, default=200, metavar="N", help="words on the page at most")
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="whose levels and branching")
    parser.add_argument("--levels", type=int, metavar="D", help="levels of clusters within clusters")
    parser.add_argument("--branching", type=int, metavar="K", help="clusters within each: K^D words")
    parser.add_argument(
        "--normalisation",
        choices=[kind.value for kind in Normalisation],
        default=WordSettings().normalisation.value,
        help="of features before they are compared",
    )
    parser.add_argument(
        "--leave-out",
        nargs="+",
        default=[],
        metavar="GROUP",
        help="groups to be tested on: no word is made of them",
    )
    parser.add_argument("--seed", type=int, default=0, help="of k-means")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the words; return 1 where a recording cannot be read."""
    folders, store, settings = load_folders(options), open_store(options), word_settings(options)
    extraction = extract(store, folders)
    frames = collect_frames(store, readable(folders, extraction), leave_out=options.leave_out)
    words = fit_visual_words(frames.features, settings, features_key=store.key)
    words.save(options.out)
    if options.page:
        write_page(options.page, words, frames, footage=store.footage, limit=options.page_words)
    use = usage(words, words.tokenise(frames.features))
    made_of = {
        "fingerprints": {str(folder.path): folder.fingerprint() for folder in folders},
        "left_out": options.leave_out,
        "failed": extraction.failed,
    }
    show({**asdict(settings), **asdict(use), **made_of}, options.json)
    for reason in extraction.failed.values():
        print(f"videobert-train: {reason}", file=sys.stderr)
    return SOME_FAILED if extraction.failed else 0


def word_settings(options: argparse.Namespace) -> WordSettings:
    """Return the shape of the tree: that of the size but for what is given."""
    config = VideoBERTConfig.of_size(options.size)
    return WordSettings(
        levels=options.levels or config.visual_word_levels,
        branching=options.branching or config.visual_word_branching,
        normalisation=Normalisation(options.normalisation),
        seed=options.seed,
    )
