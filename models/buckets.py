"""Batches of any size in, results out, computed at a few fixed sizes: what CUDA graphs need."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

BUCKETS = (1, 2, 4, 8, 16, 32)

Function = Callable[..., tuple[Tensor, ...]]


def bucket_of(count: int) -> int:
    """Return the smallest bucket that holds `count` rows: 3 → 4, 32 → 32."""
    return next(bucket for bucket in BUCKETS if count <= bucket)


@dataclass(frozen=True, slots=True)
class RecordedGraph:
    """One bucket's CUDA graph and the memory that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def replay(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Run the graph on new values of the same shapes; the result is overwritten by the next replay."""
        for kept, new in zip(self.inputs, inputs, strict=True):
            kept.copy_(new)
        self.graph.replay()
        return self.outputs


class BucketRunner:
    """Runs a function of batches at the sizes of BUCKETS; several threads may call it, one at a time runs."""

    def __init__(self, function: Function, *, device: torch.device) -> None:
        self._function = function
        self._device = device
        self._graphs: dict[int, RecordedGraph] = {}
        self._lock = threading.Lock()

    def run(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the function on inputs that share their first dimension, N; return float32 on the CPU.

        N may be 0. 40 rows are run as 32 and 8.
        """
        count = len(inputs[0])
        starts = range(0, max(count, 1), BUCKETS[-1])
        parts = [
            self._run_bucket(tuple(rows[start : start + BUCKETS[-1]] for rows in inputs)) for start in starts
        ]
        return tuple(torch.cat(columns) for columns in zip(*parts, strict=True))

    def _run_bucket(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        count = len(inputs[0])
        bucket = bucket_of(count)
        padded = tuple(_pad(rows, bucket).to(self._device) for rows in inputs)
        with self._lock, torch.inference_mode():
            outputs = self._compute(bucket, padded)
            # To the CPU within the lock: the next replay overwrites a graph's outputs.
            return tuple(rows[:count].float().cpu() for rows in outputs)

    def _compute(self, bucket: int, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self._device.type != "cuda":
            return self._function(*inputs)
        if bucket not in self._graphs:
            self._graphs[bucket] = self._record(inputs)
        return self._graphs[bucket].replay(inputs)

    def _record(self, inputs: tuple[Tensor, ...]) -> RecordedGraph:
        # A graph is recorded after a run on a side stream, which sets libraries up.
        # Source: PyTorch documentation, "CUDA semantics", section "CUDA Graphs".
        kept = tuple(rows.clone() for rows in inputs)
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._in_bf16(kept)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._in_bf16(kept)
        return RecordedGraph(graph, kept, outputs)

    def _in_bf16(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        # The cache of cast weights would be freed between recording and replay.
        with torch.autocast("cuda", dtype=torch.bfloat16, cache_enabled=False):
            return self._function(*inputs)


def _pad(rows: Tensor, count: int) -> Tensor:
    return torch.cat([rows, rows.new_zeros(count - len(rows), *rows.shape[1:])])
