import re

import pytest

from snl_video.training.layout import depths, module_spots, parameter_spots, place_position
from snl_video.weights import build_model


def network(backbone, **options):
    return build_model(backbone, 4, width=8, dropout=0.0, **options)


def expected_resnet(name):
    """(part, place) of a parameter of a single-pathway residual network, by its name alone."""
    if ".non_local." in name:
        part = "blocks"
    elif re.match(r"trunk\.blocks\.\d+\.proj\.", name):
        return "head", None
    else:
        part = "backbone"
    found = re.match(r"trunk\.blocks\.(\d+)\.res_blocks\.(\d+)\.", name)
    return part, (int(found[1]), int(found[2])) if found else None


@pytest.mark.parametrize("backbone", ["i3d_r50", "c2d_r50", "slow_r50"])
def test_residual_networks_by_name(backbone):
    net = network(backbone, non_local={"kind": "snl", "places": ["res3.1", "res4.4"]})
    numbers = sorted({re.match(r"blocks\.(\d+)", p.path)[1] for p in net.places.values()})
    stages = {int(number): f"res{i}" for i, number in enumerate(numbers, 2)}
    names = list(net.places)
    spots = parameter_spots(net)
    assert set(spots) == {name for name, _ in net.named_parameters()}
    for name, spot in spots.items():
        part, place = expected_resnet(name)
        assert spot.part == part, name
        if part == "head":
            assert spot.position == len(names)
        elif place is None:
            assert spot.position == -1, name
        else:
            assert names[spot.position] == f"{stages[place[0]]}.{place[1]}", name
    assert {spot.part for spot in spots.values()} == {"backbone", "blocks", "head"}


def test_slowfast_pathways_are_equally_deep_and_laterals_follow_their_stage():
    net = network("slowfast_r50_8x8")
    names, levels = list(net.places), depths(net)
    depth = dict(zip(names, levels[1:-1], strict=True))
    assert depth["slow.res4.3"] == depth["fast.res4.3"] == 3 + 4 + 4
    assert (levels[0], levels[-1]) == (0, 3 + 4 + 6 + 3 + 1)
    spots = module_spots(net)
    laterals = [name for name in spots if name.endswith("multipathway_fusion.conv_fast_to_slow")]
    assert [spots[name].position for name in laterals] == [
        -1,
        *(names.index(f"fast.res{stage}") for stage in ("2.2", "3.3", "4.5")),
    ]
    heads = [name for name, spot in parameter_spots(net).items() if spot.part == "head"]
    assert len(heads) == 2
    assert all(".proj." in name for name in heads)


def test_inception_units():
    net = network("i3d_inception", non_local={"kind": "snl", "places": ["Mixed_4e"]})
    names = list(net.places)
    for name, spot in parameter_spots(net).items():
        top = name.split(".")[1]
        if top == "logits":
            assert spot == ("head", len(names))
        elif top in names:
            assert spot.position == names.index(top)
            assert spot.part == ("blocks" if ".non_local." in name else "backbone")
        else:
            assert spot == ("backbone", -1), name


@pytest.mark.parametrize(
    ("backbone", "place", "end"),
    [
        ("slow_r50", "stem", None),
        ("slow_r50", "res4", "res4.5"),
        ("slow_r50", "res4.2", "res4.2"),
        ("slowfast_r50_8x8", "res3", "fast.res3.3"),
        ("slowfast_r50_8x8", "slow.res3", "slow.res3.3"),
        ("i3d_inception", "Mixed_4f", "Mixed_4f"),
    ],
)
def test_names_of_places(backbone, place, end):
    net = network(backbone)
    expected = -1 if end is None else list(net.places).index(end)
    assert place_position(net, place, "freeze.until") == expected


def test_an_unknown_place_lists_the_places():
    with pytest.raises(
        ValueError, match=r"freeze\.until: no place 'res4\.9' .*did you mean 'res4\.5'.*stem.*res5"
    ):
        place_position(network("slow_r50"), "res4.9", "freeze.until")
