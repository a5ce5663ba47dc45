"""Blocks in networks that are not of this package."""

import copy
import io

import pytest
import torch
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models import FeatureLayout, insert_blocks, inserted_blocks, remove_blocks
from tests.models.small_peers import PEERS, clip, logits, swin


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_takes_blocks_as_the_identity_and_gives_them_back(name):
    peer = PEERS[name]
    torch.manual_seed(0)
    module = peer.build().eval()
    weights = copy.deepcopy(module.state_dict())
    with torch.no_grad():
        before = logits(module, peer.example)
        entries = insert_blocks(module, dict.fromkeys(peer.places, "snl"), example=peer.example)
        assert torch.equal(logits(module, peer.example), before)
    hooks = [hook for m in module.modules() for hook in m._forward_hooks.values()]
    assert sorted(str(hook.layout) for hook in hooks) == sorted(peer.places.values())
    assert [entry["place"] for entry in entries] == list(peer.places)
    own = [key for key in module.state_dict() if ".non_local." not in key]
    assert own == list(weights)
    assert not module.load_state_dict(weights, strict=False).unexpected_keys
    assert len(remove_blocks(module)) == len(peer.places)
    assert list(module.state_dict()) == list(weights)
    with torch.no_grad():
        assert torch.equal(logits(module, peer.example), before)


@pytest.mark.parametrize("name", ["swin3d", "mvit", "VideoMAE", "TimeSformer"])
def test_two_steps_move_every_parameter_of_a_block(name):
    peer = PEERS[name]
    torch.manual_seed(0)
    module = peer.build()
    insert_blocks(module, dict.fromkeys(peer.places, "nl"), example=peer.example)
    blocks = nn.ModuleList(inserted_blocks(module).values())
    assert all(child.training for child in blocks.modules())
    before = copy.deepcopy(blocks.state_dict())
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        scores = logits(module, peer.example)
        nn.functional.cross_entropy(scores, torch.arange(len(scores))).backward()
        optimizer.step()
    assert not [n for n, p in blocks.named_parameters() if torch.equal(p, before[n])]


def test_a_block_in_tokens_computes_what_it_computes_on_their_grid():
    """Kind ``cc`` relates a position to those of its axes, so another order gives another sum."""
    peer = PEERS["TimeSformer"]
    module = peer.build().eval()
    layer = module.get_submodule("timesformer.encoder.layer.0")
    outputs = []
    layer.register_forward_hook(lambda m, i, o: outputs.append(o[0]))
    insert_blocks(module, {"timesformer.encoder.layer.0": "cc"}, example=peer.example)
    block = layer.non_local.eval()
    nn.init.normal_(block.units[0].gain)
    layer.register_forward_hook(lambda m, i, o: outputs.append(o[0]))
    with torch.no_grad():
        logits(module, peer.example)
        before, after = outputs[-2:]
        grid = before[:, 1:].unflatten(1, (4, 4, 6)).permute(0, 4, 3, 1, 2)  # (B, C, T, H, W)
        expected = block(grid).permute(0, 3, 4, 2, 1).flatten(1, 3)
    assert torch.equal(after[:, :1], before[:, :1])
    assert not torch.allclose(after, before)
    torch.testing.assert_close(after[:, 1:], expected)


def test_a_block_that_would_do_nothing_is_refused():
    """After its last layer this network reads the class token, which blocks leave as it is."""
    peer = PEERS["mvit"]
    with pytest.raises(NetworkError, match=r"after blocks\.2 .* class token only.* earlier place"):
        insert_blocks(module := peer.build(), {"blocks.2": "snl"}, example=peer.example)
    assert not any("non_local" in name for name in module.state_dict())
    assert not any(child._forward_hooks for child in module.modules())


def test_frames_that_are_the_images_of_a_batch_are_related_over_time():
    class Frames(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2)

        def forward(self, clips):
            return self.conv(clips.transpose(1, 2).flatten(0, 1)).mean((2, 3))

    module = Frames().eval()
    insert_blocks(module, {"conv": "snl"}, example=clip(2, 3, 5, 16, 16))
    seen = []
    module.conv.non_local.register_forward_hook(lambda m, i, o: seen.append(o.shape))
    module(clip(1, 3, 5, 16, 16))
    assert seen == [(1, 4, 5, 7, 7)]
    with pytest.raises(
        NetworkError, match=r"\(3, 4, 7, 7\) are not laid out as \(BT\)CHW with T=5"
    ):
        module(clip(1, 3, 3, 16, 16))


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv3d(3, 8, 1), nn.LayerNorm(8)

    def forward(self, x):
        return self.norm(self.conv(x).movedim(1, -1)).mean((1, 2, 3))


def test_a_copy_a_pickle_and_compiled_code_keep_the_blocks():
    torch.manual_seed(0)
    module, example = ChannelsLast().eval(), clip(2, 3, 2, 4, 4)
    insert_blocks(module, {"norm": "snl"}, example=example)
    nn.init.normal_(module.norm.non_local.units[0].norm.weight)
    with torch.no_grad():
        expected = module(example)
        copied = copy.deepcopy(module)
        assert torch.equal(copied(example), expected)
        nn.init.zeros_(copied.norm.non_local.units[0].norm.weight)
        assert not torch.allclose(copied(example), expected)
        assert torch.equal(module(example), expected)
        file = io.BytesIO()
        torch.save(module, file)
        file.seek(0)
        assert torch.equal(torch.load(file, weights_only=False)(example), expected)
        compiled = torch.compile(module, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(example), expected)
        program = torch.export.export(module, (example,)).module()
        torch.testing.assert_close(program(example), expected)


def test_a_stated_layout_is_taken_and_one_that_does_not_fit_refused():
    module, example = swin(), clip(1, 3, 8, 32, 32)
    insert_blocks(module, {"features.0.1": "snl"}, example=example, layout="BTHWC")
    assert inserted_blocks(module)["features.0.1"].in_channels == 12
    remove_blocks(module)
    tokens = FeatureLayout("B(THW)C", {"T": 4, "H": 8, "W": 8})
    with pytest.raises(NetworkError, match=r"features.0.1: .*\(1, 4, 8, 8, 12\) are not laid out"):
        insert_blocks(module, {"features.0.1": "snl"}, example=example, layout=tokens)
    assert not inserted_blocks(module)


def test_a_block_has_the_precision_and_the_mode_of_its_module():
    module = ChannelsLast().double().eval()
    insert_blocks(module, {"norm": "snl"}, example=clip(2, 3, 2, 4, 4).double())
    block = module.norm.non_local
    assert {p.dtype for p in block.parameters()} == {torch.float64}
    assert not block.training


def test_on_meta_nothing_is_computed():
    module = swin()
    entries = insert_blocks(
        module, {"features.0.1": "snl"}, example=torch.empty(1, 3, 64, 224, 224, device="meta")
    )
    assert entries[0]["in_channels"] == 12
    assert module.get_submodule("features.0.1.non_local").theta.weight.device.type == "cpu"
