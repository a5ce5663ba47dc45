"""PySlowFast's checkpoints against its own logits, and against plain functions of their weights."""

import pytest
import torch
import yaml

from snl_video.errors import PretrainedError
from snl_video.weights import build_model, from_slowfast, load_pretrained
from snl_video.weights.formats.pyslowfast.arguments import block_specs
from snl_video.weights.formats.pyslowfast.config import Config
from tests.weights.cases import clip, logits, saved, state, unchanged
from tests.weights.golden import golden
from tests.weights.reference import (
    C2D,
    FAST,
    SLOW,
    Design,
    Reference,
    relative_error,
    slowfast_key,
    wide,
)

ZOO = ("i3d_r50_w8", "i3d_nln_r50_w8", "slowfast_r50_w16")


def config(design, arch="i3d", **changes):
    """What PySlowFast would write of a design; changes are `SECTION__KEY=value`."""
    two = len(design.kernels) == 2
    places = [[[] for _ in design.kernels] for _ in range(4)]
    for stage, i, p in design.blocks:
        places[stage - 2][p].append(i)
    text = {
        "DATA": {
            "MEAN": [0.45, 0.45, 0.45],
            "STD": [0.225, 0.225, 0.225],
            "NUM_FRAMES": 8,
            "INPUT_CHANNEL_NUM": [3] * len(design.kernels),
            "REVERSE_INPUT_CHANNEL": False,
        },
        "BN": {"NORM_TYPE": "batchnorm"},
        "DETECTION": {"ENABLE": False},
        "MODEL": {"ARCH": arch, "NUM_CLASSES": design.classes, "DROPOUT_RATE": 0.25},
        "NONLOCAL": {
            "LOCATION": places,
            "GROUP": [[1] * len(design.kernels)] * 4,
            "INSTANTIATION": design.affinity,
            "POOL": [[list(design.pool or (1, 1, 1))] * len(design.kernels)] * 4,
        },
        "RESNET": {
            "DEPTH": 50,
            "WIDTH_PER_GROUP": design.width,
            "NUM_GROUPS": 1,
            "TRANS_FUNC": "bottleneck_transform",
            "STRIDE_1X1": design.stride_1x1,
            "NUM_BLOCK_TEMP_KERNEL": [[n] * len(design.kernels) for n in (3, 4, 6, 3)],
            "SPATIAL_STRIDES": [[n] * len(design.kernels) for n in (1, 2, 2, 2)],
            "SPATIAL_DILATIONS": [[1] * len(design.kernels)] * 4,
        },
        "SLOWFAST": {
            "ALPHA": design.alpha if two else 8,
            "BETA_INV": design.beta,
            "FUSION_CONV_CHANNEL_RATIO": design.ratio,
            "FUSION_KERNEL_SZ": design.fusion_kernel,
        },
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if value is None:
            del text[section][name]
        else:
            text[section][name] = value
    return text


def checkpoint(folder, design, arch="i3d", x=None, **changes):
    """A checkpoint, and the logits of x that its weights give."""
    reference = Reference(design, slowfast_key)
    wanted = reference(clip() if x is None else x)
    content = {
        "epoch": 3,
        "model_state": reference.weights,
        "cfg": yaml.safe_dump(config(design, arch, **changes)),
    }
    return saved(folder, content, "weights.pyth"), wanted


NL = ((3, 1, 0), (3, 3, 0), (4, 5, 0))
TWO = {"kernels": (SLOW, FAST), "stems": (1, 5), "width": 16}
DESIGNS = {
    "i3d": ("i3d", Design(temporal_pool=True), {}),
    "i3d_nln": ("i3d", Design(temporal_pool=True, blocks=NL), {}),
    "i3d_nopool_dot": ("i3d_nopool", Design(blocks=NL, affinity="dot_product"), {}),
    "c2d": ("c2d", Design((C2D,), (1,), temporal_pool=True, blocks=((2, 0, 0),)), {}),
    "c2d_nopool": ("c2d_nopool", Design((C2D,), (1,), pool=None, blocks=NL), {}),
    "2d_strides": ("2d", Design((C2D,), (1,), stride_1x1=True), {}),
    "slow": ("slow", Design((SLOW,), (1,), width=4, blocks=NL, affinity="dot_product"), {}),
    "slow_few_kernels": (
        "slow",
        Design(((*SLOW[:2], (3, 3, 1, 1, 1, 1), (1, 1, 1)),), (1,)),
        {"RESNET__NUM_BLOCK_TEMP_KERNEL": [[3], [4], [2], [0]]},
    ),
    "slow_r101": (
        "slow",
        Design(((*SLOW[:2], (3,) * 6 + (1,) * 17, SLOW[3]),), (1,), width=4, blocks=((4, 20, 0),)),
        {"RESNET__DEPTH": 101},
    ),
    "slowfast": ("slowfast", Design(**TWO), {}),
    "slowfast_nln": (
        "slowfast",
        Design(**TWO, beta=4, alpha=2, fusion_kernel=7, blocks=((3, 1, 0), (4, 2, 1), (4, 0, 0))),
        {},
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_gives_pyslowfasts_logits(name):
    path, values = golden("slowfast_zoo", name, ".pyth")
    network = from_slowfast(path)
    assert relative_error(logits(network, values["input"]), values["logits"]) < 1e-4
    assert relative_error(logits(network, values["input"]).softmax(1), values["probs"]) < 1e-4


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("i3d_r50_w8", {"backbone": "i3d_r50", "width": 8}),
        (
            "i3d_nln_r50_w8",
            {
                "backbone": "i3d_r50",
                "width": 8,
                "non_local": {
                    "kind": "nl",
                    "places": "five",
                    "options": {"bias": True, "scale": True, "pool": (1, 2, 2)},
                },
            },
        ),
        ("slowfast_r50_w16", {"backbone": "slowfast_r50_8x8", "width": 16}),
    ],
)
def test_gives_pyslowfasts_logits_in_a_network_built_by_hand(name, arguments):
    path, values = golden("slowfast_zoo", name, ".pyth")
    network = build_model(num_classes=11, **arguments)
    report = load_pretrained(network, path)
    assert (report.format, report.missing, report.unexpected) == ("slowfast", (), ())
    assert relative_error(logits(network, values["input"]), values["logits"]) < 1e-4


@pytest.mark.parametrize("name", DESIGNS)
def test_computes_what_the_configuration_says(tmp_path, name):
    arch, design, changes = DESIGNS[name]
    path, wanted = checkpoint(tmp_path, design, arch, **changes)
    network = from_slowfast(path)
    assert relative_error(wide(network, clip()), wanted) < 1e-9
    prefix = ("slow.", "fast.") if arch == "slowfast" else ("",)
    places = {f"{prefix[p]}res{stage}.{i}" for stage, i, p in design.blocks}
    assert {entry["place"] for entry in network.non_local} == places


def test_every_tensor_of_the_file_arrives(tmp_path):
    """Each moves one of the network's: none is dropped, none is taken twice."""
    design = Design((SLOW, FAST), (1, 5), width=8, classes=3, blocks=((3, 1, 0),))
    path, _ = checkpoint(tmp_path, design, "slowfast")
    content = torch.load(path, weights_only=True)
    before = from_slowfast(path).state_dict()
    for name in content["model_state"]:
        content["model_state"][name] = content["model_state"][name] + 1
    after = from_slowfast(saved(tmp_path, content, "moved.pyth")).state_dict()
    still = [n for n in before if torch.equal(before[n], after[n])]
    assert all(name.endswith("num_batches_tracked") for name in still)
    counters = sum(name.endswith("num_batches_tracked") for name in before)
    assert len(before) - counters == len(content["model_state"])


def test_is_built_again_by_name(tmp_path):
    arch, design, _ = DESIGNS["slowfast_nln"]
    path, _ = checkpoint(tmp_path, design, arch, DATA__MEAN=[0.4, 0.5, 0.6])
    network = from_slowfast(path)
    (spec,) = block_specs(Config.of(torch.load(path, weights_only=True)))
    options = {"alpha": 2, "beta_inverse": 4, "pixel_mean": [0.4, 0.5, 0.6]}
    again = build_model("slowfast_r50_8x8", 7, width=16, backbone_options=options, non_local=spec)
    assert again.non_local == network.non_local
    again.load_state_dict(network.state_dict())
    assert torch.equal(logits(again, clip()), logits(network, clip()))
    pixels = torch.arange(24, dtype=torch.uint8).view(1, 3, 2, 2, 2)
    assert torch.equal(again.normalise(pixels), network.normalise(pixels))


def test_takes_the_pixel_statistics_and_the_dropout(tmp_path):
    changes = {"DATA__MEAN": [0.1, 0.2, 0.3], "DATA__STD": [0.5, 1, 2.0]}
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True), **changes)
    white = torch.full((1, 3, 1, 1, 1), 255, dtype=torch.uint8)
    network = from_slowfast(path)
    torch.testing.assert_close(network.normalise(white).flatten(), torch.tensor([1.8, 0.8, 0.35]))

    def rates(network):
        return [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)]

    assert rates(network) == [0.25]
    assert rates(from_slowfast(path, dropout=0.75)) == [0.75]


