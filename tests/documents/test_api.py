"""Every snippet of docs/api.md runs as it stands, after those before it."""

from contextlib import chdir

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

import models
from models import VideoBERTForSequenceClassification
from tests.documents.snippets import REPOSITORY, code_blocks, run, write_clips


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What the snippets have defined, on eight drawn clips, and the folder that they ran in."""
    folder = tmp_path_factory.mktemp("reader")
    write_clips(folder / "clips", groups=2)
    (folder / "models").symlink_to(REPOSITORY / "models")
    names: dict[str, object] = {}
    torch.manual_seed(0)
    with chdir(folder):
        for block in code_blocks("docs/api.md"):
            names = run(block, names)
    return folder, names


def test_every_public_class_has_its_own_heading():
    text = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
    assert [name for name in models.__all__ if f"## {name}\n" not in text] == ["Clip"]


def test_what_stands_in_api_md_is_true_of_its_shapes(ran):
    _, names = ran
    inputs, config = names["inputs"], names["classifier"].config
    frames = inputs["video_mask"].shape[1]
    assert inputs["features"].shape == (2, frames, config.video_dim)
    assert inputs["motion"].shape == (2, frames, 18)
    assert names["output"].embedding.shape == (2, config.embedding_dim)


def test_transformers_trainer_learns_and_predicts(ran):
    _, names = ran
    losses = [entry["train_loss"] for entry in names["trainer"].state.log_history if "train_loss" in entry]
    assert len(losses) == 1
    assert set(names["predicted"].predictions) == {"mine"}
    assert names["predicted"].predictions["mine"].shape == (len(names["last"]), 2)


def test_a_lora_adapter_learns_little_and_comes_back_as_it_was(ran):
    folder, names = ran
    base = VideoBERTForSequenceClassification.from_pretrained(
        REPOSITORY / "models/checkpoints/default", tasks={"mine": names["names"]}
    )
    loaded = PeftModel.from_pretrained(base, folder / "runs/lora").eval()
    with torch.no_grad():
        expected = names["merged"](**names["videos"]).logits["mine"]
        torch.testing.assert_close(loaded(**names["videos"]).logits["mine"], expected, atol=1e-4, rtol=0)
    assert (folder / "runs/lora/adapter_model.safetensors").stat().st_size < 2e6


def test_the_auto_classes_know_the_saved_model(ran):
    folder, names = ran
    again = AutoModelForSequenceClassification.from_pretrained(folder / "runs/merged")
    with torch.no_grad():
        expected = names["merged"](**names["videos"]).logits["mine"]
        torch.testing.assert_close(again(**names["videos"]).logits["mine"], expected)
