"""Metrics per step in, what others show of them out: TensorBoard, and wandb where it is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tensorboardX import SummaryWriter

from models.errors import VideobertdError


class TrackerError(VideobertdError):
    """Raised when a tracking service is asked for that is not installed, or not whole."""


class Tracker(Protocol):
    """Something that shows a run while it goes on."""

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Show the values of one step."""

    def close(self) -> None:
        """Write what is held back; nothing is recorded after this."""


class TensorBoardTracker:
    """Event files that `tensorboard --logdir` reads; written by tensorboardX, which needs no TensorBoard."""

    def __init__(self, writer: SummaryWriter) -> None:
        self._writer = writer

    @classmethod
    def open(cls, folder: Path, *, after_step: int | None = None) -> "TensorBoardTracker":
        """Add an event file to `folder`; TensorBoard forgets what older ones say beyond `after_step`."""
        purge_step = None if after_step is None else after_step + 1
        # Files are named after the second; without a number, two in one second would overwrite each other.
        number = len(list(folder.glob("events.out.tfevents.*")))
        return cls(
            SummaryWriter(str(folder), purge_step=purge_step, flush_secs=10, filename_suffix=f".{number}")
        )

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Show the values of one step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close the event file."""
        self._writer.close()


class WandbTracker:
    """A run at Weights & Biases, or offline in the folder where WANDB_MODE says so."""

    def __init__(self, run: Any) -> None:
        self._run = run

    @classmethod
    def open(cls, folder: Path, *, settings: Mapping[str, Any]) -> "WandbTracker":
        """Begin a run, or go on with the one of the same name.

        Raises:
            TrackerError: wandb is not installed.
        """
        try:
            import wandb  # noqa: PLC0415 - optional: most users send nothing to a service
        except ImportError as error:
            raise TrackerError(
                f"wandb cannot be used ({error}): pip install wandb, or do without."
            ) from error
        return cls(
            wandb.init(
                project="videobertd",
                id=folder.name,
                dir=str(folder),
                config=dict(settings),
                resume="allow",
            )
        )

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Show the values of one step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()
