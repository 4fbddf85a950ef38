"""What a run may use in, the Accelerator that trains on it out; and which of several processes this is."""

import os
from dataclasses import dataclass

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from torch import nn

from models.runtime import Device


@dataclass(frozen=True, slots=True)
class Hardware:
    """What training runs on; `auto` is a GPU where there is one.

    `bf16` says whether matrices are multiplied in bfloat16, weights staying float32; None is yes on a GPU
    that can. On a CPU in float32 a run equals another of the same seed bit for bit.
    """

    device: Device = "cpu"
    bf16: bool | None = None

    @property
    def on_cpu(self) -> bool:
        """Say whether it is the CPU."""
        return self.device == "cpu" or (self.device == "auto" and not torch.cuda.is_available())

    @property
    def precision(self) -> str:
        """Return what Accelerate calls the number format of matrix products."""
        able = not self.on_cpu and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return "bf16" if (able if self.bf16 is None else self.bf16) else "no"

    def accelerator(self) -> Accelerator:
        """Return what moves, scales and synchronises; one of several processes joins the others."""
        # Accelerate keeps what it was first asked for in the whole process. One process may train on a CPU
        # and then on a GPU; those of one run must keep their connection.
        AcceleratorState._reset_state(reset_partial_state=processes() == 1)  # noqa: SLF001 - as its notebook launcher does
        # A batch that is read without text leaves the text's weights without a gradient.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        return Accelerator(cpu=self.on_cpu, mixed_precision=self.precision, kwargs_handlers=[unused])


def processes() -> int:
    """Return how many processes share the run, as `accelerate launch` and `torchrun` say."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Say whether this process is the one that writes files and reports."""
    return int(os.environ.get("RANK", "0")) == 0


def device_of(model: nn.Module) -> torch.device:
    """Return where a model's weights are: where its clips must be, too."""
    return next(model.parameters()).device
