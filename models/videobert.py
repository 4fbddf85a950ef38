"""Frame features and text in, an understanding of the clip out: VideoBERT (Sun et al., ICCV 2019).

text  ─ BERT ─────────────────────── T ┐
                                       ├ [CLS] text [SEP] video [SEP] ─ joint transformer ─ h_CLS
video ─ LayerNorm ─ linear ─ LSTM ── H ┘                          embedding = [h_CLS ; mean H ; mean T]
"""

from dataclasses import dataclass
from os import PathLike
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoModel, BertModel, PreTrainedModel, initialization
from transformers.utils.generic import ModelOutput

from models.configuration import VideoBERTConfig
from models.joint import JointTransformer, Tokens, Widening
from models.text_tower import build_text_tower, load_text_tower_weights, packaged_parameters
from models.video_tower import Gates, VideoState, VideoTower

_ALWAYS_SET: Any = None  # ModelOutput demands a default for every field but the first


@dataclass
class VideoBERTOutput(ModelOutput):
    """What VideoBERT says of B clips; D is `hidden_size`.

    `h_cls` (B, D) is the joint transformer's [CLS]. `text_states` (B, L, D) and `video_states` (B, T, D) are
    what the two towers hand to it, `joint_states` (B, 1 + L + 1 + T + 1, D) all of its tokens in the order
    `[CLS] text [SEP] video [SEP]`. `embedding` (B, 3 D) is [h_CLS ; mean H ; mean T], which the heads read.
    `state` is the LSTM's memory after the newest frame.
    """

    h_cls: Tensor
    text_states: Tensor = _ALWAYS_SET
    video_states: Tensor = _ALWAYS_SET
    joint_states: Tensor = _ALWAYS_SET
    embedding: Tensor = _ALWAYS_SET
    state: VideoState = _ALWAYS_SET


class VideoBERTPreTrainedModel(PreTrainedModel):
    """What all VideoBERT models share: initial weights, and a text tower that may stay out of checkpoints."""

    config_class = VideoBERTConfig
    config: VideoBERTConfig
    base_model_prefix = "videobert"
    main_input_name = "features"
    _no_split_modules = ["BertEmbeddings", "BertLayer", "LSTMLayer", "JointLayer"]  # noqa: RUF012
    _supports_sdpa = True

    def initialize_weights(self) -> None:
        """Give every parameter that no checkpoint has filled its first value."""
        if self.config.text_weights is not None:
            load_text_tower_weights(self._text_tower())
        super().initialize_weights()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Gates):
            initialization.xavier_uniform_(module.weight)
            if module.bias is not None:
                _keep_memory_at_first(module.bias)
        if isinstance(module, Widening):
            module.reset_parameters()

    def save_pretrained(  # type: ignore[override]  # the options are all handed on
        self, save_directory: str | PathLike[str], **options: Any
    ) -> None:
        """Save configuration and weights; text weights that equal the package's are restored, not saved."""
        self._keys_to_ignore_on_save = set(self._restorable_keys())
        super().save_pretrained(save_directory, **options)

    def _text_tower(self) -> BertModel:
        return cast("BertModel", self.base_model.text_tower)

    def _restorable_keys(self) -> list[str]:
        if self.config.text_weights is None:
            return []
        tower = self._text_tower()
        prefix = next(name for name, module in self.named_modules() if module is tower)
        return [f"{prefix}.{name}" for name in packaged_parameters(tower)]


def _keep_memory_at_first(bias: Tensor) -> None:
    """Fill a bias of gates (4 * hidden_size) with 0, and with 1 where it belongs to the forget gate."""
    width = bias.shape[0] // 4
    initialization.copy_(bias, torch.eye(4, device=bias.device)[1].repeat_interleave(width))


class VideoBERTModel(VideoBERTPreTrainedModel):
    """Text tower, video tower and joint transformer, without a head."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__(config)
        if config.text_weights is not None:
            self._keys_to_ignore_on_load_missing = [r"(^|\.)text_tower\."]
        self.text_tower = build_text_tower(config)
        self.text_to_hidden = nn.Linear(config.text_hidden_size, config.hidden_size)
        self.text_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.video_tower = VideoTower(config)
        self.joint = JointTransformer(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the table of word pieces; PEFT asks for it."""
        return cast("nn.Module", self.text_tower.get_input_embeddings())

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the table of word pieces."""
        self.text_tower.set_input_embeddings(value)

    def encode_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the text states (B, L, text_hidden_size), which may be cached."""
        output = self.text_tower(input_ids=input_ids, attention_mask=attention_mask)
        return cast("Tensor", output.last_hidden_state)

    def forward(
        self,
        features: Tensor,
        motion: Tensor,
        *,
        video_mask: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        text_states: Tensor | None = None,
        text_mask: Tensor | None = None,
        state: VideoState | None = None,
    ) -> VideoBERTOutput:
        """Understand B clips of T frames, each with a text of L tokens, or with none.

        Args:
            features: (B, T, P * feature_dim), the pooled features of P pictures side by side.
            motion: (B, T, motion_dim), the flow descriptors.
            video_mask: (B, T), 1 at real frames; the newest frame is last, padding stands in front.
            input_ids: (B, L), the text as tokens.
            attention_mask: (B, L), 1 at real tokens of `input_ids`.
            text_states: (B, L, text_hidden_size), what `encode_text` returned, instead of `input_ids`.
            text_mask: (B, L), 1 at real tokens of `text_states`.
            state: The LSTM's memory from the frames before; None at the beginning.
        """
        if input_ids is not None and "text" in self.config.reads:
            text_mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
            text_states = self.encode_text(input_ids, text_mask)
        if text_states is None or "text" not in self.config.reads:
            text_states = features.new_zeros(features.shape[0], 0, self.config.text_hidden_size)
            text_mask = None
        if "motion" not in self.config.reads:
            motion = torch.zeros_like(motion)
        text = self.place_text(_tokens(text_states, text_mask))
        frames = _tokens(features, video_mask)
        tower = self.video_tower(frames.states, motion, mask=frames.mask, state=state)
        video = Tokens(tower.hidden_states, frames.mask)
        joint = self.joint(text, video).states
        return VideoBERTOutput(
            h_cls=joint[:, 0],
            text_states=text.states,
            video_states=video.states,
            joint_states=joint,
            embedding=torch.cat([joint[:, 0], video.mean(), text.mean()], dim=-1),
            state=tower.state,
        )

    def place_text(self, text: Tokens) -> Tokens:
        """Bring text states (B, L, text_hidden_size) to the width of the joint transformer, (B, L, D)."""
        states = text.states.masked_fill(~text.mask[..., None], 0)  # (B, L, text_hidden_size)
        return Tokens(self.text_norm(self.text_to_hidden(states)), text.mask)


def _tokens(states: Tensor, mask: Tensor | None) -> Tokens:
    """Pair (B, N, …) with its mask (B, N); without one all of it is real."""
    if mask is None:
        return Tokens(states, states.new_ones(states.shape[:2], dtype=torch.bool))
    return Tokens(states, mask.bool())


AutoModel.register(VideoBERTConfig, VideoBERTModel)
