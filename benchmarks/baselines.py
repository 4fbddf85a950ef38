"""RTSP URLs in, one decision a second out, by those we compare with; a process that ends with its input.

`floor` decodes the streams with PyAV and does nothing else: nobody can be cheaper.
`usual` reads every frame with cv2 and re-encodes all frames of each overlapping clip, as most video services
do; the runtime is ours (`usual-int8`) or torch in eager fp32 (`usual-torch`), the network is the same.
"""

import argparse
import sys
import threading
import time
from collections import deque

import av
import cv2
import numpy as np

from models.checkpoint import DEFAULT_DIR, load_checkpoint
from models.motion import MotionRenderer, MotionSettings
from models.runtime import ClipBatch, Encoder, open_encoder
from pipeline.clip_buffer import ClipBuffer

OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "0", "probesize": "32768"}


def decode_only(url: str, stop: threading.Event) -> None:
    """Decode every frame of a stream and throw it away."""
    with av.open(url, options=OPTIONS) as container:
        container.streams.video[0].thread_type = "NONE"
        for _ in container.decode(video=0):
            if stop.is_set():
                return


class UsualWay:
    """One camera: all frames by cv2, sampled ones kept as pictures, the whole clip encoded every second."""

    def __init__(self, url: str, encoder: Encoder, lock: threading.Lock) -> None:
        self._url = url
        self._encoder = encoder
        self._lock = lock
        checkpoint = encoder.checkpoint
        self._interval_s = 1 / checkpoint.sample_fps
        self._renderer = MotionRenderer(
            MotionSettings(pictures=checkpoint.pictures, picture_px=checkpoint.picture_px)
        )
        self._clip: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=checkpoint.num_frames)

    def run(self, stop: threading.Event) -> None:
        """Read until stopped; decide once a second."""
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG)
        sample_due_s = decide_due_s = time.monotonic()
        size = (self._encoder.checkpoint.picture_px,) * 2
        while not stop.is_set():
            ok, frame = capture.read()
            now_s = time.monotonic()
            if ok and now_s >= sample_due_s:
                sample_due_s = max(sample_due_s + self._interval_s, now_s - self._interval_s)
                rgb = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
                view = self._renderer.render(rgb, now_s)
                self._clip.append((view.fresh_pictures, view.descriptor))
            if now_s >= decide_due_s and len(self._clip) == self._clip.maxlen:
                decide_due_s += 1.0
                self._decide()
        capture.release()

    def _decide(self) -> None:
        checkpoint = self._encoder.checkpoint
        width = checkpoint.feature_dim * len(checkpoint.pictures)
        buffer = ClipBuffer(len(self._clip), width, checkpoint.motion_dim)
        with self._lock:
            pooled = self._encoder.encode(np.concatenate([fresh for fresh, _ in self._clip])).pooled
            for fresh, descriptor in self._clip:
                buffer.append(pooled[: len(fresh)].reshape(-1), descriptor)
                pooled = pooled[len(fresh) :]
            clip = buffer.clip()
            self._encoder.understand(ClipBatch(clip.features[None], clip.motion[None], clip.mask[None]))
        print("decided", flush=True)


def main() -> int:
    """Run one baseline on the given streams until standard input ends."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("way", choices=["floor", "usual-int8", "usual-torch"])
    parser.add_argument("urls", nargs="+")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    stop = threading.Event()
    if options.way == "floor":
        targets = [(decode_only, (url, stop)) for url in options.urls]
    else:
        encoder = _encoder(options.way)
        lock = threading.Lock()
        targets = [(UsualWay(url, encoder, lock).run, (stop,)) for url in options.urls]
    threads = [threading.Thread(target=target, args=values, daemon=True) for target, values in targets]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    return 0


def _encoder(way: str) -> Encoder:
    if way == "usual-int8":
        return open_encoder(DEFAULT_DIR, device="cpu", threads=1)
    from models.torch_runtime import TorchEncoder  # noqa: PLC0415 - the base install has no torch

    return TorchEncoder.open(load_checkpoint(DEFAULT_DIR), device="cpu")


if __name__ == "__main__":
    sys.exit(main())
