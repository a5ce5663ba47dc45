import pytest
import torch

from snl_video.errors import NetworkError
from snl_video.models import NonLocalSpec, insert_blocks, inserted_blocks, remove_blocks
from snl_video.models.summary import summarise
from snl_video.weights import build_model

TINY = {"width": 8, "dropout": 0.0}


def network(backbone="i3d_r50", non_local=None):
    torch.manual_seed(0)
    return build_model(backbone, 4, non_local=non_local, **TINY)


@pytest.mark.parametrize(
    ("backbone", "places", "expected"),
    [
        ("i3d_r50", "paper", ["res4.4"]),
        ("slowfast_r50_8x8", "paper", ["slow.res4.4"]),
        ("c2d_r50", "five", ["res3.1", "res3.3", "res4.1", "res4.3", "res4.5"]),
        ("slowfast_r50_8x8", ["fast.res3.1", "slow.res4.4"], ["fast.res3.1", "slow.res4.4"]),
        ("slow_r50", "res5.0", ["res5.0"]),
    ],
)
def test_named_places(backbone, places, expected):
    net = network(backbone, {"kind": "snl", "places": places})
    assert [entry["place"] for entry in net.non_local] == expected
    assert set(inserted_blocks(net)) == set(expected)


def test_the_block_sits_after_its_residual_block_and_before_the_next():
    net = network(non_local={"kind": "snl", "places": "paper"}).eval()
    seen = {}
    block = inserted_blocks(net)["res4.4"]
    block.register_forward_hook(lambda m, i, o: seen.update(block=(i[0], o)))
    stage = net.trunk.get_submodule(net.places["res4.4"].path.rpartition(".")[0])
    stage[4].activation.register_forward_hook(lambda m, i, o: seen.update(before=o))
    stage[5].register_forward_hook(lambda m, i, o: seen.update(after=i[0]))
    net(torch.randn(1, 3, 8, 32, 32))
    assert seen["block"][0] is seen["before"]
    assert seen["block"][1] is seen["after"]


def test_every_place_takes_a_block():
    net = network("slowfast_r50_8x8")
    insert_blocks(net, NonLocalSpec("snl", list(net.places)))
    assert net.train()(torch.randn(2, 3, 8, 32, 32)).shape == (2, 4)


def test_two_steps_move_every_parameter_of_every_block():
    net = network(non_local={"kind": "snl", "places": "five"}).train()
    blocks = inserted_blocks(net)
    before = {
        (place, name): parameter.detach().clone()
        for place, block in blocks.items()
        for name, parameter in block.named_parameters()
    }
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    clips = torch.randn(4, 3, 8, 32, 32, generator=torch.Generator().manual_seed(1))
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(clips), torch.tensor([0, 1, 2, 3])).backward()
        optimizer.step()
    still = [
        key
        for key, value in before.items()
        if torch.equal(value, dict(blocks[key[0]].named_parameters())[key[1]])
    ]
    assert not still


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (["res4.6"], r"no place 'res4.6' .*; places: paper, five, res2.0, .*res5.2"),
        (["slow.res4.4"], "no place 'slow.res4.4' in this network .did you mean 'res4.4'"),
        ([], "non_local.places is empty"),
        (["res4.4", "res4.4"], "names 'res4.4' twice"),
    ],
)
def test_bad_places_are_named(places, message):
    with pytest.raises(ValueError, match=message):
        network(non_local={"kind": "snl", "places": places})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"kind": "snl", "places": ["res4.4", "res9.9"]}, "res9"),
        (
            {"kind": "cgnl", "places": ["res3.1", "res2.0"], "options": {"groups": 32}},
            "non_local at res2.0: inner_channels=16 is not divisible",
        ),
    ],
)
def test_a_bad_place_or_block_leaves_the_network_untouched(spec, message):
    net = network()
    before = list(net.state_dict())
    with pytest.raises(NetworkError, match=message):
        insert_blocks(net, spec)
    assert not net.non_local
    assert not inserted_blocks(net)
    assert list(net.state_dict()) == before


def test_places_may_have_blocks_of_different_kinds():
    net = network()
    given = {"paper": {"kind": "gsnl", "options": {"order": 3}}, "res3.1": "nl"}
    entries = insert_blocks(net, given)
    assert [(e["place"], e["kind"]) for e in entries] == [("res4.4", "gsnl"), ("res3.1", "nl")]
    assert entries == net.non_local
    assert {p: block.kind for p, block in inserted_blocks(net).items()} == {
        "res3.1": "nl",
        "res4.4": "gsnl",
    }


def test_removing_the_blocks_gives_the_old_network_back():
    net, plain = network().eval(), network().eval()
    names = [name for name, _ in net.named_parameters()]
    insert_blocks(net, {"places": "five"})
    assert [name for name, _ in net.named_parameters() if ".non_local." not in name] == names
    net.load_state_dict(plain.state_dict(), strict=False)
    removed = remove_blocks(net)
    assert list(removed) == ["res3.1", "res3.3", "res4.1", "res4.3", "res4.5"]
    assert (net.non_local, inserted_blocks(net)) == ([], {})
    assert list(net.state_dict()) == list(plain.state_dict())
    assert not any(module._forward_hooks for module in net.modules())
    clips = torch.randn(1, 3, 8, 32, 32)
    assert torch.equal(net(clips), plain(clips))


def test_a_taken_place_is_refused():
    net = network(non_local={"kind": "snl", "places": "paper"})
    with pytest.raises(ValueError, match=r"'res4\.4' already has a block"):
        insert_blocks(net, {"kind": "nl", "places": "paper"})


def test_summary_of_an_snl_block_by_hand():
    net = build_model("i3d_r50", 400, non_local={"kind": "snl", "places": "paper"})
    (row,) = summarise(net, 8, 224, 224).blocks
    positions, channels, inner = 4 * 14 * 14, 1024, 512
    assert (row.place, row.kind, row.positions) == ("res4.4", "snl", positions)
    assert (row.in_channels, row.inner_channels) == (channels, inner)
    assert row.parameters == 5 * channels * inner + 2 * channels
    projections = 5 * positions * channels * inner
    low_rank, matrix = 4 * positions * inner**2, 2 * positions**2 * inner
    assert row.gmacs == pytest.approx((projections + min(low_rank, matrix)) / 1e9, rel=0.02)


def test_summary_counts_on_a_copy():
    net = network(non_local={"kind": "snl", "places": "paper"})
    summary = summarise(net, 8, 32, 32)
    assert next(net.parameters()).device.type == "cpu"
    assert not inserted_blocks(net)["res4.4"]._forward_hooks
    assert summary.to_dict()["blocks"][0]["place"] == "res4.4"
