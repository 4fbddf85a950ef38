"""A model and a way to tune it in, what then learns out: all of it, its heads, or small additions."""

from typing import Literal, cast

import torch
from peft import AdaLoraConfig, AdaLoraModel, LoraConfig, LoraModel
from torch import Tensor, nn

from models.errors import VideobertdError
from models.heads import VideoBERTForSequenceClassification
from models.joint import Adapter, JointLayer
from training.adalora import ADAPTER, RankMemory, allocate, orthogonality, silence_dropped

Tune = Literal["full", "top", "lora", "adalora", "adapter"]

RANK = 8  # of each adapted matrix (Hu et al., ICLR 2022, table 6: more gains little)
ALPHA = 16  # twice the rank: what the factors say counts double
# AdaLoRA begins with half as many ranks again (Zhang et al., ICLR 2023, section 3.3) and learns with all of
# them for a tenth of the steps; the last quarter learns with those that were kept.
INITIAL_RANK = 12
WARMUP_DIVISOR, FINAL_DIVISOR = 10, 4
LEAST_STEPS = 10  # under which AdaLoRA has no time to judge
ADAPTER_REDUCTION = 8  # an adapter's bottleneck is so many times narrower than the model

MEMORY = "rank_memory"


class TuningError(VideobertdError):
    """Raised when a model cannot be tuned that way."""


class Tuning:
    """What of a model learns; made by `prepare`. Call `stepped` after each step, `finish` at the end."""

    def __init__(
        self, model: VideoBERTForSequenceClassification, tuner: LoraModel | None, memory: RankMemory | None
    ) -> None:
        self._model = model
        self._tuner = tuner
        self._memory = memory
        self.settled_step = settled_step(tuner)
        self.trainable_share = trainable_share(model)

    def stepped(self, step: int) -> None:
        """Let AdaLoRA move its ranks after optimizer step 1, 2, …, while the gradients still stand."""
        if isinstance(self._tuner, AdaLoraModel) and self._memory is not None:
            allocate(self._tuner, self._memory, step)

    def penalty(self) -> Tensor:
        """Return what AdaLoRA adds to the loss, a scalar to be weighted; 0 for the others."""
        if isinstance(self._tuner, AdaLoraModel):
            return orthogonality(self._tuner)
        return torch.zeros(())

    def finish(self) -> None:
        """Make the model a plain one again: LoRA merged into its matrices, and every weight free to learn.

        Adapters stay, as part of the architecture (`adapter_size` in the configuration).
        """
        if isinstance(self._tuner, AdaLoraModel) and self._memory is not None:
            silence_dropped(self._tuner, self._memory)
        if self._tuner is not None:
            self._tuner.merge_and_unload()
        if self._memory is not None:
            delattr(self._model, MEMORY)
        self._model.requires_grad_(True)


def prepare(model: VideoBERTForSequenceClassification, tune: Tune, *, total_steps: int) -> Tuning:
    """Decide, in place, which of the model's weights learn; what the model says stays as it is.

    The text tower never learns, since its states are cached, nor does the linear path, which is fitted by
    regression. Of the rest:

        full     all.
        top      the heads.
        lora     the heads, and a low-rank term beside each matrix of video tower and joint transformer (Hu
                 et al., ICLR 2022).
        adalora  the same, with ranks that move to where they matter (Zhang et al., ICLR 2023).
        adapter  the heads, and a bottleneck after each joint layer's feed-forward (Houlsby et al., ICML
                 2019).

    `total_steps` is how many optimizer steps are to come; AdaLoRA plans by it.

    Raises:
        TuningError: AdaLoRA with fewer than ten steps.
    """
    model.requires_grad_(tune == "full")
    tuner, memory = None, None
    if tune == "lora":
        tuner = LoraModel(model, _lora(model), ADAPTER)
    elif tune == "adalora":
        tuner = AdaLoraModel(model, _adalora(model, total_steps), ADAPTER)
        memory = RankMemory(tuner)
        model.add_module(MEMORY, memory)
    elif tune == "adapter":
        _add_adapters(model)
    model.heads.requires_grad_(True)
    model.videobert.text_tower.requires_grad_(False)
    if model.linear is not None:
        model.linear.requires_grad_(False)
    return Tuning(model, tuner, memory)


def settled_step(tuner: LoraModel | None) -> int:
    """Return the optimizer step until which AdaLoRA moves its ranks; 0 for the others."""
    if not isinstance(tuner, AdaLoraModel):
        return 0
    plan = cast("AdaLoraConfig", tuner.peft_config[ADAPTER])
    return int(plan.total_step or 0) - plan.tfinal


def trainable_share(model: VideoBERTForSequenceClassification) -> float:
    """Return the learning part of all weights but the text tower's."""
    text = set(model.videobert.text_tower.parameters())
    counted = [parameter for parameter in model.parameters() if parameter not in text]
    return sum(p.numel() for p in counted if p.requires_grad) / sum(p.numel() for p in counted)


def _lora(model: VideoBERTForSequenceClassification) -> LoraConfig:
    return LoraConfig(
        r=RANK, lora_alpha=ALPHA, lora_dropout=model.config.dropout, target_modules=_matrices(model)
    )


def _adalora(model: VideoBERTForSequenceClassification, total_steps: int) -> AdaLoraConfig:
    if total_steps < LEAST_STEPS:
        raise TuningError(f"AdaLoRA needs {LEAST_STEPS} steps or more to judge ranks by, not {total_steps}.")
    return AdaLoraConfig(
        target_r=RANK,
        init_r=INITIAL_RANK,
        lora_alpha=ALPHA,
        lora_dropout=model.config.dropout,
        target_modules=_matrices(model),
        tinit=total_steps // WARMUP_DIVISOR,
        tfinal=total_steps // FINAL_DIVISOR,
        total_step=total_steps,
    )


def _matrices(model: VideoBERTForSequenceClassification) -> list[str]:
    """Return the names of the linear layers of video tower and joint transformer."""
    adapted = (model.videobert.video_tower, model.videobert.joint)
    inside = {module for tower in adapted for module in tower.modules() if isinstance(module, nn.Linear)}
    return [name for name, module in model.named_modules() if module in inside]


def _add_adapters(model: VideoBERTForSequenceClassification) -> None:
    """Give every joint layer an adapter that changes nothing yet; one that is there goes on learning."""
    config = model.config
    if config.adapter_size is None:
        config.adapter_size = max(1, config.hidden_size // ADAPTER_REDUCTION)
    for module in model.videobert.joint.layers:
        layer = cast("JointLayer", module)
        if layer.adapter is None:
            layer.adapter = Adapter(config.hidden_size, config.adapter_size).to(layer.up.weight)
        layer.adapter.requires_grad_(True)
