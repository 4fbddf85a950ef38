"""A pre-trained model becomes a checkpoint's measure of surprise, or the checkpoint stays as it was."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

from models.checkpoint import DEFAULT_DIR, FRAME_ENCODER_FILE, SEARCH_FILE, SURPRISE_FILE, load_checkpoint  # noqa: E402
from models.configuration import VideoBERTConfig  # noqa: E402
from models.errors import CheckpointError  # noqa: E402
from models.pretraining import VideoBERTForPreTraining  # noqa: E402
from models.runtime import ClipBatch, open_encoder  # noqa: E402
from models.surprise import Surprise  # noqa: E402
from tests.media import moving_square, write_video  # noqa: E402
from training.__main__ import main  # noqa: E402
from training.checkpoint_files import keep_frame_encoder  # noqa: E402
from training.parity import DriftError  # noqa: E402
from training.surprise_export import add_surprise, load_pretrained  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*:FutureWarning", "ignore:.*:UserWarning", "ignore:.*:DeprecationWarning"
)


def random_clips(checkpoint, count):
    rng = np.random.default_rng(0)
    frames = (count, checkpoint.num_frames)
    width = checkpoint.feature_dim * len(checkpoint.pictures)
    return ClipBatch(
        features=rng.normal(size=(*frames, width)).astype(np.float32),
        motion=rng.normal(size=(*frames, checkpoint.motion_dim)).astype(np.float32),
        mask=np.ones(frames, np.bool_),
    )


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A nano model with random weights that reads what the default checkpoint's frame encoder says."""
    config = VideoBERTConfig.from_pretrained(DEFAULT_DIR).to_dict()
    small = VideoBERTConfig.of_size("nano").to_dict()
    reads = {key: config[key] for key in ("pictures", "sample_fps", "num_frames", "motion_dim")}
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pretrained")
    VideoBERTForPreTraining(VideoBERTConfig(**{**small, **reads})).save_pretrained(folder)
    return folder


def test_the_command_gives_a_checkpoint_the_models_measure(pretrained, checkpoint, tmp_path):
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "square.mp4", moving_square(120), fps=10)
    options = ["--model", str(pretrained), "--checkpoint", str(checkpoint.folder)]
    options += ["--cache", str(tmp_path / "cache"), "--json", str(tmp_path / "report.json")]
    assert main(["surprise", str(tmp_path / "videos"), *options]) == 0
    assert json.loads((tmp_path / "report.json").read_text())["correlation"] >= 0.99
    clips = random_clips(checkpoint, 4)
    model = Surprise(load_pretrained(pretrained, checkpoint)).eval()
    with torch.inference_mode():
        ours = model(*(torch.from_numpy(part) for part in (clips.features, clips.motion, clips.mask)))
    theirs = open_encoder(checkpoint.folder, device="cpu").understand(clips).surprise
    assert theirs == pytest.approx(ours.numpy(), abs=0.05)


def test_all_else_in_the_checkpoint_is_as_it_was(pretrained, checkpoint):
    before = {name: sha for name, sha in checkpoint.files.items() if name != SURPRISE_FILE}
    add_surprise(checkpoint, load_pretrained(pretrained, checkpoint), random_clips(checkpoint, 8))
    after = load_checkpoint(checkpoint.folder)
    assert {name: after.files[name] for name in before} == before
    assert (after.version, after.tasks) == (checkpoint.version, checkpoint.tasks)


@pytest.mark.parametrize(("num_frames", "is_kept"), [(24, True), (16, False)])
def test_a_checkpoint_keeps_its_extras_where_its_videobert_is_exchanged_for_one_that_reads_alike(
    checkpoint, tmp_path, num_frames, is_kept
):
    config = VideoBERTConfig.from_pretrained(checkpoint.folder)
    config.num_frames = num_frames  # the default checkpoint's is 24
    keep_frame_encoder(checkpoint, tmp_path, config)
    assert (tmp_path / SURPRISE_FILE).is_file() is is_kept
    assert (tmp_path / SEARCH_FILE).is_file() is is_kept
    assert (tmp_path / FRAME_ENCODER_FILE).is_file()


def test_an_export_that_cannot_be_shown_to_agree_is_refused(pretrained, checkpoint):
    before = (checkpoint.folder / "checkpoint.json").read_bytes()
    one = random_clips(checkpoint, 1)  # no two clips to put in order
    with pytest.raises(DriftError, match="correlates"):
        add_surprise(checkpoint, load_pretrained(pretrained, checkpoint), one)
    assert (checkpoint.folder / "checkpoint.json").read_bytes() == before


def test_a_model_that_reads_other_pictures_is_refused(checkpoint, tmp_path):
    VideoBERTForPreTraining(VideoBERTConfig.of_size("nano")).save_pretrained(tmp_path / "other")
    with pytest.raises(CheckpointError, match="pictures"):
        load_pretrained(tmp_path / "other", checkpoint)


def test_a_folder_without_a_model_is_refused(checkpoint, tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        load_pretrained(tmp_path, checkpoint)
