"""Sentences and camera frames in, the model's tensors out; motion is drawn by the code that runs live."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoProcessor, AutoTokenizer, BatchFeature, BertTokenizer, ProcessorMixin

from models.configuration import VideoBERTConfig
from models.motion import MotionRenderer, MotionSettings
from models.runtime import ClipBatch, DrawnClip, FrameFeatures
from models.text_tower import VOCABULARY_FILE, text_package_dir

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
FrameEncoder = Callable[[U8], FrameFeatures]


@dataclass(frozen=True, slots=True)
class Clip:
    """Sampled frames in order of time: `frames` (T, H, W, 3) uint8 RGB, `times_s` (T,) in seconds."""

    frames: U8
    times_s: NDArray[np.float64]


class VideoBERTTokenizer(BertTokenizer):
    """The WordPiece tokenizer of the text tower."""

    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012 - transformers' own convention

    @classmethod
    def from_package(cls) -> Self:
        """Build the tokenizer from the vocabulary in the text tower's package.

        Not from its tokenizer.json: that one cuts and pads every text to 128 tokens.

        Raises:
            CheckpointError: The package is not installed.
        """
        return cls(vocab=str(text_package_dir() / VOCABULARY_FILE), model_max_length=512)


class VideoBERTProcessor(ProcessorMixin):
    """Turns text into token ids and clips into features, motion and mask.

    `pictures` and `picture_px` are those of `VideoBERTConfig`.
    """

    def __init__(
        self,
        tokenizer: VideoBERTTokenizer,
        pictures: Sequence[str] = ("fused",),
        picture_px: int = 224,
    ) -> None:
        super().__init__(tokenizer)
        self.pictures = list(pictures)
        self.picture_px = picture_px

    @classmethod
    def of_config(cls, config: VideoBERTConfig, tokenizer: VideoBERTTokenizer) -> Self:
        """Build the processor that fits a model."""
        return cls(tokenizer, config.pictures, config.picture_px)

    def __call__(
        self,
        text: str | Sequence[str] | None = None,
        clips: Sequence[Clip] = (),
        *,
        encode: FrameEncoder | None = None,
    ) -> BatchFeature:
        """Return the model's inputs: `input_ids`, `attention_mask`, `features`, `motion`, `video_mask`.

        Args:
            text: One sentence per clip, or one for all of them.
            clips: At least one frame each; shorter ones are padded in front to the length of the longest.
            encode: The frame encoder, such as `models.runtime.Encoder.encode`; clips need one.

        Raises:
            ValueError: There are clips but no frame encoder.
        """
        tensors: dict[str, torch.Tensor] = {}
        if text is not None:
            tensors.update(self._tokenise(text, max(1, len(clips))))
        if clips:
            if encode is None:
                raise ValueError("clips need a frame encoder: pass encode=…")
            tensors.update(_as_tensors(self.encode_clips(clips, encode)))
        return BatchFeature(tensors)

    def draw(self, clip: Clip) -> DrawnClip:
        """Draw the motion of all frames; their first is compared with itself."""
        renderer = MotionRenderer(MotionSettings(tuple(self.pictures), self.picture_px))
        views = [
            renderer.render(self._shrink(frame), float(time_s))
            for frame, time_s in zip(clip.frames, clip.times_s, strict=True)
        ]
        return DrawnClip(
            pictures=np.stack([view.pictures for view in views]),
            motion=np.stack([view.descriptor for view in views]),
        )

    def encode_clips(self, clips: Sequence[Clip], encode: FrameEncoder) -> ClipBatch:
        """Draw and encode clips; T is the length of the longest, shorter ones are padded in front."""
        return encode_drawn([self.draw(clip) for clip in clips], encode)

    def _tokenise(self, text: str | Sequence[str], count: int) -> dict[str, torch.Tensor]:
        sentences = [text] * count if isinstance(text, str) else list(text)
        return dict(self.tokenizer(sentences, padding=True, truncation=True, return_tensors="pt"))

    def _shrink(self, frame: U8) -> U8:
        side = (self.picture_px, self.picture_px)
        return np.asarray(cv2.resize(frame, side, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_drawn(clips: Sequence[DrawnClip], encode: FrameEncoder) -> ClipBatch:
    """Encode clips that are drawn; T is the length of the longest, shorter ones are padded in front."""
    features = [_encode(clip, encode) for clip in clips]
    lengths = np.array([len(clip.motion) for clip in clips])
    longest = int(lengths.max())
    # Lengths 3 and 5: the first clip is absent, absent, real, real, real.
    mask = np.arange(longest) >= longest - lengths[:, None]  # (B, T)
    return ClipBatch(
        features=np.stack([_pad(rows, longest) for rows in features]),
        motion=np.stack([_pad(clip.motion, longest) for clip in clips]),
        mask=mask,
    )


def _encode(clip: DrawnClip, encode: FrameEncoder) -> F32:
    num_frames, per_frame = clip.pictures.shape[:2]
    pooled = encode(clip.pictures.reshape(num_frames * per_frame, *clip.pictures.shape[2:])).pooled
    return pooled.reshape(num_frames, -1)  # (T * P, feature_dim) → (T, P * feature_dim)


def _pad(rows: F32, length: int) -> F32:
    return np.pad(rows, ((length - len(rows), 0), (0, 0)))


def _as_tensors(batch: ClipBatch) -> dict[str, torch.Tensor]:
    return {
        "features": torch.from_numpy(batch.features),
        "motion": torch.from_numpy(batch.motion),
        "video_mask": torch.from_numpy(batch.mask),
    }


AutoTokenizer.register(VideoBERTConfig, VideoBERTTokenizer)
AutoProcessor.register(VideoBERTConfig, VideoBERTProcessor)
