"""What tests of the training commands share."""

import shutil

import pytest

from models.checkpoint import DEFAULT_DIR, load_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    """Return a copy of the default checkpoint that a test may change."""
    return load_checkpoint(shutil.copytree(DEFAULT_DIR, tmp_path / "checkpoint"))
