"""A frame encoder in, the same encoder with int8 weights out, each channel's mean kept.

Rounding a filter whose weights nearly cancel, as those of the first depthwise layer do, shifts its output by
a constant: pooled features fall to a cosine of 0.971 by that layer alone. Biases take the shift back: 0.998.
Source: Nagel et al., Data-free quantization, ICCV 2019, section 4.2, with measured means.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.frame_encoder import ConvNorm, FrameEncoder

LARGEST = 127  # symmetric int8


def round_weights(encoder: FrameEncoder, pictures: Tensor) -> FrameEncoder:
    """Return a copy with batch norm folded in, weights on their int8 grid, and biases corrected.

    Args:
        encoder: In eval mode.
        pictures: (N, S, S, 3) uint8, on which the channels' means are measured.
    """
    folded = copy.deepcopy(encoder)
    for layer in _layers(folded):
        layer.conv = fuse_conv_bn_eval(layer.conv, layer.norm)
        layer.norm = nn.Identity()  # type: ignore[assignment] # it is in the convolution now
    rounded = copy.deepcopy(folded)
    with torch.no_grad():
        for layer in _layers(rounded):
            layer.conv.weight.copy_(to_int8_grid(layer.conv.weight))
        _correct_biases(rounded, folded, pictures)
    return rounded


def to_int8_grid(weight: Tensor) -> Tensor:
    """Return the weights (out, in, k, k) rounded to 255 levels per output channel.

    A channel of weights 1.0, 0.5 and -0.1 has the step 1/127: 127, 64 and -13 steps.
    """
    step = weight.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-9) / LARGEST
    return (weight / step).round() * step


def _correct_biases(rounded: FrameEncoder, folded: FrameEncoder, pictures: Tensor) -> None:
    """Shift each layer's bias, first to last, until its channels' means are those of the float encoder."""
    means: list[Tensor] = []

    def note(_layer: nn.Module, _inputs: object, output: Tensor) -> None:
        means.append(output.mean(dim=(0, 2, 3)))

    def correct(layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        shift = means.pop(0) - output.mean(dim=(0, 2, 3))
        layer.conv.bias.add_(shift)  # type: ignore[union-attr, operator]
        return output + shift[:, None, None]

    _run_with(note, folded, pictures)
    _run_with(correct, rounded, pictures)


def _run_with(hook: object, encoder: FrameEncoder, pictures: Tensor) -> None:
    handles = [layer.register_forward_hook(hook) for layer in _layers(encoder)]  # type: ignore[arg-type]
    encoder(pictures)
    for handle in handles:
        handle.remove()


def _layers(encoder: FrameEncoder) -> list[ConvNorm]:
    """Return the layers in the order in which the encoder runs them."""
    return [module for module in encoder.modules() if isinstance(module, ConvNorm)]
