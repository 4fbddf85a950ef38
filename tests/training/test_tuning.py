"""What learns, and that nothing else does; a tuned model is a plain one in the end."""

import copy

import numpy as np
import pytest
import torch

pytest.importorskip("peft", reason="peft is not installed")

from models.configuration import VideoBERTConfig
from models.heads import VideoBERTForSequenceClassification
from models.joint import Adapter, Widening
from models.text_states import TextStates
from tests.models.inputs import differ, inputs, nano
from training.loop import Hooks, Loop, LoopSettings
from training.tuning import TuningError, prepare

LABELS = {"fight": torch.tensor([0, 1]), "activity": torch.tensor([3, 5])}
STEPS = 12
EVERY_WAY = pytest.mark.parametrize("tune", ["full", "top", "lora", "adalora", "adapter"])


def classifier(**changes):
    torch.manual_seed(0)
    return VideoBERTForSequenceClassification(nano(**{"dropout": 0.0, **changes})).eval()


def given(model):
    return inputs(model.config).arguments()


def logits(model):
    with torch.no_grad():
        return torch.cat(list(model(**given(model)).logits.values()), dim=1)


def train(model, tuning, steps=range(1, STEPS + 1)):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for step in steps:
        model(**given(model), labels=LABELS).loss.backward()
        optimizer.step()
        tuning.stepped(step)
        optimizer.zero_grad()


