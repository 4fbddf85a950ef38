"""Training on several processes and in bfloat16: what one process does alone, shared among two."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

pytest.importorskip("peft", reason="peft is not installed")

from tests.training.teaching import TEXT, classifier, levels, taught
from training.examples import Cut
from training.finetune import FineTuner, FineTuning
from training.hardware import Hardware, device_of, is_main, processes
from training.loop import Hooks, Loop, LoopSettings

REPOSITORY = Path(__file__).parents[2]
INPUTS = torch.randn(12, 4, generator=torch.Generator().manual_seed(1))
TRUTH = INPUTS.sum(dim=1)


def shared_run(*, accumulate: int, out: Path | None = None) -> dict[str, object]:
    """Train on three batches an epoch; return the weights, the batches read, and the kinds of products."""
    torch.manual_seed(0)
    model, read, kinds = nn.Linear(4, 1), [], set()

    def loss(learner, number):
        read.append(number)
        rows = slice(4 * number, 4 * number + 4)
        said = learner(INPUTS[rows]).squeeze(1)
        kinds.add(str(said.dtype))
        return {"total": (said - TRUTH[rows]).square().mean()}

    # Every process scores differently; all must hear the first.
    hooks = Hooks(lambda _: [0, 1, 2], loss, score=lambda _: float(not is_main()))
    settings = LoopSettings(epochs=2, learning_rate=0.05, accumulate=accumulate, patience=None)
    trained = Loop(model, settings, hooks, hardware=Hardware("cpu")).run()
    weights = [*model.weight.flatten().tolist(), *model.bias.tolist()]
    told = {"weights": weights, "read": read, "kinds": sorted(kinds), "score": trained.best_score}
    if out is not None:
        out.write_text(json.dumps({**told, "fine-tuned": fine_tuned(out.with_suffix(""))}))
    return told


def fine_tuned(folder: Path) -> float:
    """Fine-tune both paths, with unlabelled clips and batches without text; return the sum of all weights."""
    examples, clips = taught(folder, levels(6, apart=2))
    few, rest = examples[:8], clips.whole(examples[8:], windows=1)
    unlabelled = [Cut(replace(cut.example, task="", label=-100), cut.window) for cut in rest]
    loop = LoopSettings(epochs=2, learning_rate=1e-2, patience=None, ema_decay=0.9)
    settings = FineTuning(loop=loop, batch_size=4, windows=1, validation_folds=2)
    model = classifier(statistics=("mean",))
    FineTuner(clips, TEXT, settings, hardware=Hardware("cpu"), unlabelled=unlabelled).teach(model, few)
    return float(sum(parameter.detach().double().abs().sum() for parameter in model.parameters()))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What two processes say of one run."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.test_hardware", str(folder / f"{rank}.json")],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            cwd=REPOSITORY,
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=200) for process in running] == [0, 0]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_two_processes_share_the_batches_and_end_with_the_same_weights(shared):
    # Three batches are shared as 0 and 2, 1 and 0 again: as many for each.
    assert [one["read"] for one in shared] == [[0, 2, 0, 2], [1, 0, 1, 0]]
    assert shared[0]["weights"] == shared[1]["weights"]
    assert [one["score"] for one in shared] == [0.0, 0.0]


def test_two_processes_fine_tune_one_model(shared):
    assert shared[0]["fine-tuned"] == shared[1]["fine-tuned"]


def test_two_processes_learn_what_one_learns_that_accumulates(shared):
    torch.manual_seed(0)
    model = nn.Linear(4, 1)

    def loss(learner, number):
        rows = slice(4 * number, 4 * number + 4)
        return {"total": (learner(INPUTS[rows]).squeeze(1) - TRUTH[rows]).square().mean()}

    # Two at once are a step: batches 0 and 1, then 2 and 0. No epoch is better than the first, which is kept.
    settings = LoopSettings(epochs=2, learning_rate=0.05, accumulate=2, patience=None)
    Loop(model, settings, Hooks(lambda _: [0, 1, 2, 0], loss, score=lambda _: 0.0)).run()
    expected = [*model.weight.flatten().tolist(), *model.bias.tolist()]
    assert shared[0]["weights"] == pytest.approx(expected, abs=1e-6)


def test_bf16_multiplies_in_bfloat16_and_leaves_float32_weights_and_a_plain_model():
    model, seen = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1)), set()
    model[0].register_forward_hook(lambda _, __, out: seen.add(out.dtype))
    hooks = Hooks(lambda _: [0], lambda learner, _: {"total": learner(INPUTS).square().mean()})
    Loop(model, LoopSettings(epochs=1, patience=None), hooks, hardware=Hardware("cpu", bf16=True)).run()
    assert seen == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model(INPUTS).dtype == torch.float32
    assert seen == {torch.bfloat16, torch.float32}  # trained, it multiplies as before


def test_one_process_may_train_in_one_format_and_then_in_the_other():
    formats = [Hardware("cpu", bf16=bf16).accelerator().mixed_precision for bf16 in (True, None, True)]
    assert formats == ["bf16", "no", "bf16"]


def test_a_cpu_is_chosen_where_it_is_named_or_there_is_nothing_else():
    assert Hardware("cpu").on_cpu
    assert Hardware("auto").on_cpu is not torch.cuda.is_available()
    assert Hardware("cpu").accelerator().device == torch.device("cpu")
    assert (processes(), is_main()) == (1, True)


def test_a_model_comes_back_from_where_it_learned():
    hardware = Hardware("auto")  # a GPU where there is one
    model, places = nn.Linear(4, 1), set()

    def loss(learner, _):
        places.add(device_of(learner).type)
        return {"total": learner(INPUTS.to(device_of(learner))).square().mean()}

    Loop(
        model,
        LoopSettings(epochs=1, patience=None, ema_decay=0.9),
        Hooks(lambda _: [0], loss),
        hardware=hardware,
    ).run()
    assert places == {"cpu" if hardware.on_cpu else "cuda"}
    assert device_of(model).type == "cpu"


if __name__ == "__main__":
    shared_run(accumulate=1, out=Path(sys.argv[1]))
