"""Text and video tokens in, tokens that know one another out: the joint transformer."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import initialization

from models.configuration import VideoBERTConfig

CLS, SEP = 0, 1  # rows of the table of marks
TEXT, VIDEO = 0, 1  # rows of the table of types


@dataclass(frozen=True, slots=True)
class Tokens:
    """`states` (B, N, D) and `mask` (B, N), True where there is a token; N may be 0."""

    states: Tensor
    mask: Tensor

    def mean(self) -> Tensor:
        """Return the mean over the real tokens (B, D); 0 where there is none."""
        weight = self.mask.unsqueeze(-1).to(self.states.dtype)  # (B, N, 1)
        return (self.states * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


class Attention(nn.Module):
    """Multi-head attention from plain linear layers, which LoRA and int8 both reach."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.dropout = config.dropout
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, states: Tensor, mask: Tensor, memory: Tensor | None = None) -> Tensor:
        """Mix `states` (B, S, D); `mask` (B, 1, 1 or S, S) is True at the tokens that may be looked at.

        With a `memory` (B, M, D) they look at its tokens, not at one another; `mask` is then (B, 1, 1, M).
        """
        seen = states if memory is None else memory
        query, key, value = (
            # (B, S, D) → (B, S, heads, D / heads) → (B, heads, S, D / heads)
            project(given).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for project, given in ((self.query, states), (self.key, seen), (self.value, seen))
        )
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        joined = mixed.transpose(1, 2).flatten(2)  # (B, heads, S, D / heads) → (B, S, D)
        return cast("Tensor", self.output(joined))


class Widening(nn.Linear):
    """A linear layer that begins at 0; a class of its own for its initial weights."""

    def reset_parameters(self) -> None:
        """Say nothing."""
        initialization.zeros_(self.weight)
        initialization.zeros_(self.bias)


class Adapter(nn.Module):
    """Two linear layers with a bottleneck between them, beside a residual path of their own.

    The second begins at 0, so that a model with new adapters says what it said without them. Source: Houlsby
    et al., ICML 2019, section 2.1.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(width, size)
        self.widen = Widening(size, width)

    def forward(self, states: Tensor) -> Tensor:
        """Return (B, S, D) for (B, S, D)."""
        return states + cast("Tensor", self.widen(functional.gelu(self.narrow(states))))


class JointLayer(nn.Module):
    """Attention and feed-forward, each behind its norm and beside a residual path.

    What the feed-forward says goes through an adapter where the configuration asks for one.
    """

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.attention_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.up = nn.Linear(width, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, width)
        self.adapter = None if config.adapter_size is None else Adapter(width, config.adapter_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (B, S, D) for (B, S, D)."""
        states = states + self.dropout(self.attention(self.attention_norm(states), mask))
        said = self.down(functional.gelu(self.up(self.feed_forward_norm(states))))
        if self.adapter is not None:
            said = self.adapter(said)
        return cast("Tensor", states + self.dropout(said))


class JointTransformer(nn.Module):
    """Reads `[CLS] text [SEP] video [SEP]`; S = 1 + L + 1 + T + 1 tokens.

    A frame's position is its age: 0 is the newest, so that padding in front changes nothing. Text carries
    its positions from BERT. [CLS] and [SEP] are learned here; the second [SEP] has the type of video.
    """

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        self.marks = nn.Embedding(2, config.hidden_size)
        self.types = nn.Embedding(2, config.hidden_size)
        self.ages = nn.Embedding(config.max_frames, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(JointLayer(config) for _ in range(config.num_joint_layers))
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, text: Tokens, video: Tokens) -> Tokens:
        """Let L text tokens and T video tokens read one another.

        Raises:
            ValueError: T exceeds `max_frames`.
        """
        tokens = self._arrange(text, video)
        states = self.dropout(tokens.states)
        for layer in self.layers:
            states = layer(states, tokens.mask[:, None, None, :])
        return Tokens(self.norm(states), tokens.mask)

    def _arrange(self, text: Tokens, video: Tokens) -> Tokens:
        batch, num_frames, width = video.states.shape
        if num_frames > self.ages.num_embeddings:
            raise ValueError(f"a clip of {num_frames} frames exceeds max_frames {self.ages.num_embeddings}")
        # Three frames have the ages 2, 1, 0.
        ages = self.ages.weight[:num_frames].flip(0)  # (T, D)
        of_text, of_video = self.types.weight[TEXT], self.types.weight[VIDEO]
        states = [
            self._mark(CLS, of_text).expand(batch, 1, width),
            text.states + of_text,
            self._mark(SEP, of_text).expand(batch, 1, width),
            video.states + ages + of_video,
            self._mark(SEP, of_video).expand(batch, 1, width),
        ]
        always = video.mask.new_ones(batch, 1)
        mask = [always, text.mask, always, video.mask, always]
        return Tokens(torch.cat(states, dim=1), torch.cat(mask, dim=1))

    def _mark(self, mark: int, of_type: Tensor) -> Tensor:
        return self.marks.weight[mark] + of_type
