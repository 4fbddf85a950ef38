"""The options that say which recordings are read, how, and where their features are kept."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.checkpoint import DEFAULT_DIR
from models.runtime import open_encoder
from training.data_folder import DataFolder, load_data_folder
from training.extraction import ExtractionReport, OnProgress, extract_all
from training.features import FeatureStore
from training.footage import Footage

DEFAULT_CACHE = Path(".cache/features")


def add_footage_options(parser: argparse.ArgumentParser) -> None:
    """Add FOLDER…, --checkpoint, --cache, --sample-fps, --device and --threads."""
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER…", help="data folders")
    parser.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_DIR, metavar="DIR", help="whose frame encoder it is"
    )
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where features are kept"
    )
    parser.add_argument(
        "--sample-fps", type=positive, metavar="N", help="frames a second, the checkpoint's by default"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what it runs on")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads of the encoder")


def open_store(options: argparse.Namespace) -> FeatureStore:
    """Return the cache that the options name.

    Raises:
        CheckpointError: The checkpoint cannot be used.
    """
    encoder = open_encoder(options.checkpoint, device=options.device, threads=options.threads)
    footage = Footage.of_checkpoint(encoder.checkpoint, sample_fps=options.sample_fps)
    return FeatureStore(options.cache, encoder, footage)


def load_folders(options: argparse.Namespace, *, unnamed: bool = False) -> list[DataFolder]:
    """Return the data folders that the options name; with `unnamed`, what their tables do not name, too.

    Raises:
        DataError: One of them cannot be used.
    """
    return [load_data_folder(path, unnamed=unnamed) for path in options.folders]


def recordings_of(folders: Sequence[DataFolder]) -> list[Path]:
    """Return all recordings, each once."""
    return list(dict.fromkeys(folder.path / file for folder in folders for file in folder.files))


def extract(store: FeatureStore, folders: Sequence[DataFolder]) -> ExtractionReport:
    """Bring the features of all recordings into the cache, with a progress bar."""
    recordings = recordings_of(folders)
    with progress("features", len(recordings)) as on_progress:
        return extract_all(store, recordings, on_progress=on_progress)


def readable(folders: Sequence[DataFolder], extraction: ExtractionReport) -> list[DataFolder]:
    """Return the folders without what cannot be read."""
    failed = extraction.failed
    return [
        DataFolder(folder.path, tuple(s for s in folder.segments if str(folder.path / s.file) not in failed))
        for folder in folders
    ]


@contextmanager
def progress(what: str, total: int) -> Iterator[OnProgress]:
    """Show a progress bar on the terminal; the block calls what it is given once per recording."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, name="")
        yield lambda recording: bar.update(task, advance=1, name=recording.name)


def positive(text: str) -> float:
    """Return a number above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1]")
    return number


def count(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)
