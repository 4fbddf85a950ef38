import math

import pytest
import torch

from models import VideoBERTForPreTraining
from models.captioning import VideoBERTForCaptioning
from models.processing import VideoBERTProcessor, VideoBERTTokenizer
from tests.models.inputs import WORD_IDS, assert_close, differ, inputs, nano, one_thread

CAPTIONS = ["a person sits down", "a person walks"]


def clips(config):
    given = inputs(config)
    return {"features": given.features, "motion": given.motion, "video_mask": given.video_mask}


@pytest.fixture(scope="module")
def processor():
    return VideoBERTProcessor(VideoBERTTokenizer.from_package())


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VideoBERTForCaptioning(nano()).eval()


@pytest.fixture(scope="module")
def taught(processor):
    torch.manual_seed(0)
    # 8,000 word pieces, so that the test is quick; those of the captions are among them.
    model = VideoBERTForCaptioning(nano(dropout=0.0, text_vocab_size=8000, text_hidden_size=32))
    labels = processor.caption_labels(CAPTIONS)
    model.videobert.text_tower.requires_grad_(False)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=0.01)
    with one_thread():
        for _ in range(80):
            loss = model(**clips(model.config), labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def test_labels_are_the_words_up_to_sep_and_nothing_behind_it(processor):
    # [CLS] a person sits down [SEP] and [CLS] a person walks [SEP].
    assert processor.caption_labels(CAPTIONS).tolist() == [
        [1037, 2711, 7719, 2091, 102],
        [1037, 2711, 7365, 102, -100],
    ]


def test_a_long_caption_is_cut_to_the_words_that_the_decoder_has_places_for(processor):
    labels = processor.caption_labels(["door " * 50], max_tokens=8)
    assert labels.shape == (1, 8)
    assert labels[0, -1] == 102


def test_the_words_so_far_begin_with_cls_and_have_no_minus_100(model):
    labels = torch.tensor([[7, 8, 102], [9, 102, -100]])
    assert model.shifted(labels).tolist() == [[101, 7, 8], [101, 9, 102]]


def test_no_word_knows_a_later_one(model):
    words = torch.tensor([[101, 1037, 2711], [101, 1037, 7719]])
    given = {name: tensor[:1].expand(2, *tensor.shape[1:]) for name, tensor in clips(model.config).items()}
    logits = model(**given, decoder_input_ids=words).logits
    assert_close(logits[0, :2], logits[1, :2])
    assert differ(logits[0, 2], logits[1, 2])


def test_the_clip_and_the_cameras_text_have_a_say(model):
    given, words = clips(model.config), torch.tensor([[101], [101]])
    logits = model(**given, decoder_input_ids=words).logits
    assert differ(logits[0], logits[1])
    told = model(**given, decoder_input_ids=words, input_ids=WORD_IDS.expand(2, -1)).logits
    assert differ(told, logits)


def test_what_is_masked_has_no_say(model):
    given, words = clips(model.config), torch.tensor([[101, 1037]] * 2)
    given["video_mask"][:, :2] = False
    expected = model(**given, decoder_input_ids=words).logits
    given["features"][:, :2] = 7.0
    assert_close(model(**given, decoder_input_ids=words).logits, expected)


def test_the_loss_is_the_mean_over_the_words_that_are_asked_for(model):
    given, labels = clips(model.config), torch.tensor([[1037, 2711, 102], [1037, 102, -100]])
    output = model(**given, labels=labels)
    said = output.logits.log_softmax(dim=-1)
    asked = [said[b, w, labels[b, w]].item() for b, w in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1))]
    assert output.loss.item() == pytest.approx(-math.fsum(asked) / 5, rel=1e-5)


@pytest.mark.parametrize("num_beams", [1, 3])
def test_what_was_learned_is_said(taught, processor, num_beams):
    words = taught.generate(**clips(taught.config), num_beams=num_beams)
    assert processor.tokenizer.batch_decode(words, skip_special_tokens=True) == CAPTIONS


def test_a_sentence_is_as_long_as_was_asked_at_most(taught):
    assert taught.generate(**clips(taught.config), max_new_tokens=2).tolist() == [[1037, 2711]] * 2
    with pytest.raises(ValueError, match="exceed max_caption_tokens 32"):
        taught(**clips(taught.config), decoder_input_ids=torch.ones(2, 33, dtype=torch.long))


def test_a_captioner_without_any_words_is_refused(model):
    with pytest.raises(ValueError, match="needs labels or decoder_input_ids"):
        model(**clips(model.config))


def test_a_saved_captioner_says_the_same(taught, tmp_path):
    taught.save_pretrained(tmp_path)
    loaded = VideoBERTForCaptioning.from_pretrained(tmp_path)
    given, words = clips(taught.config), torch.tensor([[101, 1037]] * 2)
    assert_close(
        loaded(**given, decoder_input_ids=words).logits, taught(**given, decoder_input_ids=words).logits
    )


def test_a_captioner_begins_with_the_word_head_of_pre_training(tmp_path):
    pretrained = VideoBERTForPreTraining(nano())
    pretrained.save_pretrained(tmp_path)
    captioner, report = VideoBERTForCaptioning.from_pretrained(tmp_path, output_loading_info=True)
    assert {key.split(".")[0] for key in report["missing_keys"]} == {"decoder"}
    assert_close(captioner.words.transform.weight, pretrained.words.transform.weight)
