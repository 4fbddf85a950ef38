"""A frame encoder in, the same encoder ready for eight bits out: weights rounded, ranges known, means kept.

Rounding a filter whose weights nearly cancel, as those of the first depthwise layer do, shifts its output by
a constant: pooled features fall to a cosine of 0.971 by that layer alone. So does rounding the activations of
pictures that are mostly one grey. Biases take the shifts back, layer by layer: 0.995.
Source: Nagel et al., Data-free quantization, ICCV 2019, section 4.2, with measured means.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.frame_encoder import ConvNorm, FrameEncoder, InvertedBottleneck

LARGEST = 127  # symmetric int8
STEPS = 255  # uint8
CLIP = 6.0  # ReLU6

Hook = Callable[[nn.Module, Any, Tensor], Tensor | None]


@dataclass(frozen=True, slots=True)
class Range:
    """The values from `low` to `high` that eight bits are spread over; 0 is among them."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rounded:
    """The encoder, and the ranges of its layers and of its shortcuts' sums in the order in which they run."""

    encoder: FrameEncoder
    layers: list[Range] = field(default_factory=list)
    shortcuts: list[Range] = field(default_factory=list)


def round_encoder(encoder: FrameEncoder, pictures: Tensor) -> Rounded:
    """Return a copy with batch norm folded in, weights on their int8 grid, and biases corrected.

    Args:
        encoder: In eval mode.
        pictures: (N, S, S, 3) uint8, on which ranges and the channels' means are measured, all at once.
    """
    folded = copy.deepcopy(encoder)
    for layer in _layers(folded):
        layer.conv = fuse_conv_bn_eval(layer.conv, layer.norm)
        layer.norm = nn.Identity()  # type: ignore[assignment] # it is in the convolution now
    rounded = Rounded(copy.deepcopy(folded))
    with torch.no_grad():
        for layer in _layers(rounded.encoder):
            layer.conv.weight.copy_(to_int8_grid(layer.conv.weight))
        means = _measure(folded, rounded, pictures)
        _correct_biases(rounded, means, pictures)
    return rounded


def to_int8_grid(weight: Tensor) -> Tensor:
    """Return the weights (out, in, k, k) rounded to 255 levels per output channel.

    A channel of weights 1.0, 0.5 and -0.1 has the step 1/127: 127, 64 and -13 steps.
    """
    step = weight.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-9) / LARGEST
    return (weight / step).round() * step


def to_uint8_grid(values: Tensor, within: Range) -> Tensor:
    """Return activations rounded to 256 levels, what lies outside the range clipped to it."""
    step = (within.high - within.low) / STEPS
    zero = round(-within.low / step)
    return ((values / step).round() + zero).clamp(0, STEPS).sub(zero) * step


def _measure(folded: FrameEncoder, rounded: Rounded, pictures: Tensor) -> list[Tensor]:
    """Note all ranges; return the mean (C,) of each layer's channels, in the order in which they run."""
    means: list[Tensor] = []

    def note_layer(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        means.append(output.mean(dim=(0, 2, 3)))
        rounded.layers.append(_range_of(output) if layer in linear else Range(0.0, CLIP))

    def note_shortcut(_block: nn.Module, _inputs: object, output: Tensor) -> None:
        rounded.shortcuts.append(_range_of(output))

    linear = {block.project for block in _blocks(folded)}
    _run(folded, pictures, on_layer=note_layer, on_shortcut=note_shortcut)
    return means


def _correct_biases(rounded: Rounded, means: list[Tensor], pictures: Tensor) -> None:
    """Shift each layer's bias, first to last, so that behind rounded layers its means are the float ones."""
    expected, layers, shortcuts = iter(means), iter(rounded.layers), iter(rounded.shortcuts)

    def correct(layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        shift = next(expected) - output.mean(dim=(0, 2, 3))
        layer.conv.bias.add_(shift)  # type: ignore[union-attr, operator]
        return to_uint8_grid(output + shift[:, None, None], next(layers))

    def round_sum(_block: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        return to_uint8_grid(output, next(shortcuts))

    _run(rounded.encoder, pictures, on_layer=correct, on_shortcut=round_sum)


def _run(encoder: FrameEncoder, pictures: Tensor, *, on_layer: Hook, on_shortcut: Hook) -> None:
    handles = [layer.register_forward_hook(on_layer) for layer in _layers(encoder)]
    handles += [block.register_forward_hook(on_shortcut) for block in _blocks(encoder) if block.shortcut]
    encoder(pictures)
    for handle in handles:
        handle.remove()


def _range_of(output: Tensor) -> Range:
    return Range(min(0.0, float(output.min())), max(1e-3, float(output.max())))


def _layers(encoder: FrameEncoder) -> list[ConvNorm]:
    return [module for module in encoder.modules() if isinstance(module, ConvNorm)]


def _blocks(encoder: FrameEncoder) -> list[InvertedBottleneck]:
    return [module for module in encoder.modules() if isinstance(module, InvertedBottleneck)]