def learning(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


@EVERY_WAY
def test_a_model_says_the_same_until_it_has_learned(tune):
    model = classifier()
    before = logits(model)
    prepare(model, tune, total_steps=STEPS)
    assert torch.equal(logits(model), before)


@EVERY_WAY
def test_what_does_not_learn_stays_bit_identical_and_all_else_moves(tune):
    model = classifier()
    tuning = prepare(model, tune, total_steps=STEPS)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    train(model, tuning)
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    # No loss reaches heads of tasks without labels, nor what reads [CLS] of a text that moves no logit.
    assert moved <= learning(model)
    assert {"heads.fight.weight", "heads.activity.weight"} <= moved
    assert not [name for name in moved if "text_tower" in name or name.startswith("linear.")]


def test_full_learns_all_but_the_text_tower_and_the_linear_path():
    model = classifier()
    prepare(model, "full", total_steps=STEPS)
    others = set(dict(model.named_parameters())) - learning(model)
    assert {name.split(".")[1] for name in others if not name.startswith("linear.")} == {"text_tower"}
    assert {name.split(".")[0] for name in others} == {"videobert", "linear"}


def test_top_learns_the_heads_alone():
    model = classifier()
    prepare(model, "top", total_steps=STEPS)
    assert learning(model) == {name for name, _ in model.named_parameters() if name.startswith("heads.")}


@pytest.mark.parametrize("tune", ["lora", "adalora"])
def test_lora_stands_beside_every_matrix_of_video_tower_and_joint_transformer(tune):
    model = classifier()
    prepare(model, tune, total_steps=STEPS)
    adapted = {name.partition(".lora_")[0] for name in learning(model) if not name.startswith("heads.")}
    tower = ["from_features", "from_motion", "layers.0.from_hidden", "layers.0.from_input", "to_hidden"]
    layer = [f"attention.{part}" for part in ("query", "key", "value", "output")] + ["up", "down"]
    assert adapted == {
        *(f"videobert.video_tower.{name}" for name in tower),
        *(f"videobert.joint.layers.0.{name}" for name in layer),
    }


@pytest.mark.parametrize(
    ("tune", "share"),
    [("full", 0.977), ("top", 0.003), ("lora", 0.033), ("adalora", 0.048), ("adapter", 0.018)],
)
def test_few_weights_of_small_learn(tune, share):
    # LoRA of rank 8: 8 * (in + out) for 17 matrices is 150,384; the heads are 1153 * 12 = 13,836 more.
    config = VideoBERTConfig(text_weights=None, text_num_layers=1, text_vocab_size=9)
    model = VideoBERTForSequenceClassification(config)
    assert prepare(model, tune, total_steps=STEPS).trainable_share == pytest.approx(share, abs=0.0005)


@EVERY_WAY
def test_a_finished_model_says_the_same_and_is_made_of_plain_parts(tune):
    model = classifier()
    modules = {type(module) for module in model.modules()}
    tuning = prepare(model, tune, total_steps=STEPS)
    before = logits(model)
    train(model, tuning)
    tuned = logits(model)
    tuning.finish()
    assert differ(tuned, before)
    torch.testing.assert_close(logits(model), tuned, atol=1e-5, rtol=0)
    assert {type(module) for module in model.modules()} - modules == (
        {Adapter, Widening} if tune == "adapter" else set()
    )
    assert all(parameter.requires_grad for parameter in model.parameters())


@EVERY_WAY
def test_eval_and_train_agree_without_dropout(tune):
    model = classifier()
    train(model, prepare(model, tune, total_steps=STEPS))
    judged = logits(model.eval())
    assert torch.equal(logits(model.train()), judged)


@EVERY_WAY
def test_a_finished_model_comes_back_from_its_file(tune, tmp_path):
    model = classifier()
    tuning = prepare(model, tune, total_steps=STEPS)
    train(model, tuning)
    tuning.finish()
    model.save_pretrained(tmp_path)
    loaded = VideoBERTForSequenceClassification.from_pretrained(tmp_path)
    saved, read = model.state_dict(), loaded.state_dict()
    assert saved.keys() == read.keys()
    assert all(torch.equal(read[name], value) for name, value in saved.items())
    assert not differ(logits(loaded), logits(model))


def test_adapters_of_a_loaded_model_go_on_learning():
    model = classifier(adapter_size=3)
    kept = model.videobert.joint.layers[0].adapter
    prepare(model, "adapter", total_steps=STEPS)
    assert model.videobert.joint.layers[0].adapter is kept
    assert kept.narrow.weight.requires_grad


def test_a_model_made_with_adapters_begins_as_one_without():
    model, plain = classifier(adapter_size=3), classifier()
    assert not model.videobert.joint.layers[0].adapter.widen.weight.any()
    plain.load_state_dict(model.state_dict(), strict=False)
    assert not differ(logits(model), logits(plain))


def test_a_checkpoint_without_adapters_may_be_loaded_with_some(tmp_path):
    model = classifier()
    model.save_pretrained(tmp_path)
    loaded = VideoBERTForSequenceClassification.from_pretrained(tmp_path, adapter_size=3)
    adapter = loaded.videobert.joint.layers[0].adapter
    assert not adapter.widen.weight.any()
    assert not adapter.widen.bias.any()
    assert adapter.narrow.weight.std().item() == pytest.approx(0.3, abs=0.1)  # initializer_range
    assert not differ(logits(loaded), logits(model))


@pytest.mark.filterwarnings(
    "ignore:.*:FutureWarning", "ignore:.*:UserWarning", "ignore:.*:DeprecationWarning"
)
def test_adapters_survive_the_export_to_int8(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from training.temporal_export import example_inputs, export_temporal

    model = classifier()
    tuning = prepare(model, "adapter", total_steps=STEPS)
    train(model, tuning)
    tuning.finish()
    text = TextStates(np.zeros((5, 16), np.float32), np.ones(5, np.bool_))
    export_temporal(model, example_inputs(model.config, text), tmp_path / "temporal.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "temporal.onnx", providers=["CPUExecutionProvider"])
    clips = inputs(model.config, num_frames=24)
    (embedding,) = session.run(["embedding"], {n: t.numpy() for n, t in clips.arguments().items()})
    expected = model(**clips.arguments()).embedding.detach().numpy()
    cosine = (
        (embedding * expected).sum(1) / np.linalg.norm(embedding, axis=1) / np.linalg.norm(expected, axis=1)
    )
    assert cosine.min() > 0.98


def ranks(model):
    return sum(int((p != 0).sum()) for name, p in model.named_parameters() if "lora_E" in name)


def test_adalora_ends_with_the_ranks_that_it_was_promised():
    model = classifier()
    tuning = prepare(model, "adalora", total_steps=40)
    train(model, tuning, range(1, 5))
    assert ranks(model) == 11 * 12  # eleven matrices, twelve ranks each, for a tenth of the steps
    train(model, tuning, range(5, 41))
    assert ranks(model) == 11 * 8


def test_a_moving_average_keeps_no_rank_that_was_dropped():
    model, plain = classifier(), classifier()
    tuning = prepare(model, "adalora", total_steps=40)
    hooks = Hooks(
        lambda _: [0] * 10,
        lambda learner, _: {"total": learner(**given(learner), labels=LABELS).loss},
        stepped=tuning.stepped,
    )
    Loop(model, LoopSettings(epochs=4, learning_rate=0.05, ema_decay=0.9), hooks).run()
    tuning.finish()
    before = dict(plain.videobert.named_parameters())
    changes = [value - before[name] for name, value in model.videobert.named_parameters() if value.ndim == 2]
    # Eleven matrices of eight ranks each; those that were dropped live on in the average, until it ends.
    assert sum(int(torch.linalg.matrix_rank(change, rtol=1e-4)) for change in changes) <= 11 * 8


def test_adalora_wants_orthonormal_vectors_and_the_others_want_nothing():
    model = classifier()
    penalty = prepare(model, "adalora", total_steps=STEPS).penalty()
    with torch.no_grad():
        for name, vectors in model.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                torch.nn.init.orthogonal_(vectors)
    # P Pᵀ of new vectors is nearly 0: the norm of the identity of twelve ranks is √12 = 3.46.
    assert penalty.item() == pytest.approx(3.46, abs=0.3)
    assert prepare(classifier(), "lora", total_steps=STEPS).penalty().item() == 0


@pytest.mark.parametrize("tune", ["lora", "adalora"])
def test_a_resumed_run_equals_an_uninterrupted_one(tune, tmp_path):
    def run(model, *, state=None, breaks_at=None):
        tuning = prepare(model, tune, total_steps=STEPS)

        def stepped(step):
            tuning.stepped(step)
            if step == breaks_at:
                raise KeyboardInterrupt

        hooks = Hooks(
            lambda _: [0, 1, 2],
            lambda model, _: {"total": model(**given(model), labels=LABELS).loss},
            stepped=stepped,
        )
        Loop(model, LoopSettings(epochs=4, learning_rate=0.05), hooks).run(state=state)
        return model.state_dict()

    whole = run(classifier())
    with pytest.raises(KeyboardInterrupt):
        run(classifier(), state=tmp_path / "state.pt", breaks_at=8)
    resumed = run(classifier(), state=tmp_path / "state.pt")
    assert [name for name, value in whole.items() if not torch.equal(value, resumed[name])] == []


def test_adalora_needs_time_to_judge():
    with pytest.raises(TuningError, match="10 steps or more to judge ranks by, not 9"):
        prepare(classifier(), "adalora", total_steps=9)


def test_a_copy_of_a_tuned_model_is_whole():
    # A moving average of the weights is kept in a copy of the model.
    model = classifier()
    prepare(model, "adalora", total_steps=STEPS)
    assert copy.deepcopy(model).state_dict().keys() == model.state_dict().keys()
