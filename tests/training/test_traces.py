"""What is published names no folder of the machine that made it."""

import onnx
import pytest
from onnx import TensorProto, helper

from models.checkpoint import DEFAULT_DIR
from training.traces import strip_traces


def test_the_exporters_notes_are_removed_and_the_graph_stays():
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node("Relu", ["x"], ["y"], doc_string="made by /home/me/export.py")
    node.metadata_props.add(key="stack_trace", value="/home/me/export.py, line 1")
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    model = helper.make_model(helper.make_graph([node], "graph", [value], [result]))
    strip_traces(model)
    assert b"/home/me" not in model.SerializeToString()
    assert [(n.op_type, *n.input, *n.output) for n in model.graph.node] == [("Relu", "x", "y")]


@pytest.mark.parametrize("file", ["frame_encoder.onnx", "temporal.onnx"])
def test_the_default_checkpoint_holds_no_stack_traces(file):
    nodes = onnx.load(DEFAULT_DIR / file).graph.node
    assert [node.name for node in nodes if node.metadata_props or node.doc_string] == []
