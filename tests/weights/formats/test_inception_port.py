"""The common PyTorch port of Inception-I3D against plain functions."""

import torch

from snl_video.weights import build_model, load_pretrained
from tests.weights.cases import clip, logits, saved
from tests.weights.inception_port import Port


def test_the_common_port_of_inception_gives_the_same_logits(tmp_path):
    port = Port()
    x = clip(frames=20, size=48, batch=1).double()
    expected = port(x)
    counters = {
        name.replace("running_var", "num_batches_tracked"): torch.tensor(3)
        for name in port.weights
        if name.endswith("running_var")
    }
    path = saved(tmp_path, {**port.weights, **counters})
    model = build_model("i3d_inception", 5, width=8, non_local={"kind": "snl"})
    report = load_pretrained(model, path)
    assert (report.format, report.missing, report.unexpected) == ("inception_pytorch", (), ())
    assert (report.mismatched, report.new_head, report.backbone_share) == ((), False, 1.0)
    torch.testing.assert_close(logits(model.double(), x), expected, rtol=1e-9, atol=1e-9)


def test_unknown_names_of_the_port_are_reported(tmp_path):
    port = Port()
    port(clip(frames=16, size=32, batch=1).double())
    port.weights["Mixed_3b.b7.conv3d.weight"] = torch.ones(2)
    port.weights["extra"] = torch.ones(2)
    model = build_model("i3d_inception", 5, width=8)
    report = load_pretrained(model, saved(tmp_path, port.weights))
    assert report.unexpected == ("Mixed_3b.b7.conv3d.weight", "extra")
