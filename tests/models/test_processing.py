import json

import av
import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoProcessor, AutoTokenizer

from models.checkpoint import DEFAULT_DIR
from models.configuration import VideoBERTConfig
from models.heads import VideoBERTForSequenceClassification
from models.motion import MotionRenderer, MotionSettings
from models.processing import VideoBERTProcessor, VideoBERTTokenizer
from models.runtime import FrameFeatures, open_encoder
from models.scaler import Scaler
from models.videos import Clip, VideoSettings
from tests.media import moving_square, write_video
from tests.models.inputs import nano

SIDE = 64


def encode(pictures):
    """A frame encoder whose features are the picture's mean, 1280 times."""
    means = pictures.reshape(len(pictures), -1).mean(axis=1, dtype=np.float32)
    grid = np.zeros((len(pictures), 112, 14, 14), np.float32)
    return FrameFeatures(np.repeat(means[:, None], 1280, axis=1), grid)


def walking(num_frames):
    """A bright square that moves 8 pixels to the right per frame, seen 5 times a second."""
    frames = np.full((num_frames, 90, 160, 3), 60, np.uint8)
    for t in range(num_frames):
        frames[t, 30:60, 8 * t : 8 * t + 20] = 200
    return Clip.at_fps(frames, 5)


@pytest.fixture(scope="module")
def tokenizer():
    return VideoBERTTokenizer.from_package()


@pytest.fixture
def processor(tokenizer):
    return VideoBERTProcessor(tokenizer, VideoSettings(("frame", "fused"), SIDE, sample_fps=5, num_frames=6))


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
    assert loaded.settings == processor.settings
    assert loaded.tokenizer("hallway")["input_ids"] == processor.tokenizer("hallway")["input_ids"]
    saved = json.loads((tmp_path / "processor_config.json").read_text())
    assert saved["video"] == {
        "pictures": ["frame", "fused"],
        "picture_px": SIDE,
        "sample_fps": 5,
        "num_frames": 6,
    }


def test_a_saved_tokenizer_comes_back_through_autotokenizer(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(loaded, VideoBERTTokenizer)
    assert loaded.get_vocab() == tokenizer.get_vocab()


def test_a_processor_fits_its_models_configuration(tokenizer):
    config = VideoBERTConfig(pictures=["history"], picture_px=96, sample_fps=6.0, num_frames=12)
    processor = VideoBERTProcessor.of_config(config, tokenizer)
    assert processor.settings == VideoSettings(("history",), 96, 6.0, 12)


def test_a_checkpoint_without_a_processor_has_that_of_its_configuration():
    processor = AutoProcessor.from_pretrained(DEFAULT_DIR)
    config = AutoConfig.from_pretrained(DEFAULT_DIR)
    assert isinstance(processor, VideoBERTProcessor)
    assert processor.settings == VideoSettings.of_config(config)
    assert AutoTokenizer.from_pretrained(DEFAULT_DIR)("hall")["input_ids"] == [101, 2534, 102]


def test_an_exported_checkpoint_brings_its_frame_encoder(tmp_path):
    processor = VideoBERTProcessor.from_pretrained(DEFAULT_DIR)
    encode = open_encoder(DEFAULT_DIR, device="cpu").encode
    expected = processor(videos=walking(2), encode=encode)
    assert torch.equal(processor(videos=walking(2))["features"], expected["features"])
    # A folder without one has that of the default checkpoint.
    processor.save_pretrained(tmp_path)
    saved = VideoBERTProcessor.from_pretrained(tmp_path)
    assert torch.equal(saved(videos=walking(2))["features"], expected["features"])


def test_motion_is_drawn_as_the_live_renderer_draws_it(processor):
    clip, scaler = walking(4), Scaler(SIDE)
    drawn = processor.observe(clip)
    renderer = MotionRenderer(MotionSettings(("frame", "fused"), SIDE))
    for t in range(4):
        frame = av.VideoFrame.from_ndarray(clip.frames[t], format="rgb24")
        view = renderer.render(scaler.scale_rgb(frame), t / 5)
        assert np.array_equal(drawn[t].pictures, view.pictures)
        assert np.array_equal(drawn[t].motion, view.descriptor)
    assert [frame.pictures.shape for frame in drawn] == [(2, SIDE, SIDE, 3)] * 4


def test_features_of_one_frames_pictures_stand_side_by_side(processor):
    clip = walking(3)
    features = processor.encode_videos([clip], encode).features
    means = np.stack([frame.pictures.reshape(2, -1).mean(axis=1) for frame in processor.observe(clip)])
    assert features.shape == (1, 6, 2560)
    np.testing.assert_allclose(features[0, 3:, 0], means[:, 0], rtol=1e-5)
    np.testing.assert_allclose(features[0, 3:, 1280], means[:, 1], rtol=1e-5)


def test_only_the_newest_frames_of_a_long_video_count(processor):
    long, newest = processor.encode_videos([walking(9)], encode), walking(9).frames[3:]
    assert long.mask.tolist() == [[True] * 6]
    means = [frame.pictures[0].mean() for frame in processor.observe(Clip.at_fps(newest, 5))]
    np.testing.assert_allclose(long.features[0, :, 0], means, rtol=1e-5)


def test_frames_may_come_as_an_array_with_their_rate(processor):
    given = processor(videos=walking(3).frames, fps=5, encode=encode)
    assert torch.equal(given["features"], processor(videos=walking(3), encode=encode)["features"])


def test_an_array_without_a_rate_is_refused(processor):
    with pytest.raises(ValueError, match="how many frames make a second"):
        processor(videos=walking(3).frames, encode=encode)


def test_a_clip_without_frames_is_refused(processor):
    with pytest.raises(ValueError, match="there is no frame in a clip"):
        processor(videos=Clip(np.zeros((0, 90, 160, 3), np.uint8), np.zeros(0)), encode=encode)


def test_several_videos_may_be_files_and_clips(processor, tmp_path):
    # 20 frames, 10 a second: 10 are sampled and the newest 6 count; the clip has 3.
    file = write_video(tmp_path / "a.mp4", moving_square(20), fps=10)
    inputs = processor(videos=[file, str(file), walking(3)], encode=encode)
    assert inputs["video_mask"].sum(dim=1).tolist() == [6, 6, 3]
    assert torch.equal(inputs["features"][0], inputs["features"][1])


def test_a_shorter_clip_is_padded_in_front(processor):
    batch = processor.encode_videos([walking(5), walking(3)], encode)
    assert batch.mask.tolist() == [[False] + [True] * 5, [False] * 3 + [True] * 3]
    assert np.array_equal(batch.features[1, 3:], batch.features[0, 1:4])
    assert batch.features[1, :3].max() == batch.motion[1, :3].max() == 0


def test_one_sentence_serves_all_clips(processor):
    inputs = processor("a hall", [walking(2), walking(2)], encode=encode)
    assert inputs["input_ids"].tolist() == [[101, 1037, 2534, 102]] * 2


def test_sentences_of_different_lengths_are_padded_behind(processor):
    inputs = processor(["a hall", "hall"])
    assert inputs["input_ids"].tolist() == [[101, 1037, 2534, 102], [101, 2534, 102, 0]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_what_the_processor_returns_is_what_the_model_takes(processor):
    model = VideoBERTForSequenceClassification(nano(pictures=["frame", "fused"])).eval()
    inputs = processor(["a hall", "a street at night"], [walking(5), walking(3)], encode=encode)
    output = model(**inputs)
    assert output.logits["activity"].shape == (2, 6)
    assert not output.embedding.isnan().any()