@pytest.mark.parametrize("arch", ["i3d", "slowfast"])
def test_a_network_of_bgr_takes_rgb(tmp_path, arch):
    design = Design(temporal_pool=True) if arch == "i3d" else Design(**TWO)
    path, wanted = checkpoint(
        tmp_path, design, arch, x=clip().flip(1), DATA__REVERSE_INPUT_CHANNEL=True
    )
    assert relative_error(wide(from_slowfast(path), clip()), wanted) < 1e-9


def test_pools_that_differ_from_stage_to_stage(tmp_path):
    design = Design(temporal_pool=True, blocks=NL)
    pools = [[[1, 2, 2]], [[1, 2, 2]], [[1, 1, 1]], [[1, 2, 2]]]
    path, _ = checkpoint(tmp_path, design, NONLOCAL__POOL=pools)
    network = from_slowfast(path)
    found = {entry["place"]: entry["options"]["pool"] for entry in network.non_local}
    assert found == {"res3.1": [1, 2, 2], "res3.3": [1, 2, 2], "res4.5": None}


@pytest.mark.parametrize(
    ("arch", "changes", "message"),
    [
        ("x3d", {}, "MODEL.ARCH is 'x3d'"),
        ("i3d", {"MODEL__ARCH": None}, "has no MODEL.ARCH"),
        ("i3d", {"RESNET__DEPTH": 18}, "RESNET.DEPTH is 18, but only 50 or 101"),
        ("i3d", {"RESNET__NUM_GROUPS": 32}, "RESNET.NUM_GROUPS is 32"),
        ("i3d", {"RESNET__TRANS_FUNC": "basic_transform"}, "RESNET.TRANS_FUNC is 'basic"),
        ("i3d", {"RESNET__SPATIAL_DILATIONS": [[1], [1], [1], [2]]}, "RESNET.SPATIAL_DILATIONS"),
        ("i3d", {"RESNET__SPATIAL_STRIDES": [[1], [2], [2], [1]]}, "RESNET.SPATIAL_STRIDES"),
        ("i3d", {"RESNET__WIDTH_PER_GROUP": 0}, "RESNET.WIDTH_PER_GROUP must be .* got 0"),
        ("i3d", {"RESNET__NUM_BLOCK_TEMP_KERNEL": [[3]]}, "RESNET.NUM_BLOCK_TEMP_KERNEL"),
        ("i3d", {"RESNET__NUM_BLOCK_TEMP_KERNEL": [[3], [9], [6], [3]]}, "temporal_blocks"),
        ("i3d", {"MODEL__NUM_CLASSES": "many"}, "MODEL.NUM_CLASSES must be .* got 'many'"),
        ("i3d", {"DETECTION__ENABLE": True}, "DETECTION.ENABLE is True"),
        ("i3d", {"BN__NORM_TYPE": "layernorm"}, "BN.NORM_TYPE is 'layernorm'"),
        ("i3d", {"DATA__MEAN": [0.45]}, "DATA.MEAN must hold three numbers"),
        ("i3d", {"DATA__INPUT_CHANNEL_NUM": [2]}, "DATA.INPUT_CHANNEL_NUM is"),
        ("i3d", {"NONLOCAL__INSTANTIATION": "gaussian"}, "NONLOCAL.INSTANTIATION is 'gaussian'"),
        ("i3d", {"NONLOCAL__GROUP": [[1], [4], [4], [1]]}, "NONLOCAL.GROUP of res3 is 4"),
        ("i3d", {"NONLOCAL__LOCATION": [[[]], [[7]], [[]], [[]]]}, "no place 'res3.7'"),
        ("i3d", {"NONLOCAL__LOCATION": [[["a"]]]}, "NONLOCAL.LOCATION of res2 must be numbers"),
        ("i3d", {"NONLOCAL__POOL": [[], [], [], []]}, "NONLOCAL.POOL must hold four stages"),
        ("slowfast", {"SLOWFAST__BETA_INV": 3}, "SLOWFAST.BETA_INV = 3 is no multiple"),
        ("slowfast", {"DATA__NUM_FRAMES": 6}, "DATA.NUM_FRAMES = 6 is no multiple .* = 4"),
        ("slowfast", {"RESNET__WIDTH_PER_GROUP": 12}, "RESNET.WIDTH_PER_GROUP = 12 is no mult"),
    ],
)
def test_what_cannot_be_built_is_named(tmp_path, arch, changes, message):
    design = Design(**TWO) if arch == "slowfast" else Design(blocks=NL, temporal_pool=True)
    content = {
        "model_state": {"s1.pathway0_stem.conv.weight": torch.zeros(8, 3, 5, 7, 7)},
        "cfg": yaml.safe_dump(config(design, arch, **changes)),
    }
    path = saved(tmp_path, content)
    with pytest.raises(PretrainedError, match=f"weights.pth: .*{message}"):
        from_slowfast(path)


