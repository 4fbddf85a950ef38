import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.checkpoint import DEFAULT_DIR, FRAME_ENCODER_FILE, load_checkpoint, save_checkpoint, sha256_of
from models.errors import CheckpointError
from models.onnx_runtime import LARGEST_BATCH
from models.runtime import ClipBatch, empty_clips, open_encoder
from tests.fakes import FakeEncoder, checkpoint
from tests.models.rendered import clock, traffic_light


@pytest.fixture(scope="module")
def encoder():
    return open_encoder(DEFAULT_DIR, device="cpu")


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def some_clips(checkpoint, count):
    rng = np.random.default_rng(0)
    empty = empty_clips(checkpoint, count)
    return ClipBatch(
        features=rng.random(empty.features.shape, np.float32),
        motion=rng.random(empty.motion.shape, np.float32),
        mask=np.ones_like(empty.mask),
    )


def test_the_base_install_reads_a_checkpoint_without_torch():
    code = (
        "import sys, models.runtime, models.motion, models.checkpoint as c;"
        "models.runtime.open_encoder(c.DEFAULT_DIR, device='cpu').warm_up();"
        "assert not {'torch', 'transformers', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_default_checkpoint_opens_on_the_cpu(encoder):
    assert encoder.name == "onnxruntime int8 cpu"
    assert encoder.checkpoint == load_checkpoint(DEFAULT_DIR)


@pytest.mark.parametrize("count", [0, 1, LARGEST_BATCH + 1])
def test_any_number_of_pictures_is_encoded(encoder, count):
    features = encoder.encode(np.zeros((count, 224, 224, 3), np.uint8))
    assert features.pooled.shape == (count, 1280)
    assert features.grid.shape == (count, 112, 14, 14)
    assert features.pooled.dtype == features.grid.dtype == np.float32


def test_pictures_of_one_batch_do_not_touch_one_another(encoder):
    together = encoder.encode(np.stack([clock(), traffic_light()]))
    alone = encoder.encode(traffic_light()[None])
    assert cosine(together.pooled[1], alone.pooled[0]) > 0.9999
    assert cosine(together.pooled[1], together.pooled[0]) < 0.9


@pytest.mark.parametrize("count", [1, 3])
def test_each_task_has_probabilities_that_sum_to_one(encoder, count):
    understood = encoder.understand(some_clips(encoder.checkpoint, count))
    assert understood.embedding.shape == (count, encoder.checkpoint.embedding_dim)
    for task, labels in encoder.checkpoint.tasks.items():
        assert understood.probabilities[task].shape == (count, len(labels.labels))
        assert understood.probabilities[task].sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)


def test_what_stands_where_no_frame_is_has_no_influence(encoder):
    clips = some_clips(encoder.checkpoint, 1)
    clips.mask[:, :6] = False
    before = encoder.understand(clips).embedding
    clips.features[:, :6] = 7.0
    assert cosine(before, encoder.understand(clips).embedding) > 0.9999


def test_two_threads_share_one_encoder(encoder):
    picture = clock()[None]
    expected = encoder.encode(picture).pooled
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: encoder.encode(picture).pooled, range(8)))
    assert all(np.array_equal(result, expected) for result in results)


def test_an_unreadable_model_is_named(tmp_path):
    (tmp_path / FRAME_ENCODER_FILE).write_bytes(b"not a model")
    files = {FRAME_ENCODER_FILE: sha256_of(tmp_path / FRAME_ENCODER_FILE)}
    save_checkpoint(checkpoint(folder=tmp_path, files=files))
    with pytest.raises(CheckpointError, match=r"ONNX Runtime cannot read .*frame_encoder\.onnx"):
        open_encoder(tmp_path, device="cpu")


def test_a_missing_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        open_encoder(tmp_path / "nowhere")


def test_cuda_that_is_not_there_is_one_sentence():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(CheckpointError, match="torch or a CUDA device is missing"):
        open_encoder(DEFAULT_DIR, device="cuda")
    assert open_encoder(DEFAULT_DIR, device="auto").name == "onnxruntime int8 cpu"


def test_empty_clips_have_one_real_frame_the_newest():
    clips = empty_clips(checkpoint(num_frames=3, feature_dim=2, pictures=("frame", "difference")), 2)
    assert clips.mask.tolist() == [[False, False, True]] * 2
    assert clips.features.shape == (2, 3, 4)


def test_the_fake_encoder_keeps_the_protocol():
    fake = FakeEncoder(checkpoint())
    features = fake.encode(np.full((2, 224, 224, 3), 51, np.uint8))
    assert features.pooled[0, 0] == pytest.approx(0.2)  # 51 / 255
    assert (
        fake.understand(empty_clips(fake.checkpoint, 2)).probabilities["fight"].tolist() == [[0.5, 0.5]] * 2
    )
