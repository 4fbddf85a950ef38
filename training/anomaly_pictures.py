"""The strangest moments of clips in, pictures of them out: where it was unusual, and why, in a sentence."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clock import SystemClock
from pipeline.evidence import JPEG_QUALITY, marked
from pipeline.heat import HEAT_COLOUR, opacity
from pipeline.source import SourceSettings, open_source
from training.anomaly_plots import file_name
from training.anomaly_scores import ClipScores, Judged
from training.measures import F64

U8 = NDArray[np.uint8]

WIDTH_PX = 720
LINE_PX, LETTERS_PER_LINE = 22, 78
INK, PAPER = (40, 40, 40), (255, 255, 255)
# Two moments of one clip that are less apart show the same thing.
APART_S = 3.0
TOP_MOMENTS = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame worth a look, and whether it is labelled abnormal, None where that is not known."""

    judged: Judged
    is_abnormal: bool | None


def top_moments(
    scores: ClipScores, labels: Sequence[int] | None, *, count: int = TOP_MOMENTS
) -> list[Moment]:
    """Return the highest scores of a clip, the highest first, no two of them less than APART_S apart."""
    chosen: list[Judged] = []
    for one in sorted(scores.judged, key=lambda judged: -np.nan_to_num(judged.score)):
        if len(chosen) < count and all(abs(one.time_s - other.time_s) >= APART_S for other in chosen):
            chosen.append(one)
    return [Moment(one, None if labels is None else bool(labels[one.frame])) for one in chosen]


def write_pictures(
    scores: ClipScores, moments: Sequence[Moment], folder: Path, *, image_fps: float
) -> list[Path]:
    """Write `<clip>-<time>s.jpg` for each moment; return what was written.

    Raises:
        SourceError: The recording cannot be read again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {moment.judged.time_s: moment for moment in moments}
    written = []
    source = SourceSettings(str(scores.clip.path), fps=image_fps, realtime=False)
    with open_source(source, SystemClock()) as frames:
        for frame in frames:
            moment = wanted.pop(frame.time_s, None)
            if moment is not None:
                path = folder / f"{file_name(scores.clip.name)}-{frame.time_s:06.1f}s.jpg"
                picture = explain(_bgr(frame.original), moment)
                cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
                written.append(path)
            if not wanted:
                break
    return written


def explain(picture: U8, moment: Moment) -> U8:
    """Return the (H, W, 3) picture with heat, region and, below it, score and sentence."""
    judged = moment.judged
    made = picture if judged.heat is None else heated(picture, judged.heat)
    made = marked(made, judged.region)
    said = {None: "", True: "; labelled abnormal", False: "; labelled normal"}[moment.is_abnormal]
    words = textwrap.wrap(judged.words.encode("ascii", "replace").decode(), LETTERS_PER_LINE)
    return np.vstack([made, _caption([f"{judged.time_s:.1f} s, score {judged.score:.1f}{said}", *words])])


def heated(picture: U8, heat: F64) -> U8:
    """Return the (H, W, 3) picture with the (14, 14) heat over it: nothing at 0, red at its highest."""
    height_px, width_px = picture.shape[:2]
    alpha = opacity(heat.astype(np.float32), width_px=width_px, height_px=height_px)[..., None]
    return np.asarray(np.rint(picture + alpha * (np.array(HEAT_COLOUR, np.float32) - picture)), np.uint8)


def _caption(lines: Sequence[str]) -> U8:
    """Return the lines in black on white; OpenCV's letters are ASCII only."""
    caption = np.full((LINE_PX * len(lines) + 8, WIDTH_PX, 3), PAPER, np.uint8)
    for row, text in enumerate(lines):
        place = (8, 18 + LINE_PX * row)
        cv2.putText(caption, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, lineType=cv2.LINE_AA)
    return caption


def _bgr(original: av.VideoFrame) -> U8:
    height_px = max(2, 2 * round(original.height * WIDTH_PX / original.width / 2))
    return np.asarray(
        original.reformat(width=WIDTH_PX, height=height_px, format="bgr24").to_ndarray(), np.uint8
    )
