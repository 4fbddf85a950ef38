"""A part that is left out has no say any more, and nothing else is."""

import pytest
import torch

from models.configuration import VideoBERTConfig
from models.heads import VideoBERTForSequenceClassification
from models.statistics import STATISTICS
from tests.models.inputs import differ, inputs, nano
from training.ablation import Part, without


def embedding(model, **changes):
    """Return what a model understands of the same clips, with some inputs changed."""
    given = {**inputs(model.config).arguments(), **changes}
    with torch.no_grad():
        return model.videobert(**given).embedding


def ablated(*parts: Part):
    torch.manual_seed(0)
    return VideoBERTForSequenceClassification(without(nano(), parts)).eval()


@pytest.mark.parametrize(("part", "given"), [("text", "text_states"), ("motion", "motion")])
def test_what_is_not_read_may_be_anything(part, given):
    changed = {given: 2 + getattr(inputs(nano()), given)}
    whole, model = ablated(), ablated(part)
    assert differ(embedding(whole), embedding(whole, **changed))
    assert torch.equal(embedding(model), embedding(model, **changed))


def test_tokens_are_not_read_either():
    tokens = torch.tensor([[101, 2158, 102]] * 2)
    read = {"text_states": None, "text_mask": None, "input_ids": tokens}
    assert torch.equal(embedding(ablated("text")), embedding(ablated("text"), **read))


def test_without_lstm_and_joint_transformer_frames_have_no_order():
    backwards = {name: getattr(inputs(nano()), name).flip(1) for name in ("features", "motion")}
    for parts, ordered in [(("lstm",), True), (("joint",), True), (("lstm", "joint"), False)]:
        model = ablated(*parts)
        assert differ(embedding(model), embedding(model, **backwards)) == ordered


def test_without_an_lstm_the_state_of_a_stream_is_empty():
    model = ablated("lstm")
    state = model.videobert(**inputs(model.config).arguments()).state
    assert state.hidden.shape == (0, 2, model.config.lstm_hidden_size)


def test_the_linear_path_loses_its_order_or_is_not_there():
    assert without(VideoBERTConfig(), ["order"]).statistics == ("mean", "deviation", "step")
    assert without(VideoBERTConfig(), ["linear"]).statistics == ()
    assert ablated("linear").linear is None


def test_nothing_left_out_changes_nothing():
    config = nano()
    assert without(config, []).to_dict() == config.to_dict()
    assert (config.reads, config.statistics) == (("motion", "text"), STATISTICS)
