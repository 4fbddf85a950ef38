"""A model, batches and a loss in, a trained model out: the one loop that pre-training and fine-tuning share.

Every epoch begins with a seed of its own, so that a run which was interrupted and resumed at an epoch's end
equals one that was not, bit for bit on a CPU. Several processes share an epoch's batches and step together.
"""

import math
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from accelerate.utils import broadcast_object_list, set_seed
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.errors import VideobertdError
from models.files import replaced_file
from training.hardware import Hardware, device_of, processes

BatchT = TypeVar("BatchT")


class TrainingError(VideobertdError):
    """Raised when a run cannot go on: its loss is no number, or its last state cannot be read."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How to train.

    `epochs` at most; after `stop_after` of them the run ends, on the schedule of the whole (None: all);
    `patience` epochs without a better score end it before (None: never). The learning rate rises over
    `warmup_share` of all steps and falls to 0 along a cosine. `accumulate` batches make one step. `ema_decay`
    keeps a moving average of the weights, which is what is scored and kept (None: the weights themselves).
    No epoch before `judge_from` can be the best.
    """

    epochs: int = 30
    stop_after: int | None = None
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    warmup_share: float = 0.1
    max_grad_norm: float = 1.0
    accumulate: int = 1
    ema_decay: float | None = None
    patience: int | None = 8
    seed: int = 0
    judge_from: int = 0

    def steps_of(self, batches: int) -> int:
        """Return how many optimizer steps an epoch of so many batches has, shared among all processes.

        Seven batches, two processes, two accumulated: four batches each, two steps.
        """
        return math.ceil(math.ceil(batches / processes()) / self.accumulate)


@dataclass(frozen=True, slots=True)
class Hooks(Generic[BatchT]):
    """What differs from one kind of training to another.

    `batches` gives an epoch's batches, `loss` the losses of one by name, `total` among them. `score` says how
    good a model is, higher is better; without it the last weights are kept. `log` takes an epoch's figures,
    `stepped` is told the number of each optimizer step.
    """

    batches: Callable[[int], Sequence[BatchT]]
    loss: Callable[[nn.Module, BatchT], Mapping[str, Tensor]]
    score: Callable[[nn.Module], float] | None = None
    log: Callable[[int, Mapping[str, float]], None] | None = None
    stepped: Callable[[int], None] | None = None


class Progress(Protocol):
    """Wraps an iterable and shows how far it is; `rich.progress.track` and `tqdm.tqdm` fit."""

    def __call__(self, epochs: Iterable[int], /) -> Iterable[int]:
        """Yield what comes."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The epochs that ran, and the best score with its epoch (None without a `score`)."""

    epochs: int
    best_score: float | None
    best_epoch: int | None


