"""Auxiliary losses: by name, summed with the agent's own, and what CURL computes and trains."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import encoders
from rad.agents import auxiliary
from rad.agents.auxiliary.curl import CURL, bilinear_info_nce
from rad.agents.base import Agent
from rad.types import Transition
from tests.rad.agents import small, small_ppo
from tests.rad.agents.small import flat, small_agent, small_batch
from tests.rad.runtime.checkpoint.nested import as_saved, same


def encoder() -> encoders.Encoder:
    return encoders.make("pixel:num_layers=1:num_filters=4", (6, 24, 24), generator=torch.Generator().manual_seed(1))


def curl(made: encoders.Encoder, **options: Any) -> CURL:
    return CURL(made, generator=torch.Generator().manual_seed(0), **({"dim": 3} | options))


def views(seed: int = 0) -> Callable[[Tensor], Tensor]:
    """Return what adds noise to images, another one at each call."""
    generator = torch.Generator().manual_seed(seed)
    return lambda images: images / 255 + 0.1 * torch.rand(images.shape, generator=generator)


class TestInfoNCE:
    def test_hand_computed(self) -> None:
        # q W = [[1, 0], [0, 2]]; logits with the keys (1, 1) and (2, 0): [[1, 2], [2, 0]]; the labels are 0 and 1.
        # -log(e / (e + e^2)) = log(1 + e) = 1.3133; -log(1 / (e^2 + 1)) = log(1 + e^2) = 2.1269
        query = torch.eye(2, requires_grad=True)
        weight = torch.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
        loss, metrics = bilinear_info_nce(query, torch.tensor([[1.0, 1.0], [2.0, 0.0]]), weight)
        assert loss.item() == pytest.approx((math.log(1 + math.e) + math.log(1 + math.e**2)) / 2)
        assert {name: value.item() for name, value in metrics.items()} == {
            "curl_loss": pytest.approx(1.7201, abs=1e-4),
            "curl_accuracy": 0.0,
        }
        assert not any(value.requires_grad for value in metrics.values())

    def test_the_side_of_w_matters(self) -> None:
        # q^T W k with W = [[0, 1], [0, 0]] takes q_1 k_2: logits [[1, 0], [0, 0]] of (1, 0), (0, 1) and (0, 1), (1, 0).
        query, key, weight = torch.eye(2), torch.eye(2).flip(0), torch.tensor([[0.0, 1.0], [0.0, 0.0]])
        loss, metrics = bilinear_info_nce(query, key, weight)
        assert loss.item() == pytest.approx((math.log(1 + 1 / math.e) + math.log(2)) / 2)
        assert metrics["curl_accuracy"] == 0.5  # of equal logits the first counts

    def test_a_query_is_right_if_its_own_key_is_the_largest_of_its_row(self) -> None:
        # Logits [[1, 2], [0, 3]]: query 0 prefers key 1; that key 0 prefers query 0 does not count.
        metrics = bilinear_info_nce(torch.eye(2), torch.tensor([[1.0, 0.0], [2.0, 3.0]]), torch.eye(2))[1]
        assert metrics["curl_accuracy"] == 0.5

    def test_alike_keys_give_log_b(self) -> None:
        loss, _ = bilinear_info_nce(torch.randn(5, 2), torch.ones(5, 2), torch.eye(2))
        assert loss.item() == pytest.approx(math.log(5))


class TestCURL:
    def test_gradients_reach_encoder_projection_and_w_and_not_the_keys(self) -> None:
        made = encoder()
        loss = curl(made)
        loss.loss(made, small_batch(), views())[0].backward()
        learned = [*made.parameters(), *loss.projection.parameters(), loss.weight]
        assert all(value.grad is not None and value.grad.any() for value in learned)
        keys = [*loss.key_encoder.parameters(), *loss.key_projection.parameters()]
        assert not any(value.requires_grad or value.grad is not None for value in keys)

    def test_the_key_is_another_view_through_networks_of_its_own(self) -> None:
        made, seen = encoder(), []
        loss = curl(made)
        for network in (made, loss.key_encoder):
            network.register_forward_pre_hook(lambda module, arguments: seen.append((module, arguments[0])))
        loss.loss(made, small_batch(), views())
        (first, query), (second, key) = seen
        assert first is made and second is loss.key_encoder and not torch.equal(query, key)

    def test_a_step_moves_projection_and_w_and_the_keys_by_tau_and_forgets_gradients(self) -> None:
        made = encoder()
        loss = curl(made, tau=0.25)
        before = flat(loss.key_encoder, loss.key_projection)
        old_projection, old_weight, old_encoder = flat(loss.projection), loss.weight.detach().clone(), flat(made)
        loss.loss(made, small_batch(), views())[0].backward()
        with torch.no_grad():
            next(made.parameters()).add_(1.0)  # as the agent's step does
        moved = flat(made)
        loss.step(made)
        assert not torch.equal(flat(loss.projection), old_projection) and not torch.equal(loss.weight, old_weight)
        assert torch.equal(flat(made), moved) and not torch.equal(moved, old_encoder)
        expected = before + 0.25 * (flat(made, loss.projection) - before)
        torch.testing.assert_close(flat(loss.key_encoder, loss.key_projection), expected)
        assert loss.weight.grad is None

    def test_it_learns_to_tell_images_apart(self) -> None:
        made, batch = encoder(), small_batch(size=8)
        loss, draw = curl(made, dim=16), views()
        accuracies = []
        for _ in range(60):
            value, metrics = loss.loss(made, batch, draw)
            value.backward()
            loss.step(made)
            accuracies.append(metrics["curl_accuracy"].item())
        assert accuracies[0] < 0.6 and accuracies[-1] == 1.0

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"dim": 0}, "curl: dim must be from 1 to 65,536, got 0"),
            ({"lr": 0.0}, "curl: lr must be above 0 and finite, got 0.0"),
            ({"tau": 1.5}, "curl: tau must be above 0 and at most 1, got 1.5"),
            ({"coef": -1.0}, "curl: coef must be at least 0 and finite, got -1.0"),
        ],
    )
    def test_options_out_of_range_are_refused(self, options: dict[str, Any], text: str) -> None:
        with pytest.raises(ValueError, match=f"^{text}$"):
            curl(encoder(), **options)


def learned(kind: str, auxiliary_loss: str) -> Tensor:
    """Return an agent's encoder after two updates."""
    agent = small_agent(auxiliary_loss=auxiliary_loss) if kind == "sac" else small_ppo.small_agent(
        auxiliary_loss=auxiliary_loss
    )  # fmt: skip
    for seed in range(2):
        agent.update(small_batch(seed=seed) if kind == "sac" else small_ppo.small_rollout(agent, seed))
    return flat(agent.encoder)


