"""Encoder, footage settings and a recording in, the names under which its features are cached out.

Whatever has a say in the features is part of a name: a change leads to another name, never to a stale file.
"""

import ast
import hashlib
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from models import flow, gate, motion, observer, sampler, scaler
from models.checkpoint import FRAME_ENCODER_FILE, sha256_of
from models.runtime import Encoder
from pipeline import decoder, image_folder
from training import footage as footage_module
from training.data_folder import files_of
from training.footage import Footage

SCHEMA = 1
# The code that stands between a recording and the encoder.
STAGES: tuple[ModuleType, ...] = (
    decoder,
    image_folder,
    sampler,
    scaler,
    gate,
    flow,
    motion,
    observer,
    footage_module,
)


def footage_record(encoder: Encoder, footage: Footage) -> dict[str, Any]:
    """Return all but the recording that features depend on.

    Raises:
        CheckpointError: The checkpoint does not list its frame encoder.
    """
    checkpoint = encoder.checkpoint
    checkpoint.path(FRAME_ENCODER_FILE)
    return {
        "schema": SCHEMA,
        "runtime": encoder.name,
        "frame_encoder_sha256": checkpoint.files[FRAME_ENCODER_FILE],
        "pictures": list(footage.motion.pictures),
        "picture_px": footage.motion.picture_px,
        "sample_fps": footage.sample_fps,
        "image_fps": footage.image_fps,
        "camera_fps": footage.camera_fps,
        "stages_sha256": stages_sha256(),
    }


def footage_key(record: dict[str, Any]) -> str:
    """Return the short name of a `footage_record`: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


def recording_key(recording: Path) -> str:
    """Return the name of a video's or image folder's content, wherever it lies: 32 hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    if not recording.is_dir():
        return sha256_of(recording)[:32]
    images = [[image.name, sha256_of(image)] for image in files_of(recording)]
    return hashlib.sha256(json.dumps(images).encode()).hexdigest()[:32]


def stages_sha256() -> str:
    """Return the SHA-256 of what the stages' code says, whatever its comments and docstrings say."""
    return hashlib.sha256("\n".join(map(code_of, STAGES)).encode()).hexdigest()


def code_of(module: ModuleType) -> str:
    """Return a module's syntax tree without its docstrings, as text."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        match node:
            case ast.Module(body=body) | ast.ClassDef(body=body) | ast.FunctionDef(body=body):
                if ast.get_docstring(node) is not None:
                    node.body = body[1:]
    return ast.dump(tree)
