"""Caption files, labels and camera descriptions in, sentences for pre-training out."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.label_tables import DataError

# Columns of a caption table by what they hold, in the order in which they are looked for.
SENTENCE_COLUMNS = ("sentence", "caption", "text")
GROUP_COLUMNS = ("group", "video", "file", "track_id")

# What a label may stand in; {} is the label in words. None says more than the label does.
LABEL_TEMPLATES = (
    "{}",
    "{}.",
    "a video of {}",
    "the camera shows {}",
    "what is seen here: {}",
    "a scene of {}",
    "this is {}",
    "recorded by a camera: {}",
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A caption; captions of one `group` describe one video, and stand on one side of a split."""

    text: str
    group: str


def read_captions(paths: Iterable[Path]) -> list[Sentence]:
    """Read caption files, each sentence of a video once.

    A .csv has a column `sentence`, `caption` or `text`, and may have a column `group`, `video`, `file` or
    `track_id`. A .json maps videos to sentences: to a list of them, or to a record that has it as
    `sentences`; or it is a list of records such as the rows of a .csv.

    Raises:
        DataError: A file cannot be read, or has no sentence.
    """
    return list(dict.fromkeys(sentence for path in paths for sentence in _read(path)))


def label_sentences(label: str) -> list[str]:
    """Return what may be said of a clip with this label; of "sit_down" that it is "a video of sit down"."""
    words = " ".join(label.replace("_", " ").replace("-", " ").split())
    return [template.format(words) for template in LABEL_TEMPLATES]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a clip: its label and the description of its camera, either of them None."""

    label: str | None = None
    description: str | None = None

    @property
    def sentences(self) -> list[str]:
        """Return all the ways to say it; none where nothing is known."""
        if self.label is None:
            return [] if self.description is None else [self.description]
        said = label_sentences(self.label)
        if self.description is None:
            return said
        return [f"{self.description.rstrip('. ')}. {sentence}" for sentence in said]


def _read(path: Path) -> Iterator[Sentence]:
    readers: Mapping[str, Callable[[Path], Iterator[Sentence]]] = {".csv": _read_csv, ".json": _read_json}
    if (reader := readers.get(path.suffix.lower())) is None:
        raise DataError(f"Captions stand in a .csv or a .json file, and {path} is neither.")
    try:
        found = [sentence for sentence in reader(path) if sentence.text]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{path} cannot be read as captions: {error}.") from error
    if not found:
        raise DataError(f"{path} has no sentence.")
    yield from found


def _read_csv(path: Path) -> Iterator[Sentence]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from _of_rows(path, list(csv.DictReader(file)))


def _read_json(path: Path) -> Iterator[Sentence]:
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    if isinstance(content, list):
        yield from _of_rows(path, content)
    elif isinstance(content, dict):
        for video, said in content.items():
            sentences = said.get("sentences", ()) if isinstance(said, dict) else said
            yield from (_sentence(path, sentence, video) for sentence in sentences)
    else:
        raise ValueError("neither a list nor an object")  # noqa: TRY004


def _of_rows(path: Path, rows: Sequence[Any]) -> Iterator[Sentence]:
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not (column := _first(SENTENCE_COLUMNS, row)):
            raise ValueError(f"a row lacks {', '.join(SENTENCE_COLUMNS[:-1])} or {SENTENCE_COLUMNS[-1]}")
        group = _first(GROUP_COLUMNS, row)
        yield _sentence(path, row[column], str(row[group]) if group else str(number))


def _sentence(path: Path, text: object, group: str) -> Sentence:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no sentence")  # noqa: TRY004 - of the file
    return Sentence(" ".join(text.split()), f"{path.name}/{group}")


def _first(columns: Sequence[str], row: Mapping[str, Any]) -> str | None:
    return next((column for column in columns if column in row), None)