@pytest.mark.parametrize("kind", ["sac", "ppo"])
@pytest.mark.parametrize("option", ["dim=7", "lr=1e-2", "tau=0.5", "coef=2"])
def test_every_option_bites(kind: str, option: str) -> None:
    # A key network that has moved by another rate shows in the second update, as does another projection.
    assert not torch.equal(learned(kind, f"curl:{option}"), learned(kind, "curl"))


@pytest.mark.parametrize("kind", ["sac", "ppo"])
def test_a_weight_of_0_leaves_the_encoder_as_without(kind: str) -> None:
    if kind == "sac":  # the views of CURL are drawn from the generator of PPO's too, so only the first update is alike
        agents = [small_agent("none", auxiliary_loss=spec) for spec in ("none", "curl:coef=0")]
        rows = [agent.update(small_batch("none")) for agent in agents]
    else:
        agents = [small_ppo.small_agent("none", auxiliary_loss=spec) for spec in ("none", "curl:coef=0")]
        rows = [agent.update(small_ppo.small_rollout(agent)) for agent in agents]
    torch.testing.assert_close(flat(agents[0].encoder), flat(agents[1].encoder), rtol=0, atol=1e-7)
    assert {"curl_loss", "curl_accuracy"} == rows[1].keys() - rows[0].keys()


