import json

import cv2
import numpy as np
import pytest
from transformers import AutoProcessor, AutoTokenizer

from models.configuration import VideoBERTConfig
from models.heads import VideoBERTForSequenceClassification
from models.motion import MotionRenderer, MotionSettings
from models.processing import Clip, VideoBERTProcessor, VideoBERTTokenizer
from models.runtime import FrameFeatures
from tests.models.inputs import nano

SIDE = 64


def encode(pictures):
    """A frame encoder whose features are the picture's mean, 1280 times."""
    means = pictures.reshape(len(pictures), -1).mean(axis=1, dtype=np.float32)
    grid = np.zeros((len(pictures), 112, 14, 14), np.float32)
    return FrameFeatures(np.repeat(means[:, None], 1280, axis=1), grid)


def walking(num_frames):
    """A bright square that moves 8 pixels to the right per frame, sampled 5 times a second."""
    frames = np.full((num_frames, 90, 160, 3), 60, np.uint8)
    for t in range(num_frames):
        frames[t, 30:60, 8 * t : 8 * t + 20] = 200
    return Clip(frames, np.arange(num_frames) / 5)


@pytest.fixture(scope="module")
def tokenizer():
    return VideoBERTTokenizer.from_package()


@pytest.fixture
def processor(tokenizer):
    return VideoBERTProcessor(tokenizer, pictures=("fused", "frame"), picture_px=SIDE)


def test_the_tokenizer_speaks_berts_word_pieces(tokenizer):
    encoded = tokenizer("A man falls down")
    # The same ids as in bert-base-uncased's published vocabulary.
    assert encoded["input_ids"] == [101, 1037, 2158, 4212, 2091, 102]
    assert set(encoded) == {"input_ids", "attention_mask"}
    assert tokenizer.decode(encoded["input_ids"]) == "[CLS] a man falls down [SEP]"


def test_a_short_text_is_not_padded_and_a_long_one_keeps_512_tokens(tokenizer):
    assert len(tokenizer("door")["input_ids"]) == 3
    assert len(tokenizer("door " * 600, truncation=True)["input_ids"]) == 512


def test_a_saved_processor_comes_back_with_its_tokenizer(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    assert isinstance(loaded, VideoBERTProcessor)
    assert isinstance(loaded.tokenizer, VideoBERTTokenizer)
    assert (loaded.pictures, loaded.picture_px) == (["fused", "frame"], SIDE)
    assert loaded.tokenizer("hallway")["input_ids"] == processor.tokenizer("hallway")["input_ids"]
    saved = json.loads((tmp_path / "processor_config.json").read_text())
    assert saved["pictures"] == ["fused", "frame"]


def test_a_saved_tokenizer_comes_back_through_autotokenizer(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(loaded, VideoBERTTokenizer)
    assert loaded.get_vocab() == tokenizer.get_vocab()


def test_a_processor_fits_its_models_configuration(tokenizer):
    config = VideoBERTConfig(pictures=["history"], picture_px=96)
    processor = VideoBERTProcessor.of_config(config, tokenizer)
    assert (processor.pictures, processor.picture_px) == (["history"], 96)


def test_motion_is_drawn_as_the_live_renderer_draws_it(processor):
    clip = walking(4)
    drawn = processor.draw(clip)
    renderer = MotionRenderer(MotionSettings(("fused", "frame"), SIDE))
    for t in range(4):
        small = cv2.resize(clip.frames[t], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        view = renderer.render(small, t / 5)
        assert np.array_equal(drawn.pictures[t], view.pictures)
        assert np.array_equal(drawn.motion[t], view.descriptor)
    assert drawn.pictures.shape == (4, 2, SIDE, SIDE, 3)


def test_features_of_one_frames_pictures_stand_side_by_side(processor):
    clip = walking(3)
    features = processor.encode_clips([clip], encode).features
    means = processor.draw(clip).pictures.reshape(3, 2, -1).mean(axis=2)  # (T, P)
    assert features.shape == (1, 3, 2560)
    np.testing.assert_allclose(features[0, :, 0], means[:, 0], rtol=1e-5)
    np.testing.assert_allclose(features[0, :, 1280], means[:, 1], rtol=1e-5)


def test_a_shorter_clip_is_padded_in_front(processor):
    batch = processor.encode_clips([walking(5), walking(3)], encode)
    assert batch.mask.tolist() == [[True] * 5, [False, False, True, True, True]]
    assert np.array_equal(batch.features[1, 2:], batch.features[0, :3])
    assert batch.features[1, :2].max() == batch.motion[1, :2].max() == 0


def test_one_sentence_serves_all_clips(processor):
    inputs = processor("a hall", [walking(2), walking(2)], encode=encode)
    assert inputs["input_ids"].tolist() == [[101, 1037, 2534, 102]] * 2


def test_sentences_of_different_lengths_are_padded_behind(processor):
    inputs = processor(["a hall", "hall"])
    assert inputs["input_ids"].tolist() == [[101, 1037, 2534, 102], [101, 2534, 102, 0]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_clips_without_a_frame_encoder_are_refused(processor):
    with pytest.raises(ValueError, match="clips need a frame encoder"):
        processor("a hall", [walking(2)])


def test_what_the_processor_returns_is_what_the_model_takes(processor):
    model = VideoBERTForSequenceClassification(nano(pictures=["fused", "frame"])).eval()
    inputs = processor(["a hall", "a street at night"], [walking(5), walking(3)], encode=encode)
    output = model(**inputs)
    assert output.logits["activity"].shape == (2, 6)
    assert not output.embedding.isnan().any()