def test_a_configuration_is_never_run(tmp_path):
    marker = tmp_path / "ran"
    stem = {"s1.pathway0_stem.conv.weight": torch.zeros(8, 3, 5, 7, 7)}
    text = f"MODEL: !!python/object/apply:os.system ['touch {marker}']"
    with pytest.raises(PretrainedError, match="'cfg' is no plain YAML"):
        from_slowfast(saved(tmp_path, {"model_state": stem, "cfg": text}))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        (None, "no configuration text under 'cfg'"),
        ("- a\n- b", "'cfg' holds a list"),
        ("a: [b", "'cfg' is no plain YAML"),
    ],
)
def test_a_configuration_must_be_a_mapping_as_text(tmp_path, cfg, message):
    stem = {"s1.pathway0_stem.conv.weight": torch.zeros(8, 3, 5, 7, 7)}
    content = {"model_state": stem} | ({} if cfg is None else {"cfg": cfg})
    with pytest.raises(PretrainedError, match=message):
        from_slowfast(saved(tmp_path, content))


def test_a_configuration_that_unfolds_without_end_is_refused_in_few_words(tmp_path):
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    text = "\n".join([*lines, "MODEL: {ARCH: *a29}"])
    stem = {"s1.pathway0_stem.conv.weight": torch.zeros(8, 3, 5, 7, 7)}
    with pytest.raises(PretrainedError, match=r"MODEL\.ARCH is") as error:
        from_slowfast(saved(tmp_path, {"model_state": stem, "cfg": text}))
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("s4.pathway0_res2.branch2.b_bn.running_var"), "missing: trunk.*norm_b"),
        (lambda w: w.update(extra=torch.zeros(1)), "unexpected: extra"),
        (lambda w: w.update({"head.projection.bias": torch.zeros(9)}), "incomplete: .*proj"),
        (lambda w: w.pop("s3.pathway0_nonlocal3.conv_g.bias"), "incomplete blocks: res3.3"),
        (
            lambda w: w.update({"s2.pathway0_res1.branch2.a.weight": torch.zeros(8, 32, 1, 1, 1)}),
            "of another size: trunk.* 8x32x1x1x1 in the file, 8x32x3x1x1 here",
        ),
    ],
)
def test_weights_that_are_not_the_configurations_are_refused(tmp_path, change, message):
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    content = torch.load(path, weights_only=True)
    change(content["model_state"])
    with pytest.raises(PretrainedError, match=rf"(?s)does not hold the network.*{message}"):
        from_slowfast(saved(tmp_path, content))


