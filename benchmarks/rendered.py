"""The demo's plaza as a data set of its own: usual life to learn from, a runner and a cart to be found.

    python -m benchmarks.rendered OUT
    videobert-train anomaly --train OUT/train --test OUT/test --pictures OUT/drawn --curves OUT/drawn

It is drawn, so its pictures may be shown: those in docs/images are some of what these two lines draw.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np

from daemon.demo.perspective import HEIGHT_PX, WIDTH_PX
from daemon.demo.scenes import FPS, picture_stream
from daemon.demo.script import PLAZA, SCRIPT, Deed

# The script begins with usual life; each seed is another crowd.
USUAL_S, LESSONS = 24, 10
TEST = (18, 54)
UNUSUAL = (Deed.RUN, Deed.CART)


def write(path: Path, pictures: Iterator[np.ndarray]) -> None:
    """Encode pictures (H, W, 3)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def labels() -> list[int]:
    """Return 1 for each test frame of a deed that is to be found."""
    spans = [(act.start_s, act.end_s) for act in SCRIPT if act.deed in UNUSUAL]
    times = np.arange(TEST[0] * FPS, TEST[1] * FPS) / FPS
    return [int(any(start <= time < end for start, end in spans)) for time in times.tolist()]


def main() -> int:
    """Write the lessons, the test clip and its labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for seed in range(2, 2 + LESSONS):
        usual = islice(picture_stream(PLAZA, seed=seed), USUAL_S * FPS)
        write(options.out / f"train/usual-{seed:02}.mp4", usual)
    script = picture_stream(PLAZA, seed=1)
    write(options.out / "test/plaza.mp4", islice(script, TEST[0] * FPS, TEST[1] * FPS))
    (options.out / "test/frame_labels.json").write_text(json.dumps({"plaza": labels()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
