"""An encoder that can be exchanged while it runs: a call ends as it began, the next has the new encoder."""

from models.checkpoint import FRAME_ENCODER_FILE, Checkpoint
from models.errors import CheckpointError
from models.runtime import U8, ClipBatch, ClipUnderstanding, Encoder, FrameFeatures

# What must be alike, or features that are already in clip buffers and memories would mean something else.
ALIKE = (
    "name",
    "pictures",
    "picture_px",
    "num_frames",
    "sample_fps",
    "stride_s",
    "feature_dim",
    "motion_dim",
    "tasks",
)


class SwitchableEncoder:
    """The Encoder in use; every call takes whichever it is at that moment, once.

    One that differs in its heads alone can follow: frames that the last one encoded are clips for the next.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @property
    def name(self) -> str:
        """Return runtime, precision and device of the encoder in use."""
        return self._encoder.name

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what the encoder in use was loaded from."""
        return self._encoder.checkpoint

    def encode(self, pictures: U8) -> FrameFeatures:
        """Encode (N, S, S, 3) RGB pictures; N may be 0."""
        return self._encoder.encode(pictures)

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Run the temporal model over cached features."""
        return self._encoder.understand(clips)

    def warm_up(self) -> None:
        """Run every code path of the encoder in use once."""
        self._encoder.warm_up()

    def switch(self, encoder: Encoder) -> None:
        """Let another encoder take over with the next call.

        Raises:
            CheckpointError: It differs in more than its heads; the old one stays.
        """
        demand_exchangeable(self.checkpoint, encoder.checkpoint)
        self._encoder = encoder


def demand_exchangeable(before: Checkpoint, after: Checkpoint) -> None:
    """Accept a checkpoint that can follow another without a restart.

    Raises:
        CheckpointError: It cannot; names what differs.
    """
    different = [name for name in ALIKE if getattr(before, name) != getattr(after, name)]
    if before.files.get(FRAME_ENCODER_FILE) != after.files.get(FRAME_ENCODER_FILE):
        different.append(FRAME_ENCODER_FILE)
    if different:
        names = ", ".join(different)
        raise CheckpointError(f"{after.folder} cannot follow {before.folder} while it runs: {names} differ.")