class Shrink:
    """Pulls features toward 0, and keeps count."""

    num_views = 1

    def __init__(self, encoder: encoders.Encoder, *, generator: torch.Generator, weight: float = 1.0) -> None:
        self.weight, self.steps, self.batches = weight, 0, []

    def loss(self, encoder: encoders.Encoder, batch: Transition, view: Any) -> tuple[Tensor, dict[str, Tensor]]:
        self.batches.append(batch)
        size = encoder(view(batch.obs)).square().mean()
        return self.weight * size, {"size": size.detach()}

    def step(self, encoder: encoders.Encoder) -> None:
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Any) -> None:
        self.steps = state["steps"]


@pytest.fixture
def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auxiliary._REGISTRY, "factories", dict(auxiliary._REGISTRY.factories))
    auxiliary.register("shrink", Shrink)


@pytest.mark.usefixtures("shrink")
class TestRegistered:
    def test_one_from_outside_is_known_and_trains_the_encoder(self) -> None:
        assert auxiliary.names() == ("curl", "shrink")
        agents: list[Agent] = [small_agent(auxiliary_loss=spec) for spec in ("none", "shrink:weight=100+curl:dim=4")]
        for agent in agents:
            agent.update(small_batch())
        assert list(agents[1].auxiliary) == ["shrink", "curl"]
        assert not torch.equal(flat(agents[0].encoder), flat(agents[1].encoder))
        assert agents[1].auxiliary["shrink"].steps == 1
        assert torch.equal(agents[1].auxiliary["shrink"].batches[0].obs, small_batch().obs)

    def test_it_steps_once_for_each_minibatch_of_ppo(self) -> None:
        agent = small_ppo.small_agent(auxiliary_loss="shrink")
        agent.update(small_ppo.small_rollout(agent))
        assert agent.auxiliary["shrink"].steps == small_ppo.SIZES["num_epochs"] * small_ppo.SIZES["num_minibatches"]

    def test_its_state_is_the_agents(self) -> None:
        original, restored = (small_agent(auxiliary_loss="shrink+curl:dim=4", seed=seed) for seed in (0, 1))
        original.update(small_batch())
        restored.load_state_dict(as_saved(original.state_dict()))
        assert restored.auxiliary["shrink"].steps == 1
        assert same(restored.update(small_batch(seed=1)), original.update(small_batch(seed=1)))
        assert same(restored.state_dict(), original.state_dict())

    @pytest.mark.parametrize(
        ("spec", "text"),
        [
            ("shrink+shrink:weight=2", r"auxiliary losses must differ from each other, got 'shrink\+shrink:weight=2'"),
            ("curl:dims=3", r"auxiliary loss curl takes each of the options dim=..., lr=..., tau=..., coef=... once"),
            ("curl+none", "unknown auxiliary loss 'none'; known: curl, shrink"),
        ],
    )
    def test_wrong_texts_are_refused(self, spec: str, text: str) -> None:
        with pytest.raises(ValueError, match=f"^{text}"):
            auxiliary.make(spec, encoder(), generator=torch.Generator())

    def test_how_many_views_it_takes_is_declared_and_kept_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Shrink, "num_views", 0)
        with pytest.raises(ValueError, match=r"^auxiliary loss shrink takes more views than its num_views$"):
            small_agent(auxiliary_loss="shrink").update(small_batch())
        monkeypatch.delattr(Shrink, "num_views")
        with pytest.raises(ValueError, match=r"^auxiliary loss shrink must say by num_views how often its loss calls"):
            auxiliary.make("shrink", encoder(), generator=torch.Generator())

    def test_a_name_is_given_once(self) -> None:
        with pytest.raises(ValueError, match="auxiliary loss 'curl' is already registered"):
            auxiliary.register("curl", Shrink)


def test_a_state_from_before_there_were_auxiliary_losses_loads() -> None:
    agent = small_agent()
    state = as_saved(agent.state_dict())
    del state["auxiliary"]
    small_agent(seed=1).load_state_dict(state)


def test_gradient_norms_are_those_of_the_summed_losses() -> None:
    agent = small_agent(auxiliary_loss="curl:coef=50")
    metrics = agent.update(small_batch())
    norms = {part: small.flat_grad(getattr(agent, part)).norm() for part in ("encoder", "critic", "actor")}
    for part, norm in norms.items():
        torch.testing.assert_close(metrics[f"{part}_grad_norm"], norm)
    assert metrics["encoder_grad_norm"] > 2 * small_agent().update(small_batch())["encoder_grad_norm"]
