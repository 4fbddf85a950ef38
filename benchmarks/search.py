"""How long search takes among many events, how many of the true nearest it finds, and what it costs.

The vectors are made up: bunches of different tightness, as like events make. What is exact is measured on the
numbers before they were packed into bytes.

    python -m benchmarks.search --events 100000
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.archive import CAMERAS, write_log
from daemon.archive_reader import ArchiveReader
from daemon.event_log import BegunFilter
from daemon.search.desk import SearchDesk
from daemon.search.index import SearchIndex
from daemon.search.store import FILE_NAME
from daemon.search.vectors import Entry, VectorTable
from models.checkpoint import DEFAULT_DIR, load_checkpoint
from models.clip_vector import pack, unit
from models.word_table import WordTable
from pipeline.clock import SystemClock
from pipeline.types import Event, EventKind, EventPhase, Severity

F32 = NDArray[np.float32]
NUMBERS = 64
BUNCHES = 500
NEAREST = 10
TIMES = 100
QUESTIONS = 200


def bunches(count: int, rng: np.random.Generator) -> F32:
    """Return `count` directions around BUNCHES centres."""
    centres = rng.standard_normal((BUNCHES, NUMBERS))
    of = rng.integers(0, BUNCHES, count)
    noise = rng.uniform(0.3, 1.2, (count, 1)) * rng.standard_normal((count, NUMBERS))
    return unit((centres[of] + noise).astype(np.float32))


def recall(table: VectorTable, exact: F32, rng: np.random.Generator) -> float:
    """Return which part of the NEAREST truly nearest events the table names, in the mean."""
    shares = []
    for row in rng.choice(len(exact), QUESTIONS, replace=False):
        truly = exact @ exact[row]
        truly[row] = -np.inf
        nearest = set(np.argpartition(-truly, NEAREST)[:NEAREST].tolist())
        vector = table.vector(str(row))
        if vector is not None:
            found = table.nearest(vector, BegunFilter(), limit=NEAREST, without=str(row))
            shares.append(len(nearest & {int(one.id) for one in found}) / NEAREST)
    return float(np.mean(shares))


def timed(what: str, ask: Callable[[int], object]) -> None:
    """Print the median and the 99th percentile of TIMES questions, in milliseconds."""
    took_ms = []
    for number in range(TIMES):
        began_s = time.perf_counter()
        ask(number)
        took_ms.append(1e3 * (time.perf_counter() - began_s))
    p50, p99 = np.percentile(took_ms, [50, 99])
    print(f"{what:48} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms")


def fill(index: SearchIndex, folder: Path, vectors: F32) -> list[str]:
    """Give every event of the log its vector; return the events' ids."""
    archive, ids, before = ArchiveReader(folder), [], None
    while len(ids) < len(vectors):
        page = archive.page(BegunFilter(before=before), limit=1000)
        for message in page.events:
            index.on_event(
                Event(
                    id=message.id,
                    camera=message.camera,
                    phase=EventPhase.NEW,
                    kind=EventKind(message.kind),
                    label=message.label,
                    score=0.9,
                    severity=Severity.WARNING,
                    start_utc_s=SystemClock().utc_s(),
                    explanation=message.explanation,
                    captured_s=0.0,
                    vector=pack(vectors[len(ids)]),
                )
            )
            ids.append(message.id)
        before = page.older
    return ids


def main() -> None:
    """Read the command line, fill an index, and ask it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="events in the index (default: 100000)")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    vectors, table = bunches(options.events, rng), VectorTable()
    for row in track(range(len(vectors)), "vectors", console=Console(stderr=True)):
        table.put(Entry(str(row), CAMERAS[row % len(CAMERAS)], "anomaly", "unusual", row), pack(vectors[row]))
    print(f"recall@{NEAREST} of exact: {recall(table, vectors, rng):.3f}")
    print(f"vectors in memory: {table.size_bytes / 2**20:.1f} MiB")
    with tempfile.TemporaryDirectory() as name:
        _ask(Path(name), vectors)


def _ask(folder: Path, vectors: F32) -> None:
    write_log(folder, len(vectors))
    words = WordTable.load(load_checkpoint(DEFAULT_DIR))
    began_s = time.perf_counter()
    with SearchIndex(folder, "made up", SystemClock()) as index:
        print(f"words taken from the log: {time.perf_counter() - began_s:.1f} s")
        began_s = time.perf_counter()
        ids = fill(index, folder, vectors)
        print(f"one event put: {1e3 * (time.perf_counter() - began_s) / len(ids):.2f} ms")
        desk = SearchDesk(index, ArchiveReader(folder), words)
        pick = [ids[number * 997 % len(ids)] for number in range(TIMES)]
        hall, camera = BegunFilter(camera="hall"), BegunFilter(cameras=CAMERAS[:2])
        everything = BegunFilter()
        direction = unit(vectors[0])
        timed("the nearest 10, in memory", lambda _: index.nearest(direction, everything, limit=10))
        timed("more like this", lambda n: desk.similar(pick[n], everything, limit=10))
        timed("more like this, one camera", lambda n: desk.similar(pick[n], hall, limit=10))
        timed(
            "more like this, rights on two of four cameras", lambda n: desk.similar(pick[n], camera, limit=10)
        )
        timed("words: unusual", lambda _: desk.words("unusual", everything, limit=10))
        timed("words: never written", lambda _: desk.words("giraffe", everything, limit=10))
    began_s = time.perf_counter()
    with SearchIndex(folder, "made up", SystemClock()):
        print(f"opened again: {time.perf_counter() - began_s:.1f} s")
    print(f"on disk: {(folder / FILE_NAME).stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
