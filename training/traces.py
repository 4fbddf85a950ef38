"""An ONNX model in, the same without the exporter's stack traces: they name folders of the machine."""

import onnx


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter noted on nodes and values about the code that they came from."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