class Loop(Generic[BatchT]):
    """Trains `model` in place; it is moved to the hardware and back. `loss` and `score` move their clips."""

    def __init__(
        self,
        model: nn.Module,
        settings: LoopSettings,
        hooks: Hooks[BatchT],
        *,
        hardware: Hardware | None = None,
    ) -> None:
        self._model = model
        self._settings = settings
        self._hooks = hooks
        self._accelerator = (hardware or Hardware()).accelerator()
        self._epoch = 0
        self._best: dict[str, Tensor] | None = None
        self._trained = Trained(0, None, None)

    def run(self, *, state: Path | None = None, progress: Progress = iter) -> Trained:
        """Train from the beginning, or from the end of the epoch that `state` holds, until done.

        `state` is a file that is written after every epoch.

        Raises:
            TrainingError: The loss is not finite, or `state` is damaged.
        """
        settings, accelerator, home = self._settings, self._accelerator, device_of(self._model)
        steps = settings.steps_of(len(self._hooks.batches(0))) * settings.epochs
        self._model.to(accelerator.device)
        average = self._average()  # before Accelerate wraps the forward pass, which a copy would share
        optimizer = AdamW(parameter_groups(self._model, settings.weight_decay), lr=settings.learning_rate)
        schedule = LambdaLR(optimizer, lambda step: warmup_cosine(step, steps, settings.warmup_share))
        model, optimizer = accelerator.prepare(self._model, optimizer)
        kept = _Kept(optimizer, schedule, average)
        if state is not None and state.exists():
            self._resume(state, kept)
        for epoch in progress(range(self._epoch, settings.stop_after or settings.epochs)):
            if self._is_stale():
                break
            # Other processes drop other frames; the first draws what a single one would.
            set_seed(settings.seed * 10_007 + epoch + 1_000_003 * accelerator.process_index)
            figures = self._train(model, kept, epoch)
            self._judge(epoch, figures, average)
            self._epoch = epoch + 1
            if state is not None and accelerator.is_main_process:
                self._save(state, kept)
        self._finish(average)
        accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        self._model.to(home)
        return self._trained

    def _train(self, model: nn.Module, kept: "_Kept", epoch: int) -> dict[str, float]:
        model.train()
        sums: dict[str, float] = {}
        batches, accumulate = self._share(epoch), self._settings.accumulate
        for number, batch in enumerate(batches, start=1):
            steps_now = number % accumulate == 0 or number == len(batches)
            with nullcontext() if steps_now else self._accelerator.no_sync(model):
                losses = self._hooks.loss(model, batch)
                if not torch.isfinite(losses["total"]):
                    raise TrainingError(f"The loss of epoch {epoch} is {losses['total'].item()}.")
                self._accelerator.backward(losses["total"] / accumulate)
            if steps_now:
                self._step(model, kept)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.item()
        return {f"loss/{name}": value / len(batches) for name, value in sums.items()}

    def _share(self, epoch: int) -> list[BatchT]:
        """Return this process's batches of an epoch, as many as every other's: the first ones may come twice.

        Of three batches and two processes: 0 and 2, 1 and 0.
        """
        batches, count = list(self._hooks.batches(epoch)), self._accelerator.num_processes
        batches += batches[: -len(batches) % count]
        return batches[self._accelerator.process_index :: count]

    def _step(self, model: nn.Module, kept: "_Kept") -> None:
        self._accelerator.clip_grad_norm_(model.parameters(), self._settings.max_grad_norm)
        kept.optimizer.step()
        kept.schedule.step()
        if self._hooks.stepped is not None:
            self._hooks.stepped(kept.schedule.last_epoch)
        kept.optimizer.zero_grad()
        if kept.average is not None:
            kept.average.update_parameters(self._model)

    def _average(self) -> AveragedModel | None:
        if self._settings.ema_decay is None:
            return None
        return AveragedModel(self._model, multi_avg_fn=get_ema_multi_avg_fn(self._settings.ema_decay))  # type: ignore[no-untyped-call]

    def _judge(self, epoch: int, figures: dict[str, float], average: AveragedModel | None) -> None:
        """Score what the epoch has led to, and keep it if nothing was better before."""
        judged = self._model if average is None else average.module
        judged.eval()
        best = self._trained.best_score
        score = None if self._hooks.score is None else self._agreed(self._hooks.score(judged))
        if score is not None:
            figures["score"] = score
        if score is not None and epoch >= self._settings.judge_from and (best is None or score > best):
            self._best = {name: value.detach().clone() for name, value in judged.state_dict().items()}
            self._trained = Trained(epoch + 1, score, epoch)
        else:
            self._trained = Trained(epoch + 1, best, self._trained.best_epoch)
        if self._hooks.log is not None:
            self._hooks.log(epoch, figures)

    def _agreed(self, score: float) -> float:
        """Return the first process's score: rounding must not let one stop while the others go on."""
        scores = [score]
        broadcast_object_list(scores)
        return scores[0]

    def _is_stale(self) -> bool:
        patience, best_epoch = self._settings.patience, self._trained.best_epoch
        return patience is not None and best_epoch is not None and self._epoch - best_epoch > patience

    def _finish(self, average: AveragedModel | None) -> None:
        if self._best is not None:
            self._model.load_state_dict(self._best)
        elif average is not None:
            self._model.load_state_dict(average.module.state_dict())
        self._model.eval()

    def _save(self, path: Path, kept: "_Kept") -> None:
        record = {
            "epoch": self._epoch,
            "model": self._model.state_dict(),
            "best": self._best,
            "trained": (self._trained.epochs, self._trained.best_score, self._trained.best_epoch),
            **kept.state(),
        }
        with replaced_file(path, durable=False) as partial:  # the epoch before is no great loss
            torch.save(record, partial)

    def _resume(self, path: Path, kept: "_Kept") -> None:
        try:
            record = torch.load(path, weights_only=True, map_location="cpu")
            self._model.load_state_dict(record["model"])
            kept.load(record)
        except (OSError, RuntimeError, KeyError, ValueError, EOFError) as error:
            raise TrainingError(f"{path} holds no state of this run: {error}") from error
        self._epoch, self._best = record["epoch"], record["best"]
        self._trained = Trained(*record["trained"])


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept beside the model from step to step."""

    optimizer: Any
    schedule: LambdaLR
    average: AveragedModel | None

    def state(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }

    def load(self, record: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(record["optimizer"])
        self.schedule.load_state_dict(record["schedule"])
        if self.average is not None:
            self.average.load_state_dict(record["average"])


def epochs_done(state: Path) -> int:
    """Return after how many epochs the state of a run was written; 0 where there is none yet.

    Raises:
        TrainingError: It is damaged.
    """
    if not state.exists():
        return 0
    try:
        return int(torch.load(state, weights_only=True, mmap=True)["epoch"])
    except (OSError, RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{state} holds no state of a run: {error}") from error


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the parameters that learn; only matrices decay, not biases, norms and embeddings of one row."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]


def warmup_cosine(step: int, steps: int, warmup_share: float) -> float:
    """Return the factor of the learning rate at a step: 0 … 1 while warming up, then a cosine down to 0.

    Of 100 steps with a tenth to warm up: step 4 → 0.5, step 9 → 1, step 55 → 0.5, step 100 → 0.
    """
    warmup = max(1, round(steps * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))
