import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")

from models.checkpoint import load_checkpoint  # noqa: E402
from models.configuration import VideoBERTConfig  # noqa: E402
from models.heads import VideoBERTForSequenceClassification  # noqa: E402
from models.runtime import empty_clips, open_encoder  # noqa: E402
from models.torch_runtime import TorchEncoder  # noqa: E402
from tests.media import moving_square, write_video  # noqa: E402
from training.__main__ import main  # noqa: E402
from training.export import ExportReport  # noqa: E402
from training.frame_encoder_export import normalise  # noqa: E402
from training.parity import DriftError, Parity  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*:FutureWarning", "ignore:.*:UserWarning", "ignore:.*:DeprecationWarning"
)


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("footage")
    write_video(folder / "square.mp4", moving_square(80), fps=10)
    return folder


@pytest.fixture(scope="module")
def exported(footage, tmp_path_factory):
    """A nano checkpoint, exported by the command, and its report."""
    folder = tmp_path_factory.mktemp("checkpoint")
    options = ["--size", "nano", "--calibration", str(footage), "--pictures", "32"]
    report = folder / "report.json"
    assert main(["export", "--out", str(folder / "nano"), "--json", str(report), *options]) == 0
    return folder / "nano", json.loads(report.read_text())


def test_the_daemon_can_run_what_was_exported(exported):
    encoder = open_encoder(exported[0], device="cpu")
    features = encoder.encode(np.zeros((3, 224, 224, 3), np.uint8))
    understood = encoder.understand(empty_clips(encoder.checkpoint, 3))
    assert features.grid.shape == (3, 112, 14, 14)
    assert understood.embedding.shape == (3, 96)  # [h_CLS ; mean H ; mean T] of 32 each
    assert set(understood.probabilities) == {"fight", "crash", "fall", "activity"}


def test_the_report_holds_the_gate(exported):
    report = exported[1]
    assert report["pooled"]["mean_cosine"] >= 0.99
    assert report["embedding"]["mean_cosine"] >= 0.99
    assert set(report["agreement"]) == {"fight", "crash", "fall", "activity"}


def test_the_checkpoint_says_that_it_is_untrained(exported):
    checkpoint = load_checkpoint(exported[0])
    assert checkpoint.name == "videobert-nano"
    assert checkpoint.trained is False
    assert checkpoint.tasks["fight"].thresholds == (None, None)
    assert "publishes no behaviour event" in (exported[0] / "README.md").read_text()


def test_the_model_card_shows_the_measured_cosine(exported):
    cosine = exported[1]["pooled"]["mean_cosine"]
    assert f"| pooled | {cosine:.4f} |" in (exported[0] / "README.md").read_text()


def test_torch_runs_the_same_folder(exported):
    checkpoint = load_checkpoint(exported[0])
    clips = empty_clips(checkpoint, 2)
    ours = TorchEncoder.open(checkpoint, device="cpu").understand(clips).embedding
    theirs = open_encoder(exported[0], device="cpu").understand(clips).embedding
    assert np.allclose(ours, theirs, atol=0.1)


def test_the_linear_path_stays_as_exact_as_it_was_and_the_rest_does_not(exported):
    tensors = onnx.load(exported[0] / "temporal.onnx").graph.initializer
    width = VideoBERTConfig.from_pretrained(exported[0]).statistics_dim
    kinds = {tensor.data_type for tensor in tensors if width in tensor.dims}
    assert kinds == {onnx.TensorProto.FLOAT}
    assert onnx.TensorProto.INT8 in {tensor.data_type for tensor in tensors}


def test_transformers_loads_the_same_folder_in_float32(exported):
    model = VideoBERTForSequenceClassification.from_pretrained(exported[0])
    assert model.dtype == torch.float32


def test_pictures_enter_as_uint8_and_the_batch_is_free(exported):
    graph = onnx.load(exported[0] / "frame_encoder.onnx").graph
    shape = [size.dim_param or size.dim_value for size in graph.input[0].type.tensor_type.shape.dim]
    assert shape == ["batch", 224, 224, 3]
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_normalising_for_the_quantiser_is_what_the_encoder_does():
    pictures = np.zeros((1, 2, 2, 3), np.uint8)
    pictures[0, 0, 1] = 127, 255, 63
    # (255 - 127) / 128 = 1, (63 - 127) / 128 = -0.5; channels come first.
    assert normalise(pictures)[0, :, 0, 1].tolist() == [0.0, 1.0, -0.5]


def test_a_folder_without_videos_cannot_start(tmp_path, capsys):
    assert (
        main(["export", "--out", str(tmp_path / "new"), "--size", "nano", "--calibration", str(tmp_path)])
        == 3
    )
    assert "holds no video to calibrate on" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_videos_shorter_than_a_clip_cannot_calibrate(tmp_path, capsys):
    write_video(tmp_path / "short.mp4", moving_square(20), fps=10)
    arguments = ["--out", str(tmp_path / "new"), "--size", "nano", "--calibration", str(tmp_path)]
    assert main(["export", *arguments]) == 3
    # 20 pictures at 10 a second are 12 at the 6 that are sampled; a clip has 24.
    assert "No calibration video has 24 sampled frames" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_an_unknown_size_is_bad_usage(tmp_path):
    with pytest.raises(SystemExit) as usage:
        main(["export", "--out", str(tmp_path), "--calibration", str(tmp_path), "--size", "huge"])
    assert usage.value.code == 2


def report_of(pooled: float, embedding: float, **agreement: float) -> ExportReport:
    same = Parity(1, 1.0, 1.0)
    return ExportReport(Parity(1, pooled, pooled), same, Parity(1, embedding, embedding), agreement)


def test_untrained_heads_are_not_asked_to_agree(exported):
    report_of(0.995, 0.995, fight=0.5).demand(load_checkpoint(exported[0]))


@pytest.mark.parametrize(("pooled", "embedding"), [(0.98, 1.0), (1.0, 0.98)])
def test_a_drifting_export_is_refused(exported, pooled, embedding):
    with pytest.raises(DriftError, match="drifts"):
        report_of(pooled, embedding).demand(load_checkpoint(exported[0]))
