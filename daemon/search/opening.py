"""A data folder and a checkpoint in, search ready to listen and to be asked out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon.archive_reader import ArchiveReader
from daemon.search.desk import SearchDesk
from daemon.search.index import SearchIndex
from models.checkpoint import Checkpoint
from models.clip_vector import ClipReader
from models.word_table import WordTable
from pipeline.clock import Clock


@dataclass(frozen=True, slots=True)
class OpenedSearch:
    """The index that hears of events, the desk that is asked, and what gives events their vectors."""

    index: SearchIndex
    desk: SearchDesk
    reader: ClipReader | None


@contextmanager
def open_search(data_dir: Path, checkpoint: Checkpoint, clock: Clock) -> Iterator[OpenedSearch]:
    """Open the index beside the event log, which must be there.

    Raises:
        CheckpointError: The checkpoint is damaged.
    """
    reader, words = ClipReader.load(checkpoint), WordTable.load(checkpoint)
    with SearchIndex(data_dir, None if reader is None else reader.model, clock) as index:
        yield OpenedSearch(index, SearchDesk(index, ArchiveReader(data_dir), words), reader)
