import dataclasses
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from models.buckets import BucketRunner, bucket_of  # noqa: E402
from models.checkpoint import DEFAULT_DIR, WEIGHTS_FILE, load_checkpoint, sha256_of  # noqa: E402
from models.errors import CheckpointError  # noqa: E402
from models.onnx_runtime import OnnxRuntimeEncoder  # noqa: E402
from models.torch_runtime import TorchEncoder, load_temporal  # noqa: E402
from tests.models.rendered import clock, traffic_light  # noqa: E402
from tests.models.test_runtime import cosine, some_clips  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder():
    return TorchEncoder.open(load_checkpoint(DEFAULT_DIR), device="cpu")


def altered(folder, change):
    """Copy the default checkpoint's temporal model with its weights changed."""
    for file in ("config.json", WEIGHTS_FILE):
        shutil.copy(DEFAULT_DIR / file, folder / file)
    weights = load_file(folder / WEIGHTS_FILE)
    change(weights)
    save_file(weights, folder / WEIGHTS_FILE)
    files = {WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE)}
    return dataclasses.replace(load_checkpoint(DEFAULT_DIR), folder=folder, files=files)


def test_rows_are_padded_to_the_next_bucket():
    assert [bucket_of(count) for count in (0, 1, 3, 8, 9, 32)] == [1, 1, 4, 8, 16, 32]


def test_a_batch_is_cut_and_padded_into_buckets():
    sizes = []

    def double(rows):
        sizes.append(len(rows))
        return (rows * 2,)

    (doubled,) = BucketRunner(double, device=CPU).run(torch.arange(37.0)[:, None])
    assert sizes == [32, 8]
    assert doubled[:, 0].tolist() == [2.0 * index for index in range(37)]


def test_no_rows_give_no_rows():
    (rows,) = BucketRunner(lambda rows: (rows.repeat(1, 2),), device=CPU).run(torch.zeros(0, 3))
    assert rows.shape == (0, 6)


def test_torch_and_onnx_runtime_see_the_same_in_pictures(encoder):
    pictures = np.stack([clock(), traffic_light()])
    ours, theirs = encoder.encode(pictures), OnnxRuntimeEncoder.open(encoder.checkpoint).encode(pictures)
    for index in range(2):
        # Raw pictures are not what the export was scaled on; 0.99 is demanded on its own kind.
        assert cosine(ours.pooled[index], theirs.pooled[index]) > 0.95
        assert cosine(ours.grid[index], theirs.grid[index]) > 0.95


def test_torch_and_onnx_runtime_understand_clips_alike(encoder):
    clips = some_clips(encoder.checkpoint, 3)
    ours, theirs = encoder.understand(clips), OnnxRuntimeEncoder.open(encoder.checkpoint).understand(clips)
    assert cosine(ours.embedding, theirs.embedding) > 0.99
    for task, probabilities in ours.probabilities.items():
        assert probabilities == pytest.approx(theirs.probabilities[task], abs=0.05)


def test_the_name_says_precision_and_device(encoder):
    assert encoder.name == "torch fp32 cpu"


def test_weights_that_lack_a_layer_are_refused(tmp_path):
    checkpoint = altered(tmp_path, lambda weights: weights.pop("heads.fight.bias"))
    with pytest.raises(CheckpointError, match=r"lacks heads\.fight\.bias"):
        load_temporal(checkpoint)


def test_weights_of_another_shape_are_refused(tmp_path):
    checkpoint = altered(tmp_path, lambda weights: weights.update({"heads.fight.bias": torch.zeros(3)}))
    with pytest.raises(CheckpointError, match=r"does not fit config\.json"):
        load_temporal(checkpoint)


def test_a_fine_tuned_text_tower_is_not_needed_to_run(tmp_path):
    name = "videobert.text_tower.embeddings.word_embeddings.weight"
    checkpoint = altered(tmp_path, lambda weights: weights.update({name: torch.zeros(30522, 2)}))
    assert not load_temporal(checkpoint).training


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_recorded_graphs_give_what_the_cpu_gives(encoder):
    gpu = TorchEncoder.open(encoder.checkpoint, device="cuda")
    for pictures in (
        np.stack([clock(), traffic_light()]),
        clock()[None],
        np.stack([traffic_light(), clock()]),
    ):
        ours, theirs = gpu.encode(pictures), encoder.encode(pictures)
        assert cosine(ours.pooled[0], theirs.pooled[0]) > 0.999