def test_another_projects_file_is_refused(tmp_path):
    path = saved(tmp_path, {"state_dict": {"conv1.weight": torch.zeros(2)}, "cfg": "a: 1"})
    with pytest.raises(PretrainedError, match="no checkpoint of PySlowFast's"):
        from_slowfast(path)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"bias": True, "scale": True, "pool": [1, 2, 2]}, True),
        ({"bias": True, "scale": True, "pool": [1, 2, 2], "checkpoint": True}, True),
        ({"bias": True, "scale": False, "pool": [1, 2, 2]}, False),
        ({"bias": True, "scale": True}, False),
        ({"bias": True, "pool": [1, 2, 2], "affinity": "dot_product"}, False),
        ({"scale": True, "pool": [1, 2, 2]}, False),
    ],
)
def test_a_block_that_computes_something_else_stays_new(tmp_path, options, same):
    path, wanted = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    places = ["res3.1", "res3.3", "res4.5"]
    spec = {"kind": "nl", "places": places, "options": options}
    network = build_model("i3d_r50", 7, width=8, non_local=spec)
    report = load_pretrained(network, path)
    assert report.new_blocks == (() if same else tuple(places))
    assert report.backbone_share == 1
    error = relative_error(wide(network, clip()), wanted)
    assert error < 1e-9 if same else error > 1e-3


def test_a_block_of_another_kind_stays_new_without_a_configuration(tmp_path):
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    weights = torch.load(path, weights_only=True)["model_state"]
    spec = {"kind": "a2", "places": ["res3.1"], "options": {"bias": True}}
    network = build_model("i3d_r50", 7, width=8, non_local=spec)
    report = load_pretrained(network, saved(tmp_path, weights))
    assert (report.format, report.new_blocks) == ("slowfast", ("res3.1",))
    assert "s3.pathway0_nonlocal1.conv_theta.weight" in report.unexpected


def test_weights_go_into_a_network_without_their_blocks(tmp_path):
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    network = build_model("i3d_r50", 7, width=8)
    report = load_pretrained(network, path)
    assert report.missing == ()
    assert {name.split(".")[3] for name in report.unexpected} <= {"theta", "phi", "units"}


def test_weights_of_another_network_change_nothing(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**TWO), "slowfast")
    for backbone in ("slow_r50", "i3d_inception"):
        network = build_model(backbone, 7, width=16)
        before = state(network)
        with pytest.raises(PretrainedError, match="less than min_share"):
            load_pretrained(network, path)
        assert unchanged(network, before)
