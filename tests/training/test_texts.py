"""Sentences for pre-training: read from files, made of labels, told once."""

import json

import pytest

from training.label_tables import DataError
from training.texts import LABEL_TEMPLATES, Facts, Sentence, label_sentences, read_captions


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_gives_its_sentences_and_the_videos_that_they_belong_to(tmp_path):
    table = write(tmp_path / "a.csv", "track_id,sentence\n7,A red car  turns left.\n7,A car.\n")
    assert read_captions([table]) == [
        Sentence("A red car turns left.", "a.csv/7"),
        Sentence("A car.", "a.csv/7"),
    ]


def test_sentences_that_name_no_video_are_a_group_each(tmp_path):
    table = write(tmp_path / "a.csv", "caption\nOne.\nTwo.\n")
    assert [sentence.group for sentence in read_captions([table])] == ["a.csv/0", "a.csv/1"]


@pytest.mark.parametrize(
    "content",
    [
        {"x": {"duration": 3.0, "sentences": ["One.", "Two."]}},
        {"x": ["One.", "Two."]},
        [{"video": "x", "text": "One."}, {"video": "x", "text": "Two."}],
    ],
)
def test_json_may_map_videos_to_sentences_or_list_rows(tmp_path, content):
    file = write(tmp_path / "a.json", json.dumps(content))
    assert read_captions([file]) == [Sentence("One.", "a.json/x"), Sentence("Two.", "a.json/x")]


def test_a_sentence_that_a_video_has_twice_is_read_once(tmp_path):
    file = write(tmp_path / "a.json", '{"x": ["One.", "One."], "y": ["One."]}')
    assert [sentence.group for sentence in read_captions([file, file])] == ["a.json/x", "a.json/y"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", "One.", "neither"),
        ("a.csv", "words\nOne.\n", "a row lacks sentence, caption or text"),
        ("a.csv", "sentence\n", "has no sentence"),
        ("a.json", "{", "cannot be read as captions"),
        ("a.json", "3", "neither a list nor an object"),
        ("a.json", '{"x": [3]}', "3 is no sentence"),
    ],
)
def test_a_file_without_sentences_is_refused_with_the_reason(tmp_path, name, content, complaint):
    with pytest.raises(DataError, match=complaint):
        read_captions([write(tmp_path / name, content)])


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv cannot be read"):
        read_captions([tmp_path / "gone.csv"])


def test_a_label_is_said_in_plain_words_in_several_ways():
    said = label_sentences("sit_down-fast")
    assert len(set(said)) == len(LABEL_TEMPLATES) > 3
    assert all("sit down fast" in sentence for sentence in said)


def test_a_description_stands_before_the_label():
    assert Facts("fall", "A ceiling camera.").sentences[0] == "A ceiling camera. fall"
    assert Facts(None, "A ceiling camera.").sentences == ["A ceiling camera."]
    assert Facts().sentences == []
