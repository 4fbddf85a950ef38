"""A model whose matrices AdaLoRA adapts in, ranks that move to where they matter out."""

from typing import cast

import torch
from peft import AdaLoraConfig, AdaLoraModel
from torch import Tensor, nn

ADAPTER = "default"  # what PEFT calls an adaptation that nobody named
SINGULAR_VALUES = "lora_E"


class RankMemory(nn.Module):
    """What AdaLoRA remembers from step to step, as buffers.

    PEFT keeps it outside the model. Inside, it is saved and loaded with the weights, so that a resumed run
    goes on as if it had not been interrupted. Of each learning matrix that is the moving average of its
    weights' importance and of how uncertain that is, and of each adapted layer which ranks are kept.
    """

    def __init__(self, tuner: AdaLoraModel) -> None:
        super().__init__()
        learning = {name: p for name, p in tuner.model.named_parameters() if "lora_" in name}
        self._names = list(learning)
        for number, parameter in enumerate(learning.values()):
            self.register_buffer(f"importance_{number}", torch.zeros_like(parameter))
            self.register_buffer(f"uncertainty_{number}", torch.zeros_like(parameter))
            self.register_buffer(f"kept_{number}", torch.ones(len(parameter), dtype=torch.bool))

    def tell(self, tuner: AdaLoraModel) -> None:
        """Hand PEFT what is remembered."""
        allocator, kept = tuner.rankallocator, {}
        allocator.exp_avg_ipt, allocator.exp_avg_unc = {}, {}
        for number, name in enumerate(self._names):
            allocator.ipt[name] = torch.zeros_like(self._buffer("importance", number))  # of this step alone
            allocator.exp_avg_ipt[name] = self._buffer("importance", number).clone()
            allocator.exp_avg_unc[name] = self._buffer("uncertainty", number).clone()
            if SINGULAR_VALUES in name:
                kept[name] = self._buffer("kept", number).tolist()
        _plan(tuner).rank_pattern = kept

    def note(self, tuner: AdaLoraModel) -> None:
        """Remember what PEFT has made of it; once the ranks are final it forgets all but them."""
        allocator, kept = tuner.rankallocator, _plan(tuner).rank_pattern or {}
        for number, name in enumerate(self._names):
            if name in allocator.exp_avg_ipt:
                self._buffer("importance", number).copy_(allocator.exp_avg_ipt[name])
                self._buffer("uncertainty", number).copy_(allocator.exp_avg_unc[name])
            if SINGULAR_VALUES in name:
                self._buffer("kept", number).copy_(torch.tensor(kept[name]))

    def _buffer(self, kind: str, number: int) -> Tensor:
        return self.get_buffer(f"{kind}_{number}")


def _plan(tuner: AdaLoraModel) -> AdaLoraConfig:
    return cast("AdaLoraConfig", tuner.peft_config[ADAPTER])


def allocate(tuner: AdaLoraModel, memory: RankMemory, step: int) -> None:
    """Judge the ranks by the gradients that stand, and drop those that the schedule no longer allows."""
    memory.tell(tuner)
    tuner.update_and_allocate(step)
    memory.note(tuner)


def silence_dropped(tuner: AdaLoraModel, memory: RankMemory) -> None:
    """Set the ranks that were dropped to 0: a moving average of the weights still remembers them."""
    memory.tell(tuner)
    tuner.rankallocator.mask_using_rank_pattern(tuner.model, _plan(tuner).rank_pattern)


def orthogonality(tuner: AdaLoraModel) -> Tensor:
    """Return how far the singular vectors are from orthonormal: the mean norm of P Pᵀ - I, a scalar.

    Only as far as they are, is a singular value the importance of its rank (Zhang et al., ICLR 2023,
    equation 4).
    """
    norms = []
    for name, vectors in tuner.model.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            rows = vectors if "lora_A" in name else vectors.T  # (r, in) or (r, out)
            norms.append(torch.linalg.norm(rows @ rows.T - torch.eye(len(rows)).to(rows)))
    return torch.stack(norms).mean()
