"""Sentences and videos in, the model's tensors out; videos are looked at by the code that runs live."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoProcessor, AutoTokenizer, BatchFeature, BertTokenizer, ProcessorMixin

from models.checkpoint import DEFAULT_DIR, DESCRIPTION_FILE
from models.configuration import VideoBERTConfig
from models.heads import IGNORED
from models.observer import FrameEncoder, Observation, encode_observed, newest
from models.runtime import ClipBatch, DrawnClip, Encoder, FrameFeatures, open_encoder
from models.text_tower import VOCABULARY_FILE, text_package_dir
from models.videos import Clip, Video, VideoSettings, observe

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Folder = str | PathLike[str]

TOKENIZER_FILE = "tokenizer_config.json"
PROCESSOR_FILE = "processor_config.json"


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

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Folder, *inputs: Any, **options: Any) -> Self:
        """Load the tokenizer of a checkpoint; one that keeps no vocabulary has the text tower's package's."""
        folder = Path(pretrained_model_name_or_path)
        if folder.is_dir() and not (folder / TOKENIZER_FILE).exists():
            return cls.from_package()
        loaded: Self = super().from_pretrained(folder, *inputs, **options)
        return loaded


class VideoBERTProcessor(ProcessorMixin):
    """Turns text into token ids, and videos into features, motion and mask.

    `video` has the fields of `VideoSettings`.
    """

    def __init__(
        self, tokenizer: VideoBERTTokenizer, video: VideoSettings | Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(tokenizer)
        self.video = asdict(video) if isinstance(video, VideoSettings) else dict(video or {})
        self._encoder = _LazyEncoder(DEFAULT_DIR)

    @property
    def settings(self) -> VideoSettings:
        """Return how videos are looked at."""
        return VideoSettings(**{**self.video, "pictures": tuple(self.video.get("pictures", ("fused",)))})

    @classmethod
    def of_config(cls, config: VideoBERTConfig, tokenizer: VideoBERTTokenizer) -> Self:
        """Build the processor that fits a model."""
        return cls(tokenizer, VideoSettings.of_config(config))

    @classmethod
    def from_pretrained(  # type: ignore[override]  # the options are all handed on
        cls, pretrained_model_name_or_path: Folder, **options: Any
    ) -> Self:
        """Load the processor of a folder; one that was exported has a frame encoder too.

        A folder without a processor has that of its config.json and the tokenizer of the text tower's
        package.
        """
        folder = Path(pretrained_model_name_or_path)
        if folder.is_dir() and not (folder / PROCESSOR_FILE).exists():
            config = VideoBERTConfig.from_pretrained(folder)
            processor = cls.of_config(config, VideoBERTTokenizer.from_pretrained(folder))
        else:
            processor = super().from_pretrained(folder, **options)
        if (folder / DESCRIPTION_FILE).exists():
            processor._encoder = _LazyEncoder(folder)  # noqa: SLF001 - its own class
        return processor

    def __call__(
        self,
        text: str | Sequence[str] | None = None,
        videos: Video | U8 | Sequence[Video | U8] | None = None,
        *,
        fps: float | None = None,
        encode: FrameEncoder | None = None,
    ) -> BatchFeature:
        """Return the model's inputs: `input_ids`, `attention_mask`, `features`, `motion`, `video_mask`.

        Of each video the newest T = `num_frames` sampled frames count, as on a stream that ends with it; a
        shorter one is padded in front.

        Args:
            text: One sentence per video, or one for all of them.
            videos: One or several, each a file, a `Clip`, or frames (N, H, W, 3) uint8 RGB `fps` to a second.
            fps: Of videos that are arrays.
            encode: The frame encoder. By default that of the folder that the processor was loaded from, or
                else that of the default checkpoint.

        Raises:
            ValueError: A video is an array and nobody said how many frames make a second, or has no frame.
            OSError: A file cannot be read.
            CheckpointError: The frame encoder cannot be used.
        """
        given = [] if videos is None else [_as_video(video, fps) for video in _as_list(videos)]
        tensors: dict[str, torch.Tensor] = {}
        if text is not None:
            tensors.update(self._tokenise(text, max(1, len(given))))
        if given:
            tensors.update(_as_tensors(self.encode_videos(given, encode)))
        return BatchFeature(tensors)

    def caption_labels(self, captions: Sequence[str], *, max_tokens: int = 32) -> torch.Tensor:
        """Return the `labels` (B, L) of `VideoBERTForCaptioning`: word pieces up to [SEP], then -100.

        A caption of more than `max_tokens`, the configuration's `max_caption_tokens`, is cut.
        """
        tokens = self.tokenizer(
            list(captions), padding=True, truncation=True, max_length=max_tokens + 1, return_tensors="pt"
        )
        labels: torch.Tensor = tokens["input_ids"].masked_fill(tokens["attention_mask"] == 0, IGNORED)
        return labels[:, 1:]  # without [CLS], which is where the decoder begins

    def observe(self, video: Video) -> list[Observation]:
        """Return the frames that count, drawn, and before them what a still one repeats."""
        return newest(observe(video, self.settings), self.settings.num_frames)

    def encode_videos(self, videos: Sequence[Video], encode: FrameEncoder | None = None) -> ClipBatch:
        """Draw and encode videos; T is `num_frames`, shorter ones are padded in front."""
        rows = [self._encode(video, encode or self._encoder) for video in videos]
        features, motion = zip(*rows, strict=True)
        return _padded(features, motion, self.settings.num_frames)

    def _encode(self, video: Video, encode: FrameEncoder) -> tuple[F32, F32]:
        """Return the features (T, P * 1280) and flow descriptors (T, F) of a video."""
        count, frames = self.settings.num_frames, self.observe(video)
        if not frames:
            raise ValueError(f"there is no frame in {'a clip' if isinstance(video, Clip) else video}")
        features = np.stack(list(encode_observed(frames, encode)))
        return features[-count:], np.stack([frame.motion for frame in frames])[-count:]

    def _tokenise(self, text: str | Sequence[str], count: int) -> dict[str, torch.Tensor]:
        sentences = [text] * count if isinstance(text, str) else list(text)
        return dict(self.tokenizer(sentences, padding=True, truncation=True, return_tensors="pt"))


class _LazyEncoder:
    """The frame encoder of an exported checkpoint, opened when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: Encoder | None = None

    def __call__(self, pictures: U8) -> FrameFeatures:
        if self._opened is None:
            self._opened = open_encoder(self._folder)
        return self._opened.encode(pictures)

    def __deepcopy__(self, _memo: object) -> "_LazyEncoder":
        """Stay the same: transformers copies all that a processor has when it saves it."""
        return self


