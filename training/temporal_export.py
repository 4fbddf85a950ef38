"""A VideoBERT with heads in, one dynamic int8 ONNX file out that reads cached features and text states."""

import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor

from models.configuration import VideoBERTConfig
from models.heads import VideoBERTForSequenceClassification
from models.onnx_runtime import TASK_PREFIX
from models.text_states import TextStates
from models.torch_runtime import LiveModel
from training.frame_encoder_export import OPSET
from training.traces import strip_traces

INPUTS = ("features", "motion", "video_mask", "text_states", "text_mask")


def export_temporal(
    model: VideoBERTForSequenceClassification, example: tuple[Tensor, ...], target: Path
) -> None:
    """Quantise the model's matrix products dynamically and write it to `target`.

    Args:
        model: In eval mode, on the CPU.
        example: What `example_inputs` returns; T and L become fixed, B does not.
        target: The ONNX file.
    """
    with tempfile.TemporaryDirectory() as folder:
        float_file = Path(folder) / "float.onnx"
        _export_float(LiveModel(model).eval(), example, float_file)
        forget_shapes(float_file)
        exact = linear_path_nodes(onnx.load(float_file), model.config.statistics_dim)
        quantize_dynamic(
            float_file, target, weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=exact
        )
    onnx.checker.check_model(onnx.load(target))


def example_inputs(config: VideoBERTConfig, text: TextStates) -> tuple[Tensor, ...]:
    """Return one tensor for each of INPUTS, for two clips: a batch of one would be taken for a constant."""
    frames = (2, config.num_frames)
    return (
        torch.zeros(*frames, config.video_dim),
        torch.zeros(*frames, config.motion_dim),
        torch.ones(frames, dtype=torch.bool),
        torch.from_numpy(text.states).expand(2, -1, -1),
        torch.from_numpy(text.mask).expand(2, -1),
    )


def linear_path_nodes(graph: onnx.ModelProto, statistics_dim: int) -> list[str]:
    """Return the products with the statistics: thousands of small terms, which eight bits would drown."""
    wide = {tensor.name for tensor in graph.graph.initializer if statistics_dim in tensor.dims}
    # A weight may be transposed on its way to the product.
    for node in graph.graph.node:
        if node.op_type == "Transpose" and wide.intersection(node.input):
            wide.update(node.output)
    products = [
        node.name
        for node in graph.graph.node
        if node.op_type in {"MatMul", "Gemm"} and wide.intersection(node.input)
    ]
    # The quantiser divides a Gemm before it looks for the names to leave out.
    return [name for product in products for name in (product, product + "_MatMul")]


def forget_shapes(file: Path) -> None:
    """Remove the shapes noted of inner tensors: some are stale, and the quantiser refuses those.

    The exporter's stack traces go with them.
    """
    graph = onnx.load(file)
    graph.graph.ClearField("value_info")
    strip_traces(graph)
    onnx.save(graph, file)


def _export_float(live: LiveModel, example: tuple[Tensor, ...], target: Path) -> None:
    batch = {0: torch.export.Dim("batch")}
    torch.onnx.export(
        live,
        example,
        str(target),
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS),
        output_names=["embedding", *(TASK_PREFIX + task for task in live.model.config.tasks)],
        dynamic_shapes=(batch,) * len(INPUTS),
        external_data=False,
        verbose=False,
    )
