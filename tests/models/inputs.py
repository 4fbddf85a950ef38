"""Nano models with weights large enough for every influence to show, and clips for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.configuration import VideoBERTConfig

FRAMES, WORDS = 6, 5
WORD_IDS = torch.tensor([[101, 2158, 4212, 2091, 102]])  # [CLS] man falls down [SEP]


@dataclass(frozen=True, slots=True)
class Inputs:
    features: Tensor
    motion: Tensor
    text_states: Tensor
    video_mask: Tensor
    text_mask: Tensor

    def arguments(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in self.__slots__}


def nano(**changes: object) -> VideoBERTConfig:
    # With BERT's 0.02 a nano model hardly hears its inputs.
    return VideoBERTConfig.of_size("nano", **{"initializer_range": 0.3, **changes})


def inputs(config: VideoBERTConfig, *, batch: int = 2, num_frames: int = FRAMES, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return Inputs(
        features=noise(batch, num_frames, config.video_dim),
        motion=noise(batch, num_frames, config.motion_dim),
        text_states=noise(batch, WORDS, config.text_hidden_size),
        video_mask=torch.ones(batch, num_frames, dtype=torch.bool),
        text_mask=torch.ones(batch, WORDS, dtype=torch.bool),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: on a busy machine more of them wait for one another at every small step."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def assert_close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def differ(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are further apart than rounding explains."""
    return bool((one - other).abs().max() > 1e-3)
