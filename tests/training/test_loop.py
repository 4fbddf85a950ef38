"""The training loop: it learns, stops in time, and goes on as if it had not been interrupted."""

import pytest
import torch
from torch import nn

from training.loop import (
    Hooks,
    Loop,
    LoopSettings,
    TrainingError,
    epochs_done,
    parameter_groups,
    warmup_cosine,
)

INPUTS = torch.randn(32, 4, generator=torch.Generator().manual_seed(1))
TRUTH = INPUTS @ torch.tensor([1.0, -2.0, 0.5, 0.0])


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))


def batches(epoch):
    order = torch.randperm(32, generator=torch.Generator().manual_seed(epoch))
    return order.split(8)


def loss(model, rows):
    return {"total": (model(INPUTS[rows]).squeeze(1) - TRUTH[rows]).square().mean()}


def error(model):
    with torch.no_grad():
        return loss(model, torch.arange(32))["total"].item()


def settings(**changes):
    return LoopSettings(**{"epochs": 4, "learning_rate": 0.05, "patience": None, **changes})


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_training_lowers_the_loss():
    model = network()
    before = error(model)
    Loop(model, settings(epochs=20), Hooks(batches, loss)).run()
    assert error(model) < before / 4


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, ema_decay):
    whole, broken, resumed = network(), network(), network()
    hooks = Hooks(batches, loss, score=lambda model: -error(model))
    Loop(whole, settings(ema_decay=ema_decay), hooks).run()

    def fail_in_the_third_epoch(model, rows):
        if fail_in_the_third_epoch.batches == 10:  # 4 batches an epoch: the third epoch's third
            raise KeyboardInterrupt
        fail_in_the_third_epoch.batches += 1
        return loss(model, rows)

    fail_in_the_third_epoch.batches = 0
    state = tmp_path / "state.pt"
    with pytest.raises(KeyboardInterrupt):
        Loop(
            broken,
            settings(ema_decay=ema_decay),
            Hooks(batches, fail_in_the_third_epoch, score=lambda m: -error(m)),
        ).run(state=state)
    trained = Loop(resumed, settings(ema_decay=ema_decay), hooks).run(state=state)
    assert trained.epochs == 4
    assert torch.equal(weights(resumed), weights(whole))


def test_the_best_epoch_is_kept_and_patience_ends_the_run():
    scores = iter([1.0, 3.0, 2.0, 2.5, 9.0])
    kept = []

    def score(model):
        kept.append(weights(model))
        return next(scores)

    model = network()
    trained = Loop(model, settings(epochs=5, patience=1), Hooks(batches, loss, score)).run()
    # Epoch 1 is the best; epoch 2 brings nothing better, which is as long as patience waits.
    assert (trained.epochs, trained.best_score, trained.best_epoch) == (3, 3.0, 1)
    assert torch.equal(weights(model), kept[1])


def test_accumulated_batches_step_like_one_large_batch():
    once, piecewise = nn.Linear(4, 1), nn.Linear(4, 1)
    piecewise.load_state_dict(once.state_dict())
    rows = torch.arange(32)
    Loop(once, settings(epochs=1), Hooks(lambda _: [rows], loss)).run()
    Loop(piecewise, settings(epochs=1, accumulate=4), Hooks(lambda _: rows.split(8), loss)).run()
    assert torch.allclose(weights(once), weights(piecewise), atol=1e-6)


def test_accumulated_losses_are_weighed_once():
    def gradient(parts):
        model, found = nn.Linear(4, 1), []
        model.load_state_dict({"weight": torch.zeros(1, 4), "bias": torch.zeros(1)})
        chosen = settings(epochs=1, accumulate=len(parts), max_grad_norm=1e9)
        hooks = Hooks(lambda _: parts, loss, stepped=lambda _: found.append(model.weight.grad.clone()))
        Loop(model, chosen, hooks).run()
        return found

    # The mean of the gradients of four quarters is the gradient of the whole.
    torch.testing.assert_close(gradient(torch.arange(32).split(8)), gradient([torch.arange(32)]))


def test_an_epoch_before_ranks_are_settled_is_not_the_best():
    scores = iter([9.0, 1.0, 3.0, 2.0])
    trained = Loop(network(), settings(judge_from=1), Hooks(batches, loss, lambda _: next(scores))).run()
    assert (trained.epochs, trained.best_score, trained.best_epoch) == (4, 3.0, 2)


def test_every_epoch_reports_its_mean_losses_and_its_score():
    told = []
    hooks = Hooks(batches, loss, lambda _: 0.5, lambda epoch, figures: told.append((epoch, sorted(figures))))
    Loop(network(), settings(epochs=2), hooks).run()
    assert told == [(0, ["loss/total", "score"]), (1, ["loss/total", "score"])]


def test_a_loss_that_is_no_number_ends_the_run():
    hooks = Hooks(batches, lambda model, rows: {"total": loss(model, rows)["total"] * float("nan")})
    with pytest.raises(TrainingError, match="epoch 0 is nan"):
        Loop(network(), settings(), hooks).run()


def test_a_state_of_something_else_is_refused(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"half a fi")
    with pytest.raises(TrainingError, match=r"state\.pt holds no state of this run"):
        Loop(network(), settings(), Hooks(batches, loss)).run(state=tmp_path / "state.pt")


def test_a_state_tells_after_how_many_epochs_it_was_written(tmp_path):
    state = tmp_path / "state.pt"
    assert epochs_done(state) == 0
    Loop(network(), settings(epochs=3), Hooks(batches, loss)).run(state=state)
    assert epochs_done(state) == 3
    state.write_bytes(b"half a fi")
    with pytest.raises(TrainingError, match="holds no state of a run"):
        epochs_done(state)


def test_only_matrices_decay_and_frozen_parameters_are_left_out():
    model = network()
    model[2].weight.requires_grad_(requires_grad=False)
    decaying, others = parameter_groups(model, 0.1)
    assert [tuple(p.shape) for p in decaying["params"]] == [(8, 4)]
    assert [tuple(p.shape) for p in others["params"]] == [(8,), (1,)]
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


@pytest.mark.parametrize(("step", "factor"), [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (55, 0.5), (100, 0.0)])
def test_the_learning_rate_rises_and_falls_along_a_cosine(step, factor):
    assert warmup_cosine(step, 100, 0.1) == pytest.approx(factor)
