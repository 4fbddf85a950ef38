"""Clips and captions for pre-training, made up: what moves has a direction, and labels say which."""

import numpy as np

from models.processing import VideoBERTTokenizer
from models.visual_words import VisualWords
from training.features import FileFeatures
from training.footage_clips import FootageClip, FootageClips
from training.label_tables import Segment
from training.texts import Facts, Sentence, label_sentences
from training.visual_words import WordSettings, fit_visual_words
from training.windows import Window

FRAMES, DIM, MOTION = 6, 8, 4
LABELS = ("left", "right")
CAPTIONS = tuple(
    Sentence(f"a {colour} car turns {side}", f"cars.csv/{number % 10}")
    for number, (colour, side) in enumerate(
        (colour, side) for colour in ("red", "blue", "green", "white", "black") for side in LABELS * 4
    )
)


def tokenizer() -> VideoBERTTokenizer:
    """Return a tokenizer of the words that occur, so that a nano model soon knows them all."""
    said = [*label_sentences("left"), *label_sentences("right"), *(caption.text for caption in CAPTIONS)]
    words = sorted({word for text in said for word in text.replace(".", " . ").replace(":", " : ").split()})
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return VideoBERTTokenizer(vocab={word: number for number, word in enumerate([*marks, *words])})


def recording(number: int) -> FileFeatures:
    """Return a recording whose features go one way or the other, from a place of its own."""
    rng = np.random.default_rng(number)
    direction = np.zeros(DIM)
    direction[0] = 1 if number % 2 else -1
    way = np.linspace(-4, 4, FRAMES)[:, None] * direction
    features = rng.normal(size=DIM) + way + 0.1 * rng.normal(size=(FRAMES, DIM))
    return FileFeatures(
        times_s=np.arange(FRAMES) / 5,
        features=features.astype(np.float32),
        motion=np.repeat(direction[None, :MOTION], FRAMES, axis=0).astype(np.float32),
        still=np.zeros(FRAMES, np.bool_),
        begins=np.arange(FRAMES) == 0,
    )


def footage(count: int = 40, *, folder: str = "data", unlabelled: int = 0) -> FootageClips:
    """Return a clip of each of `count` recordings, two to a group; the last ones have no label."""
    files = {f"{folder}/{number}.mp4": recording(number) for number in range(count)}
    clips = []
    for number, name in enumerate(files):
        label = None if number >= count - unlabelled else LABELS[number % 2]
        segment = Segment(name, label, f"{folder}/{number // 2}")
        clips.append(FootageClip(Window(segment, 0, FRAMES), folder, Facts(label)))
    return FootageClips(tuple(clips), files, FRAMES)


def visual_words(made_of: FootageClips) -> VisualWords:
    """Return 9 words."""
    return fit_visual_words(made_of.frames(), WordSettings(levels=2, branching=3))
