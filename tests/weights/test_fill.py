import io
import json

import pytest
import torch
from rich.console import Console

from snl_video.errors import PretrainedError
from snl_video.weights import build_model, load_pretrained
from tests.weights.cases import clip, logits, network, saved, state, unchanged

HEAD = ("trunk.blocks.6.proj.weight", "trunk.blocks.6.proj.bias")
STEM = "trunk.blocks.0.conv.weight"
BLOCK = "trunk.blocks.4.res_blocks.4.non_local."
SNL = {"kind": "snl", "places": ["res4.4"]}


def text_of(report):
    console = Console(width=1000, record=True, file=io.StringIO())
    console.print(report.table())
    return console.export_text()


def test_everything_is_loaded_and_reported(tmp_path):
    source, model = network(seed=1), network(seed=2)
    path = saved(tmp_path, source.state_dict())
    report = load_pretrained(model, path)
    assert unchanged(model, source.state_dict())
    assert set(report.loaded) == set(source.state_dict())
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert (report.new_head, report.new_blocks, report.backbone_share) == (False, (), 1.0)
    assert (report.source, report.format) == (str(path), "snl_video")


@pytest.mark.parametrize("num_classes", [4, 6])
def test_a_head_of_other_classes_stays_new_as_a_whole(tmp_path, num_classes):
    source, model = network(seed=1), network(num_classes=num_classes, seed=2)
    before = state(model)
    report = load_pretrained(model, saved(tmp_path, source.state_dict()))
    assert report.new_head
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert report.backbone_share == 1.0
    after = model.state_dict()
    for name, value in source.state_dict().items():
        assert torch.equal(after[name], before[name] if name in HEAD else value), name


@pytest.mark.parametrize(("kept", "lost"), [HEAD, HEAD[::-1]])
def test_half_a_head_is_not_loaded(tmp_path, kept, lost):
    source, model = state(network(seed=1)), network(seed=2)
    before = state(model)
    del source[lost]
    report = load_pretrained(model, saved(tmp_path, source))
    assert report.new_head
    assert (report.missing, report.unexpected) == ((lost,), (kept,))
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in HEAD)


def test_a_file_without_a_head_is_enough(tmp_path):
    source = {name: v for name, v in network(seed=1).state_dict().items() if name not in HEAD}
    report = load_pretrained(network(), saved(tmp_path, source))
    assert (report.new_head, report.missing, report.backbone_share) == (True, (), 1.0)


@pytest.mark.parametrize("backbone", ["i3d_r50", "slowfast_r50_8x8", "i3d_inception"])
def test_plain_weights_go_into_a_network_with_blocks(tmp_path, backbone):
    source = network(backbone, seed=1)
    model = build_model(backbone, 5, width=8, non_local={"kind": "gsnl", "places": "five"})
    report = load_pretrained(model, saved(tmp_path, source.state_dict()))
    places = {entry["place"] for entry in model.non_local}
    assert (set(report.new_blocks), len(places)) == (places, 5)
    assert (report.missing, report.unexpected, report.backbone_share) == ((), (), 1.0)
    torch.testing.assert_close(logits(model, clip()), logits(source, clip()))


def test_blocks_in_the_file_alone_are_reported_as_unexpected(tmp_path):
    source, model = network(seed=1, non_local=SNL), network(seed=2)
    report = load_pretrained(model, saved(tmp_path, source.state_dict()))
    theirs = source.state_dict()
    assert {name.replace(BLOCK, "non_local.res4.4.") for name in theirs if BLOCK in name} == set(
        report.unexpected
    )
    assert all(torch.equal(v, theirs[name]) for name, v in model.state_dict().items())


def test_half_a_block_is_not_loaded(tmp_path):
    source, model = state(network(seed=1, non_local=SNL)), network(seed=2, non_local=SNL)
    before = state(model)
    del source[BLOCK + "phi.weight"]
    report = load_pretrained(model, saved(tmp_path, source))
    assert report.new_blocks == ("res4.4",)
    assert report.missing == ("non_local.res4.4.phi.weight",)
    assert "non_local.res4.4.theta.weight" in report.unexpected
    after = model.state_dict()
    for name, value in before.items():
        expected = value if BLOCK in name else source[name]
        assert torch.equal(after[name], expected), name


def test_a_block_of_another_size_stays_new(tmp_path):
    source = network(seed=1, non_local=SNL)
    model = network(seed=2, non_local={**SNL, "inner_channels": 16})
    before = state(model)
    report = load_pretrained(model, saved(tmp_path, source.state_dict()))
    assert report.new_blocks == ("res4.4",)
    assert ("non_local.res4.4.theta.weight", (64, 128), (16, 128)) in [
        (name, theirs[:2], ours[:2]) for name, theirs, ours in report.mismatched
    ]
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items() if BLOCK in n)


def test_the_share_counts_numbers_of_the_backbone(tmp_path):
    model, source = network(seed=2, non_local=SNL), state(network(seed=1))
    lost = [name for name in source if name.startswith("trunk.blocks.5.")]
    plain = network()
    sizes = {
        name: tensor.numel()
        for named in (plain.named_parameters(), plain.named_buffers())
        for name, tensor in named
        if name not in HEAD and "pixel" not in name and "num_batches" not in name
    }
    expected = 1 - sum(sizes.get(name, 0) for name in lost) / sum(sizes.values())
    for name in lost:
        del source[name]
    report = load_pretrained(model, saved(tmp_path, source), min_share=0.0)
    assert report.backbone_share == pytest.approx(expected, abs=1e-12)
    assert 0.3 < expected < 0.6
    assert set(report.missing) == {name for name in lost if "num_batches" not in name}


