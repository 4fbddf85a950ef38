import json
import re

import numpy as np
import pytest

from models.visual_words import Normalisation, VisualWords
from tests.media import moving_square, still_scene, write_video
from tests.training.data import FOOTAGE, store, write_clips, write_table
from training.__main__ import main
from training.data_folder import DataError, load_data_folder
from training.frame_table import collect_frames
from training.visual_words import WordSettings, fit_visual_words
from training.word_page import usage, word_uses, write_page

PLAIN = WordSettings(levels=2, branching=2, normalisation=Normalisation.NONE)


def heaps(*centres: float, each: int = 20) -> np.ndarray:
    """Return frames (N, 3) in narrow heaps."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(centre, 0.01, (each, 3)) for centre in centres]).astype(np.float32)


def test_clusters_within_clusters_become_words():
    # Two pairs far apart: the first level separates the pairs, the second the heaps of a pair.
    frames = heaps(0, 1, 100, 101)
    words = fit_visual_words(frames, PLAIN)
    tokens = words.tokenise(frames).reshape(4, 20)
    assert (tokens == tokens[:, :1]).all()
    assert sorted(tokens[:, 0].tolist()) == [0, 1, 2, 3]
    assert {words.path(word)[0] for word in tokens[:2, 0].tolist()} != {
        words.path(word)[0] for word in tokens[2:, 0].tolist()
    }


def test_a_branch_with_one_frame_has_one_child():
    # The one frame at 100 is a cluster of its own, which cannot be divided again.
    frames = np.concatenate([heaps(0, 1), heaps(100, each=1)])
    words = fit_visual_words(frames, PLAIN)
    assert words.present[1].sum(axis=1).tolist() in ([1, 2], [2, 1])
    assert len(np.unique(words.tokenise(frames))) == 3


def test_every_word_of_the_tree_has_a_frame():
    frames = np.random.default_rng(1).normal(size=(60, 5)).astype(np.float32)
    words = fit_visual_words(frames, WordSettings(levels=3, branching=4))
    assert len(np.unique(words.tokenise(frames))) == words.present[-1].sum()


def test_the_same_seed_grows_the_same_tree():
    frames = np.random.default_rng(1).normal(size=(200, 5)).astype(np.float32)
    first, again = (fit_visual_words(frames, WordSettings(seed=3)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first.levels, again.levels, strict=True))
    other = fit_visual_words(frames, WordSettings(seed=4))
    assert not all((a == b).all() for a, b in zip(first.levels, other.levels, strict=True))


def test_too_few_frames_are_refused():
    with pytest.raises(DataError, match="3 frames are too few for 12 clusters"):
        fit_visual_words(np.zeros((3, 2), np.float32), WordSettings())


def test_evenly_used_words_have_a_perplexity_of_their_number():
    frames = heaps(0, 1, 100, 101)
    words = fit_visual_words(frames, PLAIN)
    use = usage(words, words.tokenise(frames))
    assert (use.frames, use.room, use.used, use.perplexity) == (80, 4, 4, 4.0)


@pytest.fixture
def folder(tmp_path):
    write_clips(tmp_path / "data", "a.mp4", "b.mp4", "c.mp4")
    return write_table(
        tmp_path / "data", "file,label,group\na.mp4,fight,one\nb.mp4,normal,two\nc.mp4,,three\n"
    )


def test_frames_know_their_recording_time_and_label(folder, tmp_path):
    frames = collect_frames(store(tmp_path / "cache"), [load_data_folder(folder)])
    # Each clip has frames 0 to 9; the first shows no motion.
    assert frames.index.tolist() == [*range(1, 10)] * 3
    assert frames.times_s[:2] == pytest.approx([0.2, 0.4])
    assert frames.recording.tolist() == [0] * 9 + [1] * 9 + [2] * 9
    assert frames.labels == ("fight", "normal")
    assert frames.label.tolist() == [0] * 9 + [1] * 9 + [-1] * 9


def test_still_frames_do_not_count(tmp_path):
    pictures = [*moving_square(10), *still_scene(30, noise=0)]
    path = write_video(tmp_path / "a.mp4", pictures, fps=10)
    cache = store(tmp_path / "cache")
    still = np.flatnonzero(cache.file(path).still)
    frames = collect_frames(cache, [load_data_folder(tmp_path)])
    assert len(still) > 0
    assert frames.index.tolist() == sorted({*range(1, 20)} - {*still.tolist()})


def test_no_frame_comes_from_a_group_that_is_left_out(folder, tmp_path):
    frames = collect_frames(store(tmp_path / "cache"), [load_data_folder(folder)], leave_out=["one"])
    assert [path.name for path in frames.recordings] == ["b.mp4", "c.mp4"]
    with pytest.raises(DataError, match="no groups four to leave out"):
        collect_frames(store(tmp_path / "cache"), [load_data_folder(folder)], leave_out=["four"])


def test_a_word_shows_its_nearest_frames_one_of_each_recording_first(folder, tmp_path):
    frames = collect_frames(store(tmp_path / "cache"), [load_data_folder(folder)])
    distances = np.arange(27, dtype=np.float32)
    (use,) = word_uses(np.zeros(27, np.int64), distances, frames, limit=5)
    # Rows 0, 9 and 18 are the first of their recordings; then the nearest others.
    assert use.nearest.tolist() == [0, 9, 18, 1, 2, 3]


def test_the_page_is_one_file_with_a_picture_for_each_frame_it_names(folder, tmp_path):
    frames = collect_frames(store(tmp_path / "cache"), [load_data_folder(folder)])
    words = fit_visual_words(frames.features, WordSettings(1, 3))
    write_page(tmp_path / "page.html", words, frames, footage=FOOTAGE, limit=2)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<section>") == 2
    assert re.findall(r'src="(?!data:image/jpeg)', page) == []
    assert re.search(r'title="data/a\.mp4 at \d\.\d s"', page)


def test_the_command_writes_words_page_and_report(folder, tmp_path):
    out, page, report = tmp_path / "words.npz", tmp_path / "page.html", tmp_path / "report.json"
    (folder / "c.mp4").write_text("no video")
    shape = ["--levels", "2", "--branching", "2", "--leave-out", "two"]
    files = ["--out", str(out), "--page", str(page), "--json", str(report)]
    options = ["--cache", str(tmp_path / "cache"), "--device", "cpu"]
    # One recording cannot be read and one is left out: words are made of a.mp4 alone, and the code is 1.
    assert main(["visual-words", str(folder), *files, *shape, *options]) == 1
    told = json.loads(report.read_text())
    assert (told["frames"], told["left_out"], told["room"]) == (11, ["two"], 4)
    assert list(told["failed"]) == [str(folder / "c.mp4")]
    words = VisualWords.load(out)
    assert (words.num_words, words.features_key) == (4, next((tmp_path / "cache").iterdir()).name)
    assert "b.mp4" not in page.read_text()
