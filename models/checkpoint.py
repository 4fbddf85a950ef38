"""A checkpoint folder's own description: which files, which pictures, which tasks; read without torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import CheckpointError
from models.files import write_file

SCHEMA = 1
DEFAULT_DIR = Path(__file__).parent / "checkpoints" / "default"

DESCRIPTION_FILE = "checkpoint.json"
FRAME_ENCODER_FILE = "frame_encoder.onnx"
TEMPORAL_FILE = "temporal.onnx"
TEXT_STATES_FILE = "text_states.npz"
SEARCH_FILE = "search.npz"
SURPRISE_FILE = "surprise.onnx"
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True, slots=True)
class Task:
    """One head of the model: its labels in the order of its outputs, and from which probability each counts.

    A threshold of None means that nobody has measured one yet: that label publishes nothing.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint folder holds.

    `trained` says whether the temporal model has learned anything; the frame encoder always has.
    `pictures` names what `models.motion` draws for each encoder pass; `num_frames` is T of a clip,
    `feature_dim` the pooled features of one picture, `motion_dim` the length of the flow descriptor.
    `files` maps each file's name to its SHA-256.
    """

    folder: Path
    name: str
    version: str
    trained: bool
    pictures: tuple[str, ...]
    picture_px: int
    num_frames: int
    sample_fps: float
    stride_s: float
    feature_dim: int
    motion_dim: int
    embedding_dim: int
    tasks: Mapping[str, Task]
    files: Mapping[str, str]

    @property
    def title(self) -> str:
        """Return name and version, as events name their model."""
        return f"{self.name} {self.version}"

    def path(self, file: str) -> Path:
        """Return where `file` lies, which the checkpoint lists.

        Raises:
            CheckpointError: It is not listed.
        """
        if file not in self.files:
            raise CheckpointError(f"The checkpoint in {self.folder} was exported without {file}.")
        return self.folder / file


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read `<folder>/checkpoint.json` and check that every file it lists is there, whole and unaltered.

    Raises:
        CheckpointError: The folder is no checkpoint, of another schema, or damaged.
    """
    checkpoint = _parse(folder, _read_json(folder / DESCRIPTION_FILE))
    for file, sha256 in checkpoint.files.items():
        _verify(folder / file, sha256)
    return checkpoint


def save_checkpoint(checkpoint: Checkpoint) -> None:
    """Write `checkpoint.json` into the checkpoint's folder, replacing an older one in one step."""
    record = {"schema": SCHEMA, **asdict(checkpoint)}
    del record["folder"]
    text = json.dumps(record, indent=2) + "\n"
    write_file(checkpoint.folder / DESCRIPTION_FILE, text.encode(), durable=False)  # exported again if lost


def root_of(title: str) -> str:
    """Return the title of the model that a refitted one comes from, whose frame encoder it shares.

    "videobert-small 0.3.0+local.2" comes from "videobert-small 0.3.0".
    """
    return title.partition("+")[0]


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path.parent} is no checkpoint: {path.name} is missing.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise CheckpointError(f"{path} is not of schema {SCHEMA}, the one that this version reads.")
    return record


def _parse(folder: Path, record: dict[str, Any]) -> Checkpoint:
    fields = {key: value for key, value in record.items() if key != "schema"}
    try:
        fields["pictures"] = tuple(fields["pictures"])
        fields["tasks"] = {name: _parse_task(task) for name, task in fields["tasks"].items()}
        return Checkpoint(folder=folder, **fields)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(f"{folder / DESCRIPTION_FILE} lacks or misspells a field: {error}.") from error


def _parse_task(record: dict[str, Any]) -> Task:
    task = Task(labels=tuple(record["labels"]), thresholds=tuple(record["thresholds"]))
    if len(task.labels) != len(task.thresholds):
        raise ValueError(f"{len(task.labels)} labels but {len(task.thresholds)} thresholds")
    return task


def _verify(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path.parent} is incomplete: {path.name} is missing.")
    if sha256_of(path) != sha256:
        raise CheckpointError(f"{path} is damaged: its SHA-256 differs from the one in {DESCRIPTION_FILE}.")
