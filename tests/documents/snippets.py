"""The code blocks of a document, to be run as they stand, and a folder of clips that they can be run on."""

import re
import shlex
from pathlib import Path

from tests.media import HEIGHT_PX, WIDTH_PX, moving_square, scene, write_video
from tests.models.inputs import one_thread

REPOSITORY = Path(__file__).parents[2]


def code_blocks(document: str, heading: str | None = None) -> list[str]:
    """Return the Python blocks of a document, or of its section of the second level."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    if heading is not None:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(block: str, names: dict[str, object] | None = None) -> dict[str, object]:
    """Run a block as a script and return what it has defined; `names` are those defined before it."""
    defined = {"__name__": "__main__", **(names or {})}
    with one_thread():
        exec(compile(block, "a document's block", "exec"), defined)
    return defined


def write_clips(folder: Path, *, groups: int = 4, each: int = 2) -> Path:
    """Write videos of 2 s, of `each` label some in every group: a square that walks, and one that falls."""
    folder.mkdir()
    lines = ["file,label,group"]
    for group in range(groups):
        for number in range(each):
            for label in ("walk", "fall"):
                name = f"{label}-{group}-{number}.mp4"
                write_video(folder / name, pictures(label, seed=each * group + number), fps=10)
                lines.append(f"{name},{label},scene-{group}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def pictures(label: str, *, seed: int) -> list:
    """Return 20 pictures of a square that crosses the scene, or that falls to its ground."""
    if label == "walk":
        return list(moving_square(20, step_px=8 + seed))
    fallen = []
    for index in range(20):
        picture = scene(seed=0).copy()
        left, bottom = WIDTH_PX // 4 + 10 * seed, min(HEIGHT_PX, 40 + (8 + seed) * index)
        picture[bottom - 40 : bottom, left : left + 40] = 255
        fallen.append(picture)
    return fallen


def commands(document: str) -> list[list[str]]:
    """Return the words of each command of ours in a document's shell blocks, without comments and "…"."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [line.strip() for line in blocks.splitlines()]
    return [
        [word for word in shlex.split(line, comments=True) if word != "…"]
        for line in lines
        if line.startswith(("videobertd ", "videobert-train "))
    ]
