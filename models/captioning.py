"""A clip in, a sentence out: a small decoder writes words, reading the tokens of the joint transformer.

Source: Vaswani et al., 2017, section 3.1 (the decoder), pre-norm; the first and the last matrix are BERT's
table of word pieces.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import initialization
from transformers.utils.generic import ModelOutput

from models.beams import Search, search_beams
from models.configuration import VideoBERTConfig
from models.heads import IGNORED, mean_cross_entropy
from models.joint import Attention, Tokens
from models.pretraining import WordHead
from models.videobert import VideoBERTModel, VideoBERTPreTrainedModel


@dataclass
class CaptioningOutput(ModelOutput):
    """`loss` is the mean cross-entropy of a word piece if labels were given, `logits` (B, L, vocabulary)."""

    loss: Tensor | None = None
    logits: Tensor | None = None


class DecoderLayer(nn.Module):
    """Attention to the words before, attention to the clip, and feed-forward, each beside a residual path."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.word_attention = Attention(config)
        self.clip_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.clip_attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.up = nn.Linear(width, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor, earlier: Tensor, clip: Tokens) -> Tensor:
        """Return (B, L, D) for (B, L, D); `earlier` (1, 1, L, L) is True where a word may look."""
        states = states + self.dropout(self.word_attention(self.word_norm(states), earlier))
        seen = self.clip_attention(self.clip_norm(states), clip.mask[:, None, None, :], clip.states)
        states = states + self.dropout(seen)
        said = self.down(functional.gelu(self.up(self.feed_forward_norm(states))))
        return cast("Tensor", states + self.dropout(said))


class CaptionDecoder(nn.Module):
    """Word embeddings to states that say what the next word is; no word knows a later one."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.from_words = nn.Linear(config.text_hidden_size, width)
        self.word_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.positions = nn.Embedding(config.max_caption_tokens, width)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_decoder_layers))
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(self, words: Tensor, clip: Tokens) -> Tensor:
        """Return (B, L, D) for the embeddings (B, L, text_hidden_size) of the words so far.

        Raises:
            ValueError: L exceeds `max_caption_tokens`.
        """
        length = words.shape[1]
        if length > self.positions.num_embeddings:
            raise ValueError(f"{length} words exceed max_caption_tokens {self.positions.num_embeddings}")
        states = self.dropout(self.word_norm(self.from_words(words)) + self.positions.weight[:length])
        # Three words: the first sees itself, the second both, the third all three.
        earlier = torch.ones(length, length, dtype=torch.bool, device=words.device).tril()[None, None]
        for layer in self.layers:
            states = layer(states, earlier, clip)
        return cast("Tensor", self.norm(states))


class VideoBERTForCaptioning(VideoBERTPreTrainedModel):
    """VideoBERT with a decoder that writes a sentence about the clip.

    The text that goes in is what the camera knows about itself, never the caption.
    """

    accepts_loss_kwargs = False

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__(config)
        self.videobert = VideoBERTModel(config)
        self.decoder = CaptionDecoder(config)
        self.words = WordHead(config)  # named as in pre-training, whose weights it can begin with
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, WordHead):
            initialization.zeros_(module.bias)

    def forward(
        self,
        features: Tensor,
        motion: Tensor,
        *,
        video_mask: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> CaptioningOutput:
        """Say of each word of a caption how probable it is, given those before it and the clip.

        Args:
            features: (B, T, P * feature_dim), as in `VideoBERTModel`.
            motion: (B, T, motion_dim).
            video_mask: (B, T).
            input_ids: (B, L), the camera's text.
            attention_mask: (B, L).
            decoder_input_ids: (B, W), the words so far, [CLS] first.
            labels: (B, W), the words to say, [SEP] last, -100 behind it. From them alone the words so far are
                [CLS] and all but the last.

        Raises:
            ValueError: There are neither `labels` nor `decoder_input_ids`, or too many words.
        """
        if decoder_input_ids is None:
            if labels is None:
                raise ValueError("a captioner needs labels or decoder_input_ids; generate needs neither")
            decoder_input_ids = self.shifted(labels)
        texts = {"input_ids": input_ids, "attention_mask": attention_mask}
        clip = self.read(features, motion, video_mask=video_mask, **texts)
        logits = self.next_words(decoder_input_ids, clip)
        loss = None if labels is None else mean_cross_entropy(logits.flatten(0, 1), labels.flatten())
        return CaptioningOutput(loss=loss, logits=logits)

    @torch.no_grad()
    def generate(
        self,
        features: Tensor,
        motion: Tensor,
        *,
        num_beams: int = 1,
        max_new_tokens: int | None = None,
        **inputs: Tensor | None,
    ) -> Tensor:
        """Return a sentence for each clip, (B, W) word pieces up to [SEP] and then padding.

        One beam takes the most probable word each time; more of them look for the most probable sentence.
        `inputs` are `video_mask`, `input_ids` and `attention_mask`. Call `eval()` first.
        """
        longest = self.config.max_caption_tokens
        config = self.config
        search = Search(
            begin=config.bos_token_id or 0,
            end=config.eos_token_id or 0,
            pad=config.pad_token_id or 0,
            num_beams=num_beams,
            max_new_tokens=min(longest, max_new_tokens or longest),
        )
        once = self.read(features, motion, **inputs)
        # Each clip stands once per beam: clips 0 and 1 with two beams are 0 0 1 1.
        clip = Tokens(*(part.repeat_interleave(num_beams, dim=0) for part in (once.states, once.mask)))
        return search_beams(
            lambda words: self.next_words(words, clip)[:, -1], len(features), search, device=features.device
        )

    def read(
        self,
        features: Tensor,
        motion: Tensor,
        *,
        video_mask: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tokens:
        """Return the tokens of the joint transformer, which the decoder looks at."""
        joint = self.videobert(
            features, motion, video_mask=video_mask, input_ids=input_ids, attention_mask=attention_mask
        )
        mark = features.new_ones(len(features), 1, dtype=torch.bool)
        text = _mask(joint.text_states, attention_mask)
        video = _mask(joint.video_states, video_mask)
        return Tokens(joint.joint_states, torch.cat([mark, text, mark, video, mark], dim=1))

    def next_words(self, words: Tensor, clip: Tokens) -> Tensor:
        """Return the logits (B, W, vocabulary) of the word after each of (B, W)."""
        table = cast("nn.Embedding", self.videobert.get_input_embeddings())
        states = self.decoder(table(words), clip)
        return cast("Tensor", self.words(states, table.weight))

    def shifted(self, labels: Tensor) -> Tensor:
        """Return what stands before each word of (B, W): [CLS], then all but the last; padding for -100."""
        begin = labels.new_full((len(labels), 1), self.config.bos_token_id or 0)
        before = torch.cat([begin, labels[:, :-1]], dim=1)
        return before.masked_fill(before == IGNORED, self.config.pad_token_id or 0)


def _mask(states: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mask (B, N) of states (B, N, D); without one all of it is real."""
    return states.new_ones(states.shape[:2], dtype=torch.bool) if mask is None else mask.bool()
