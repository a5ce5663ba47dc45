"""Probes learn what can be learnt, and are a function of their seed."""

import pytest
import torch
import yaml

from snl_video.errors import InputError
from snl_video.models.block_gains import block_gain
from snl_video.recipe_files import find_recipe
from snl_video.training.probe_fit import ProbeFitSettings, fit_probe, probe_scores
from snl_video.training.probe_kinds import CONTROLS, VARIANTS, probe_head_spec

SMALL = ProbeFitSettings(inner_channels=4, channels=8, steps=60, batch_size=8, dropout=0.0, lr=0.02)


def separable(number=24, views=2):
    """Features (N, V, 6, 2, 3, 3) in whose first channels the class is raised, and labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(number) % 3
    features = torch.randn(number, views, 6, 2, 3, 3, generator=generator)
    features[torch.arange(number), :, labels] += 2
    return features.half(), labels


@pytest.mark.parametrize("kind", [*CONTROLS, "nl", "snl", "gsnl"])
def test_every_kind_learns(kind):
    features, labels = separable()
    head = fit_probe(features, labels, probe_head_spec(kind, SMALL), 3, SMALL, seed=0)
    scores = probe_scores(head, features)
    torch.testing.assert_close(scores.sum(1), torch.ones(len(labels)))
    assert (scores.argmax(1) == labels).float().mean() > 0.9
    if kind not in ("none", "mlp"):
        assert block_gain(head.block) > 0.001  # it left the identity


def test_the_same_seed_gives_the_same_head_and_another_one_another():
    features, labels = separable()
    spec = probe_head_spec("snl", SMALL)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    heads = [fit_probe(features, labels, spec, 3, SMALL, seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    first, again, other = (torch.cat([p.flatten() for p in h.parameters()]) for h in heads)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_scores_are_the_mean_over_views():
    features, labels = separable(6)
    head = fit_probe(features, labels, probe_head_spec("none", SMALL), 3, SMALL, seed=0)
    of_views = [probe_scores(head, features[:, v : v + 1]) for v in range(2)]
    torch.testing.assert_close(probe_scores(head, features), torch.stack(of_views).mean(0))


def test_features_of_the_head_have_no_positions_and_learn_too():
    features, labels = separable()
    pooled = features.float().mean((3, 4, 5))
    head = fit_probe(pooled, labels, probe_head_spec("none", SMALL), 3, SMALL, seed=0)
    assert (probe_scores(head, pooled).argmax(1) == labels).float().mean() > 0.9


def test_controls_are_what_they_are_called():
    block = {kind: probe_head_spec(kind, SMALL).build(6, 3).block for kind in CONTROLS}
    x = torch.randn(1, 6, 2, 2, 2)
    eye, mean = (block[kind].graph(x).dense()[0] for kind in ("order_1", "mean_graph"))
    torch.testing.assert_close(eye, torch.eye(8))
    torch.testing.assert_close(mean, torch.full((8, 8), 1 / 8))
    assert isinstance(block["mlp"], torch.nn.Identity)
    assert probe_head_spec("mlp", SMALL).hidden == 8


@pytest.mark.parametrize("kind", VARIANTS)
def test_a_variant_is_the_overlay_of_its_name(kind):
    overlay = yaml.safe_load(find_recipe(f"blocks/{kind}").read_text())["model"]["non_local"]
    assert VARIANTS[kind] == {"kind": overlay["kind"], **overlay["options"]}
    block = probe_head_spec(kind, SMALL).build(6, 3).block
    assert block.options["focus"] == overlay["options"]["focus"]


def test_an_unknown_kind_is_told():
    with pytest.raises(InputError, match="unknown kind 'snll', did you mean 'snl'"):
        probe_head_spec("snll", SMALL)
