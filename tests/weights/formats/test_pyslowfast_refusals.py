"""What of PySlowFast's checkpoints can't be built or does not fit."""

import pytest
import torch
import yaml

from snl_video.errors import PretrainedError
from snl_video.weights import build_model, from_slowfast, load_pretrained
from tests.weights.cases import saved, state, unchanged
from tests.weights.reference import (
    Design,
)
from tests.weights.slowfast_checkpoints import NL, TWO, checkpoint, config


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
        ("i3d", {"RESNET__WIDTH_PER_GROUP": 0}, "RESNET.WIDTH_PER_GROUP is 0, but only a whole"),
        ("i3d", {"RESNET__NUM_BLOCK_TEMP_KERNEL": [[3]]}, "RESNET.NUM_BLOCK_TEMP_KERNEL"),
        ("i3d", {"RESNET__NUM_BLOCK_TEMP_KERNEL": [[3], [9], [6], [3]]}, "temporal_blocks"),
        ("i3d", {"MODEL__NUM_CLASSES": "many"}, "MODEL.NUM_CLASSES is 'many'"),
        ("i3d", {"DETECTION__ENABLE": True}, "DETECTION.ENABLE is True"),
        ("i3d", {"BN__NORM_TYPE": "layernorm"}, "BN.NORM_TYPE is 'layernorm'"),
        ("i3d", {"DATA__MEAN": [0.45]}, r"DATA.MEAN is \[0.45\], but only three numbers"),
        ("i3d", {"DATA__INPUT_CHANNEL_NUM": [2]}, "DATA.INPUT_CHANNEL_NUM is"),
        ("i3d", {"NONLOCAL__INSTANTIATION": "gaussian"}, "NONLOCAL.INSTANTIATION is 'gaussian'"),
        ("i3d", {"NONLOCAL__GROUP": [[1], [4], [4], [1]]}, r"NONLOCAL.GROUP of res3 is \[4\]"),
        ("i3d", {"NONLOCAL__LOCATION": [[[]], [[7]], [[]], [[]]]}, "no place 'res3.7'"),
        (
            "i3d",
            {"NONLOCAL__LOCATION": [[["a"]]]},
            "NONLOCAL.LOCATION is .* four stages",
        ),
        ("i3d", {"NONLOCAL__POOL": [[], [], [], []]}, "NONLOCAL.POOL is .* four stages"),
        ("slowfast", {"SLOWFAST__BETA_INV": 3}, "SLOWFAST.BETA_INV is 3, but only a multiple"),
        ("slowfast", {"DATA__NUM_FRAMES": 6}, "DATA.NUM_FRAMES is 6, but only a multiple .* = 4"),
        (
            "slowfast",
            {"RESNET__WIDTH_PER_GROUP": 12},
            "RESNET.WIDTH_PER_GROUP is 12, but only",
        ),
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
        (None, "'cfg' holds a NoneType, not a mapping as text"),
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


def test_weights_of_another_network_change_nothing(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**TWO), "slowfast")
    for backbone in ("slow_r50", "i3d_inception"):
        network = build_model(backbone, 7, width=16)
        before = state(network)
        with pytest.raises(PretrainedError, match="less than min_share"):
            load_pretrained(network, path)
        assert unchanged(network, before)