def test_a_half_load_is_refused_and_changes_nothing(tmp_path):
    source, model = state(network(seed=1)), network(seed=2, non_local=SNL)
    before = state(model)
    for name in [name for name in source if name.startswith("trunk.blocks.5.")]:
        del source[name]
    path = saved(tmp_path, source)
    with pytest.raises(PretrainedError, match=r"less than min_share = 90\.00%") as caught:
        load_pretrained(model, path)
    assert str(path) in str(caught.value)
    assert "missing: trunk.blocks.5.res_blocks.0.branch1_conv.weight" in str(caught.value)
    assert unchanged(model, before)


def test_the_boundary_of_min_share(tmp_path):
    source = state(network(seed=1))
    del source[STEM]
    path = saved(tmp_path, source)
    share = load_pretrained(network(), path, min_share=0.0).backbone_share
    assert share < 1
    assert load_pretrained(network(), path, min_share=share).backbone_share == share
    with pytest.raises(PretrainedError):
        load_pretrained(network(), path, min_share=share + 1e-6)


def test_another_width_is_refused_with_both_sizes(tmp_path):
    model = network(width=16)
    before = state(model)
    with pytest.raises(
        PretrainedError, match=r"of another size: .*8x3x5x7x7 in the file, 16x3x5x7"
    ):
        load_pretrained(model, saved(tmp_path, network().state_dict()))
    assert unchanged(model, before)


def test_a_near_name_is_pointed_out(tmp_path):
    source = state(network(seed=1))
    source["trunk.blocks.0.conv.weigth"] = source.pop(STEM)
    with pytest.raises(PretrainedError, match=f"near {STEM} the file has .*conv.weigth"):
        load_pretrained(network(), saved(tmp_path, source), min_share=1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", [STEM, HEAD[1], "trunk.unknown"])
def test_what_is_not_finite_is_refused_by_name(tmp_path, name, value):
    source, model = state(network(seed=1)), network(num_classes=4, seed=2)
    before = state(model)
    source.setdefault(name, torch.zeros(9)).view(-1)[2] = value
    with pytest.raises(PretrainedError, match=rf"weights\.pth: {name} holds 1 NaN or infinite"):
        load_pretrained(model, saved(tmp_path, source))
    assert unchanged(model, before)


def test_a_number_too_large_for_the_network_is_refused(tmp_path):
    source, model = state(network(seed=1)), network(seed=2)
    before = state(model)
    source[STEM] = source[STEM].double()
    source[STEM].view(-1)[0] = 1e300
    with pytest.raises(PretrainedError, match=f"{STEM} holds 1 NaN or infinite .*torch.float32"):
        load_pretrained(model, saved(tmp_path, source))
    assert unchanged(model, before)


def test_counters_may_be_absent(tmp_path):
    source = {n: v for n, v in network(seed=1).state_dict().items() if "num_batches" not in n}
    report = load_pretrained(network(), saved(tmp_path, source))
    assert (report.missing, report.backbone_share, report.new_head) == ((), 1.0, False)


def test_short_floats_are_widened_and_integers_do_not_fit(tmp_path):
    source, model = state(network(seed=1)), network(seed=2)
    half = {name: v.half() if v.is_floating_point() else v for name, v in source.items()}
    load_pretrained(model, saved(tmp_path, half))
    assert torch.equal(model.state_dict()[STEM], source[STEM].half().float())
    source[STEM] = source[STEM].long()
    report = load_pretrained(model, saved(tmp_path, source))
    assert [name for name, *_ in report.mismatched] == [STEM]
    source[STEM] = (small := state(network(seed=1))[STEM].to(torch.float8_e4m3fn))
    load_pretrained(model, saved(tmp_path, source))
    assert torch.equal(model.state_dict()[STEM], small.float())


def test_a_network_in_use_keeps_its_tensors(tmp_path):
    model = network(seed=2).double()
    before = {name: value.data_ptr() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    load_pretrained(model, saved(tmp_path, network(seed=1).state_dict()))
    assert {name: value.data_ptr() for name, value in model.state_dict().items()} == before
    assert all(p.requires_grad and p.dtype == torch.float64 for p in model.parameters())
    assert optimizer.param_groups[0]["params"][0] is next(model.parameters())


def test_the_report_is_fit_for_json_and_the_terminal(tmp_path):
    source, model = state(network(seed=1)), network(num_classes=4, non_local=SNL)
    source[STEM] = source[STEM][:, :2]
    source["trunk.extra"] = torch.ones(2)
    report = load_pretrained(model, saved(tmp_path, source))
    report.write_json(tmp_path / "load_report.json")
    found = json.loads((tmp_path / "load_report.json").read_text())
    assert found == report.to_dict()
    assert found["mismatched"] == [
        {"name": STEM, "theirs": [8, 2, 5, 7, 7], "ours": [8, 3, 5, 7, 7]}
    ]
    assert (found["unexpected"], found["new_blocks"]) == (["trunk.extra"], ["res4.4"])
    assert found["new_head"] is True
    text = text_of(report)
    share = f"{report.backbone_share:.2%} of the backbone"
    for part in (
        share,
        report.sha256,
        str(tmp_path),
        "trunk.extra",
        "8x2x5x7x7 in the file, 8x3x5x7x7 here",
        "res4.4",
        "random",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_share": 1.5}, r"min_share must lie in \[0, 1\], got 1.5"),
        ({"min_share": -0.1}, "min_share must lie in"),
        ({"min_share": float("nan")}, "min_share must lie in"),
        ({"format": "onnx"}, "unknown format 'onnx'; choose one of auto, snl_video, pytorchvideo"),
        ({"inflation": "middle"}, "unknown inflation 'middle'; choose one of average, centre"),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    path = saved(tmp_path, network().state_dict())
    with pytest.raises(PretrainedError, match=message):
        load_pretrained(network(), path, **arguments)
