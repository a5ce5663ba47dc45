"""Caffe2's pickles against plain functions of their weights."""

import os
import pickle

import numpy as np
import pytest

from snl_video.errors import PretrainedError
from snl_video.weights import build_model, load_pretrained
from snl_video.weights.formats.pyslowfast.caffe2 import slowfast_name
from tests.weights.cases import clip
from tests.weights.reference import (
    C2D,
    FAST,
    SLOW,
    Design,
    Reference,
    caffe2_key,
    relative_error,
    wide,
)

NL = {"kind": "nl", "options": {"bias": True, "scale": True, "pool": (1, 2, 2)}}
DOT = {"kind": "nl", "options": {"bias": True, "affinity": "dot_product", "pool": (1, 2, 2)}}
TWO = Design((SLOW, FAST), (1, 5), width=16, fusion_kernel=7)


def blobs(design):
    """The blobs of a design, and the logits that they give."""
    reference = Reference(design, caffe2_key)
    wanted = reference(clip())
    return {name: value.numpy() for name, value in reference.weights.items()}, wanted


def pickled(folder, content, protocol=2):
    path = folder / "weights.pkl"
    path.write_bytes(pickle.dumps({"blobs": content}, protocol=protocol))
    return path


@pytest.mark.parametrize(
    ("design", "arguments"),
    [
        (
            Design(temporal_pool=True, blocks=((3, 1, 0), (4, 3, 0))),
            {"backbone": "i3d_r50", "width": 8, "non_local": NL | {"places": ["res3.1", "res4.3"]}},
        ),
        (
            Design((C2D,), (1,), temporal_pool=True, blocks=((4, 5, 0),), affinity="dot_product"),
            {"backbone": "c2d_r50", "width": 8, "non_local": DOT | {"places": "res4.5"}},
        ),
        (TWO, {"backbone": "slowfast_r50_8x8", "width": 16}),
    ],
    ids=["i3d", "c2d", "slowfast"],
)
def test_computes_what_the_blobs_mean(tmp_path, design, arguments):
    content, wanted = blobs(design)
    network = build_model(num_classes=7, **arguments)
    report = load_pretrained(network, pickled(tmp_path, content))
    assert (report.format, report.missing, report.unexpected) == ("caffe2", (), ())
    assert not report.new_head
    assert report.new_blocks == ()
    assert relative_error(wide(network, clip()), wanted) < 1e-9


@pytest.mark.parametrize(
    ("blob", "name"),
    [
        ("conv1_w", "s1.pathway0_stem.conv.weight"),
        ("t_res_conv1_bn_riv", "s1.pathway1_stem.bn.running_var"),
        ("res2_0_branch1_bn_s", "s2.pathway0_res0.branch1_bn.weight"),
        ("res4_22_branch2c_bn_rm", "s4.pathway0_res22.branch2.c_bn.running_mean"),
        ("t_res5_1_branch2a_w", "s5.pathway1_res1.branch2.a.weight"),
        ("t_pool1_subsample_bn_b", "s1_fuse.bn.bias"),
        ("t_res4_22_branch2c_bn_subsample_w", "s4_fuse.conv_f2s.weight"),
        ("nonlocal_conv4_13_theta_b", "s4.pathway0_nonlocal13.conv_theta.bias"),
        ("nonlocal_conv3_1_bn_s", "s3.pathway0_nonlocal1.bn.weight"),
        ("pred_b", "head.projection.bias"),
        ("res_conv1_bn_w2", "res_conv1_bn_w2"),
        ("fc6_w", "fc6_w"),
    ],
)
def test_names(blob, name):
    assert slowfast_name(blob) == name


def test_what_the_optimiser_left_is_no_weight(tmp_path):
    content, _ = blobs(TWO)
    content |= {"conv1_w_momentum": content["conv1_w"], "lr": np.float32(0.1)}
    content |= {"model_iter": np.zeros(1, np.int64), "fc6_w": np.zeros(3, np.float32)}
    report = load_pretrained(
        build_model("slowfast_r50_8x8", 7, width=16), pickled(tmp_path, content, protocol=4)
    )
    assert report.unexpected == ("fc6_w",)


def test_frame_kernels_and_other_byte_orders_and_precisions(tmp_path):
    content, wanted = blobs(Design((C2D,), (1,), temporal_pool=True))
    kernel = content["conv1_w"]
    content["conv1_w"] = kernel[:, :, 0]
    content["pred_w"] = content["pred_w"].astype(">f8")
    network = build_model("c2d_r50", 7, width=8)
    load_pretrained(network, pickled(tmp_path, content))
    assert relative_error(wide(network, clip()), wanted) < 1e-9


def test_a_block_that_is_no_nl_with_biases_stays_new(tmp_path):
    content, _ = blobs(Design(temporal_pool=True, blocks=((3, 1, 0),)))
    path = pickled(tmp_path, content)
    for options in ({"scale": True}, {"bias": True, "pool": [1, 2, 2], "pool_after": True}):
        spec = {"kind": "nl", "places": "res3.1", "options": options}
        network = build_model("i3d_r50", 7, width=8, non_local=spec)
        assert load_pretrained(network, path).new_blocks == ("res3.1",)


def test_another_network_is_refused(tmp_path):
    content, _ = blobs(Design((C2D,), (1,), temporal_pool=True))
    with pytest.raises(PretrainedError, match=r"format caffe2.*less than min_share"):
        load_pretrained(build_model("i3d_r50", 7, width=8), pickled(tmp_path, content))


def test_a_pickle_that_runs_something_is_refused(tmp_path):
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    path = pickled(tmp_path, {"conv1_w": Hostile()})
    with pytest.raises(PretrainedError, match="refused"):
        load_pretrained(build_model("i3d_r50", 7, width=8), path)
    assert not marker.exists()
