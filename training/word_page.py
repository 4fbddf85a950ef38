"""Visual words and the frames they were made of in, one self-contained page of nearest frames out."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.observer import Observation
from models.visual_words import VisualWords
from training.footage import Footage, observe_file
from training.frame_table import FrameTable

I64 = NDArray[np.int64]

FRAMES_PER_WORD = 6
THUMBNAIL_PX = (80, 60)  # width and height of a frame, and of its motion picture beside it
JPEG_QUALITY = 60

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Visual words</title>
<style>
  :root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
  body {{ margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }}
  section {{ border-top: 1px solid #8884; padding: .6rem 0; }}
  h2 {{ font-size: 1rem; margin: 0 0 .3rem; }} h2 span {{ font-weight: normal; opacity: .7; }}
  img {{ border-radius: 3px; margin: 0 .3rem .3rem 0; vertical-align: top; }}
</style>
<h1>Visual words</h1>
<p>{summary} Each word shows the frames nearest to its centroid, at most one of a recording where there are
several: left the frame, right the picture of its motion that the encoder saw.</p>
{sections}
</html>
"""


@dataclass(frozen=True, slots=True)
class WordUse:
    """How one word is used: by `rows` of the frame table, the `nearest` of which are shown."""

    word: int
    rows: I64
    nearest: I64


@dataclass(frozen=True, slots=True)
class WordUsage:
    """How evenly all words are used: `used` of `room`; e^entropy of the use is `perplexity`."""

    frames: int
    room: int
    used: int
    perplexity: float


def usage(words: VisualWords, tokens: I64) -> WordUsage:
    """Count the words (N,) of all frames."""
    counts = np.unique(tokens, return_counts=True)[1]
    share = counts / counts.sum()
    perplexity = float(np.exp(-(share * np.log(share)).sum()))
    return WordUsage(len(tokens), words.num_words, len(counts), round(perplexity, 1))


def word_uses(
    tokens: I64, distances: NDArray[np.float32], frames: FrameTable, *, limit: int
) -> list[WordUse]:
    """Return the `limit` words that are used most, most first, each with its nearest frames."""
    used, counts = np.unique(tokens, return_counts=True)
    most = used[np.argsort(-counts, kind="stable")][:limit]
    uses = []
    for word in most.tolist():
        rows = np.flatnonzero(tokens == word)
        ordered = rows[np.argsort(distances[rows], kind="stable")]
        uses.append(WordUse(word, rows, _of_different_recordings(ordered, frames.recording)))
    return uses


def write_page(path: Path, words: VisualWords, frames: FrameTable, *, footage: Footage, limit: int) -> None:
    """Write the page of the `limit` words that are used most.

    Raises:
        SourceError: A recording that was read before cannot be read now.
    """
    tokens = words.tokenise(frames.features)
    uses = word_uses(tokens, words.distances(frames.features), frames, limit=limit)
    thumbnails = _thumbnails(np.concatenate([use.nearest for use in uses]), frames, footage)
    page = PAGE.format(
        summary=_summary(usage(words, tokens), shown=len(uses)),
        sections="\n".join(_section(use, words, frames, thumbnails=thumbnails) for use in uses),
    )
    path.write_text(page, encoding="utf-8")


def _of_different_recordings(rows: I64, recording: I64) -> I64:
    """Return the first rows, one of each recording; more of each where there are too few recordings."""
    first_of_each = np.sort(np.unique(recording[rows], return_index=True)[1])
    others = np.setdiff1d(np.arange(len(rows)), first_of_each)
    chosen = np.concatenate([first_of_each, others])[:FRAMES_PER_WORD]
    return np.asarray(rows[chosen], np.int64)


def _thumbnails(rows: I64, frames: FrameTable, footage: Footage) -> Mapping[int, str]:
    """Return each row's thumbnail; every recording is read once, up to the last frame that is needed."""
    wanted: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows.tolist():
        wanted[int(frames.recording[row])][int(frames.index[row])] = row
    found = {}
    for recording, row_of in wanted.items():
        for index, frame in _first(observe_file(frames.recordings[recording], footage), max(row_of) + 1):
            if index in row_of:
                found[row_of[index]] = _jpeg(frame)
    return found


def _first(frames: Iterator[Observation], count: int) -> Iterator[tuple[int, Observation]]:
    return zip(range(count), frames, strict=False)


def _jpeg(frame: Observation) -> str:
    """Return frame and motion picture side by side, as a data URL."""
    both = np.hstack([cv2.resize(picture, THUMBNAIL_PX) for picture in (frame.rgb, frame.pictures[0])])
    bgr = cv2.cvtColor(both, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _summary(use: WordUsage, *, shown: int) -> str:
    return (
        f"{use.frames:,} frames use {use.used:,} of {use.room:,} words, as unevenly as if"
        f" {use.perplexity:g} were used alike (perplexity); the {shown:,} most frequent are shown."
    )


def _section(use: WordUse, words: VisualWords, frames: FrameTable, *, thumbnails: Mapping[int, str]) -> str:
    recordings = len(np.unique(frames.recording[use.rows]))
    images = "".join(
        f'<img src="{thumbnails[row]}" title="{_title(row, frames)}" alt="">' for row in use.nearest.tolist()
    )
    facts = f"{len(use.rows)} frames of {recordings} recordings · {_shares(use.rows, frames)}"
    path = " · ".join(map(str, words.path(use.word)))
    return f"<section><h2>{use.word} <span>({path}) {escape(facts)}</span></h2>{images}</section>"


def _title(row: int, frames: FrameTable) -> str:
    recording = frames.recordings[int(frames.recording[row])]
    return escape(f"{recording.parent.name}/{recording.name} at {frames.times_s[row]:.1f} s")


def _shares(rows: I64, frames: FrameTable) -> str:
    """Return what part of the frames has which label, most first: "fight 62 %, normal 38 %"."""
    names = [*frames.labels, "no label"]  # the last is that of −1
    numbers, counts = np.unique(frames.label[rows], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return ", ".join(f"{names[numbers[i]]} {counts[i] / counts.sum():.0%}" for i in order.tolist())
