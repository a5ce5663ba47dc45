"""Every backbone with every kind of block on a GPU that need not be there: devices and dtypes.

Fake CUDA tensors have a device, a dtype and a shape, and nothing is computed: an operation of
tensors on two devices, or of dtypes that do not go together, fails as it would on a GPU. Backward
passes of CUDA tensors need a CUDA context, so those run as fake CPU tensors.
"""

from contextlib import contextmanager

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from snl_video.blocks import BLOCKS, block, build_block
from snl_video.models import BACKBONES, build_network, insert_blocks

KINDS = [
    *((kind, {}) for kind in BLOCKS),
    ("gsnl", {"basis": "chebyshev", "position": "sine"}),
]

QUICK = ("i3d_r50", "c2d_r50", "slowfast_r50_4x16", "i3d_inception")
CONVOLUTIONAL = [name for name in BACKBONES if not name.startswith(("mvit", "torchvision:"))]
"""The others find their places by a run on the meta device, which knows no fake GPU."""


@contextmanager
def autocast(device: str, dtype: torch.dtype):
    """As torch.autocast, which switches itself off where there is no GPU."""
    before = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
    torch.set_autocast_enabled(device, True)
    torch.set_autocast_dtype(device, dtype)
    try:
        yield
    finally:
        torch.set_autocast_enabled(device, before[0])
        torch.set_autocast_dtype(device, before[1])
        torch.clear_autocast_cache()


def network(backbone: str, device: str) -> torch.nn.Module:
    """With a block of every kind, each at a place of its own."""
    with torch.device(device):
        net = build_network(backbone, 5, width=8)
        for (kind, options), place in zip(KINDS, net.places, strict=False):
            insert_blocks(net, {"kind": kind, "places": [place], "options": options})
    assert {entry["kind"] for entry in net.non_local} == set(BLOCKS)
    return net


@pytest.mark.parametrize(
    "backbone",
    [b if b in QUICK else pytest.param(b, marks=pytest.mark.slow) for b in CONVOLUTIONAL],
)
def test_a_forward_pass_on_a_gpu(backbone: str) -> None:
    with FakeTensorMode():
        net = network(backbone, "cuda")
        clip = torch.empty(2, 3, 32, 64, 64, dtype=torch.uint8, device="cuda")
        for dtype in (torch.bfloat16, torch.float16):
            with autocast("cuda", dtype):
                scores = net(net.normalise(clip))
                loss = torch.nn.functional.cross_entropy(scores, scores.argmax(1))
            assert (scores.device.type, scores.shape) == ("cuda", (2, 5))
            assert loss.device.type == "cuda"


def test_a_tensor_on_the_wrong_device_is_found() -> None:
    with FakeTensorMode():
        with torch.device("cuda"):
            snl = build_block("snl", 8)
        snl.theta.weight = torch.nn.Parameter(torch.empty(4, 8, 1, 1, 1))
        with pytest.raises(Exception, match="device"):
            snl(torch.empty(1, 8, 2, 4, 4, device="cuda"))


@pytest.mark.parametrize("backbone", ["slowfast_r50_4x16", "i3d_inception"])
def test_a_backward_pass_in_bfloat16(backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "check_input", lambda *arguments: None)  # reads values
    with FakeTensorMode():
        net = network(backbone, "cpu")
        with autocast("cpu", torch.bfloat16):
            scores = net(torch.empty(2, 3, 32, 64, 64))
        scores.float().sum().backward()
        gradients = {name: p.grad for name, p in net.named_parameters()}
        assert not [name for name, gradient in gradients.items() if gradient is None]
        assert {gradient.dtype for gradient in gradients.values()} == {torch.float32}
