"""A frame encoder and calibration pictures in, one int8 ONNX file out that takes raw uint8 pictures."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from models.frame_encoder import MEAN, PICTURE_PX, SCALE, FrameEncoder
from training.rounding import Range, Rounded, round_encoder
from training.traces import strip_traces

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

OPSET = 20
INPUT = "pictures"
OUTPUTS = ("pooled", "grid")
NORMALISED = "normalised"

logging.getLogger("onnxscript").setLevel(logging.WARNING)


class _AfterNormalising(nn.Module):
    """The encoder without its first step, which the int8 graph does by reading uint8 as a scaled integer."""

    def __init__(self, encoder: FrameEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, normalised: Tensor) -> tuple[Tensor, Tensor]:
        return self.encoder.forward_normalised(normalised)


class _Once(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
    """Hands a few pictures to the quantiser, which insists on measuring what it is told anyway."""

    def __init__(self, pictures: U8) -> None:
        self._batches = iter([{NORMALISED: normalise(pictures)}])

    def get_next(self) -> dict[str, F32] | None:
        return next(self._batches, None)


def normalise(pictures: U8) -> F32:
    """Return what the encoder's first convolution reads: (N, S, S, 3) uint8 → (N, 3, S, S) float32."""
    scaled = (pictures.astype(np.float32) - np.float32(MEAN)) / np.float32(SCALE)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def export_frame_encoder(encoder: FrameEncoder, pictures: U8, target: Path) -> None:
    """Quantise the encoder statically, per channel, and write it to `target`.

    Args:
        encoder: In eval mode, on the CPU.
        pictures: (N, S, S, 3) real pictures of the kinds that the encoder will see.
        target: The ONNX file; its input is `pictures` (batch, S, S, 3) uint8.
    """
    with tempfile.TemporaryDirectory() as folder:
        float_file, prepared_file = Path(folder) / "float.onnx", Path(folder) / "prepared.onnx"
        int8_file = Path(folder) / "int8.onnx"
        rounded = round_encoder(encoder, torch.from_numpy(pictures))
        _export_float(rounded.encoder, float_file)
        quant_pre_process(float_file, prepared_file, skip_symbolic_shape=True)
        options = _quantisation(name_ranges(onnx.load(prepared_file), rounded))
        quantize_static(prepared_file, int8_file, _Once(pictures[:2]), **options)
        model = onnx.load(int8_file)
    read_uint8(model)
    strip_traces(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def _export_float(encoder: FrameEncoder, target: Path) -> None:
    # Two pictures: a batch of one would be taken for a constant.
    example = torch.zeros(2, 3, PICTURE_PX, PICTURE_PX)
    torch.onnx.export(
        _AfterNormalising(encoder).eval(),
        (example,),
        str(target),
        dynamo=True,
        opset_version=OPSET,
        input_names=[NORMALISED],
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        external_data=False,
        verbose=False,
    )


def name_ranges(model: onnx.ModelProto, rounded: Rounded) -> dict[str, Range]:
    """Return the range of each tensor of the graph, whose nodes stand in the order in which layers run.

    Conv, Clip, Conv, Conv, Add with layers a, b, c and the shortcut s: a, a, b, c, s.
    """
    layers, shortcuts = iter(rounded.layers), iter(rounded.shortcuts)
    ranges: dict[str, Range] = {}
    for node in model.graph.node:
        match node.op_type:
            case "Conv":
                ranges[node.output[0]] = next(layers)
            case "Clip":
                ranges[node.output[0]] = ranges[node.input[0]]
            case "Add":
                ranges[node.output[0]] = next(shortcuts)
    return ranges


def _quantisation(ranges: dict[str, Range]) -> dict[str, Any]:
    # (x - 127) / 128 is uint8 with zero point 127 and scale 1/128, exactly: the input costs no accuracy.
    as_uint8 = {"scale": np.array(1 / SCALE, np.float32), "zero_point": np.array(int(MEAN), np.uint8)}
    told = {name: [{"rmin": np.float32(of.low), "rmax": np.float32(of.high)}] for name, of in ranges.items()}
    return {
        "quant_format": QuantFormat.QDQ,
        "per_channel": True,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "op_types_to_quantize": ["Conv", "Add", "Clip"],
        "extra_options": {"TensorQuantOverrides": {**told, NORMALISED: [as_uint8]}},
    }


def read_uint8(model: onnx.ModelProto) -> None:
    """Replace the graph's float input and its quantisation by a uint8 (batch, S, S, 3) input, in place."""
    graph = model.graph
    quantise = next(node for node in graph.node if node.input[0] == NORMALISED)
    transpose = helper.make_node("Transpose", [INPUT], list(quantise.output), perm=[0, 3, 1, 2])
    position = list(graph.node).index(quantise)
    graph.node.remove(quantise)
    graph.node.insert(position, transpose)
    shape: list[str | int | None] = ["batch", PICTURE_PX, PICTURE_PX, 3]
    graph.input[0].CopyFrom(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