def encode_drawn(clips: Sequence[DrawnClip], encode: FrameEncoder) -> ClipBatch:
    """Encode clips that are drawn; T is the length of the longest, shorter ones are padded in front."""
    longest = max(len(clip.motion) for clip in clips)
    return _padded([_encode_drawn(clip, encode) for clip in clips], [clip.motion for clip in clips], longest)


def _encode_drawn(clip: DrawnClip, encode: FrameEncoder) -> F32:
    num_frames, per_frame = clip.pictures.shape[:2]
    pooled = encode(clip.pictures.reshape(num_frames * per_frame, *clip.pictures.shape[2:])).pooled
    return pooled.reshape(num_frames, -1)  # (T * P, feature_dim) → (T, P * feature_dim)


def _padded(features: Sequence[F32], motion: Sequence[F32], length: int) -> ClipBatch:
    """Make one batch of clips of different lengths, each padded in front to `length`."""
    lengths = np.array([len(rows) for rows in motion])
    return ClipBatch(
        features=np.stack([_pad(rows, length) for rows in features]),
        motion=np.stack([_pad(rows, length) for rows in motion]),
        # Three frames in a clip of five: absent, absent, real, real, real.
        mask=np.arange(length) >= length - lengths[:, None],  # (B, T)
    )


def _pad(rows: F32, length: int) -> F32:
    return np.pad(rows, ((length - len(rows), 0), (0, 0)))


def _as_list(videos: Video | U8 | Sequence[Video | U8]) -> list[Video | U8]:
    if isinstance(videos, str | Path | Clip) or (isinstance(videos, np.ndarray) and videos.ndim == 4):
        return [videos]
    return list(videos)


def _as_video(video: Video | U8, fps: float | None) -> Video:
    if not isinstance(video, np.ndarray):
        return video
    if fps is None:
        raise ValueError("a video that is an array needs to know how many frames make a second: pass fps=…")
    return Clip.at_fps(video, fps)


def _as_tensors(batch: ClipBatch) -> dict[str, torch.Tensor]:
    return {
        "features": torch.from_numpy(batch.features),
        "motion": torch.from_numpy(batch.motion),
        "video_mask": torch.from_numpy(batch.mask),
    }


AutoTokenizer.register(VideoBERTConfig, VideoBERTTokenizer)
AutoProcessor.register(VideoBERTConfig, VideoBERTProcessor)
