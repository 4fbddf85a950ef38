"""What a camera has learned can be taken along, and nothing that this machine cannot read is let in."""

from contextlib import ExitStack

import numpy as np
import pytest

from daemon.cli import main
from daemon.outbox import hold_lock
from models.checkpoint import DEFAULT_DIR, load_checkpoint
from pipeline.analysis import encoder_name
from pipeline.anomaly import AnomalyDetector, AnomalySettings

MODEL = encoder_name(load_checkpoint(DEFAULT_DIR))


def machine(folder):
    """Return the settings of a machine with a camera named porch."""
    folder.mkdir()
    config = folder / "config.toml"
    config.write_text(f'[storage]\ndata_dir = "{folder}/data"\n[cameras.porch]\nurl = "rtsp://127.0.0.1/x"\n')
    return config


def learned(config, encoder=MODEL):
    """Let the machine's camera have learned, and return its state's path."""
    path = config.parent / "data/learned/porch.npz"
    path.parent.mkdir(parents=True)
    AnomalyDetector(AnomalySettings(encoder=encoder)).save(path)
    return path


@pytest.fixture
def here(tmp_path):
    return machine(tmp_path / "here")


def state(config, action, camera, file):
    return main(["state", action, camera, str(file), "--config", str(config)])


def test_a_state_moves_from_one_machine_to_another(here, tmp_path, capsys):
    original, there = learned(here), machine(tmp_path / "there")
    assert state(here, "export", "porch", tmp_path / "porch.npz") == 0
    assert state(there, "import", "porch", tmp_path / "porch.npz") == 0
    assert (there.parent / "data/learned/porch.npz").read_bytes() == original.read_bytes()
    assert "learned 0%, calibrated 0%" in capsys.readouterr().out


def refused(capsys, code):
    assert code == 3
    return capsys.readouterr().err


def test_an_unknown_camera_is_refused(here, tmp_path, capsys):
    assert "no camera is named 'attic'" in refused(capsys, state(here, "export", "attic", tmp_path / "x"))


def test_a_camera_that_has_learned_nothing_has_nothing_to_export(here, tmp_path, capsys):
    assert "has learned nothing yet" in refused(capsys, state(here, "export", "porch", tmp_path / "x"))


def test_an_export_overwrites_nothing(here, tmp_path, capsys):
    learned(here)
    (tmp_path / "x").write_text("precious")
    assert "is there already" in refused(capsys, state(here, "export", "porch", tmp_path / "x"))
    assert (tmp_path / "x").read_text() == "precious"


def test_a_state_of_another_model_is_refused(here, tmp_path, capsys):
    learned(here, encoder="somebody's 7")
    words = refused(capsys, state(here, "export", "porch", tmp_path / "x"))
    assert f"was learned with somebody's 7, not {MODEL}." in words


def test_a_file_of_another_version_is_refused_and_nothing_is_touched(here, tmp_path, capsys):
    before = learned(here).read_bytes()
    np.savez(tmp_path / "old.npz", version=1)
    words = refused(capsys, state(here, "import", "porch", tmp_path / "old.npz"))
    assert "is not a camera's state of version" in words
    assert (here.parent / "data/learned/porch.npz").read_bytes() == before


def test_a_file_that_is_not_there_is_one_sentence(here, tmp_path, capsys):
    assert "cannot be read" in refused(capsys, state(here, "import", "porch", tmp_path / "none.npz"))


def test_nothing_is_imported_beside_a_running_daemon(here, tmp_path, capsys):
    path, copy = learned(here), tmp_path / "copy.npz"
    path.rename(copy)
    with hold_lock_of(here.parent / "data"):
        words = refused(capsys, state(here, "import", "porch", copy))
    assert "another videobertd is running" in words
    assert not path.exists()


def hold_lock_of(data_dir):
    files = ExitStack()
    hold_lock(files, data_dir / "videobertd.sqlite")
    return files
