"""What insert_blocks says of a module or a place that can hold no block."""

import pytest
import torch
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models import insert_blocks, inserted_blocks
from tests.models.small_peers import clip


class Net(nn.Module):
    """(B, 3, T, H, W) -> logits, with something odd at every turn."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.stages = nn.ModuleList([nn.Conv3d(4, 4, 3, padding=1), nn.Conv3d(4, 4, 1)])
        self.pathways = Pathways()
        self.frames_first = FramesFirst()
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.unused = nn.Conv3d(4, 4, 1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        x = self.relu(self.conv(x))
        x = self.relu(self.stages[1](self.stages[0](x)))
        x = sum(self.pathways(x))
        self.frames_first(x)
        return self.fc(self.pool(x).flatten(1))


class Pathways(nn.Module):
    def forward(self, x):
        return [x, 2 * x]


class FramesFirst(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


EXAMPLE = clip(2, 3, 6, 8, 8)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("con", r"no module 'con' in this Net: near it are conv; it has"),
        ("relu", "relu runs 2 times .* name a module that runs once"),
        ("unused", "unused does not run when the example goes through"),
        ("stages", "stages is a container .ModuleList.*: name a module in it, such as stages.0"),
        ("fc", r"fc returns Tensor of \(2, 5\), no feature map"),
        ("pool", r"pool returns Tensor of \(2, 4, 1, 1, 1\), no feature map: one position"),
        ("pathways", r"several feature maps.*: name pathways\[0\] or pathways\[1\]"),
        ("pathways[2]", r"pathways\[2\] returns list of .*, no feature map"),
        ("frames_first", "number of channels changes with the input"),
    ],
)
def test_a_module_that_can_hold_no_block_is_named(place, message):
    module = Net()
    before = list(module.state_dict())
    with pytest.raises(NetworkError, match=message):
        insert_blocks(module, {"conv": "snl", place: "snl"}, example=EXAMPLE)
    assert not inserted_blocks(module)
    assert list(module.state_dict()) == before
    assert not any(child._forward_hooks for child in module.modules())
    assert all(child.training for child in module.modules())


def test_an_item_of_a_list_takes_a_block_and_the_other_stays():
    module = Net().eval()
    insert_blocks(module, {"pathways[1]": "snl"}, example=EXAMPLE)
    nn.init.ones_(module.pathways.non_local.units[0].norm.weight)
    module.pathways.non_local.eval()
    features = torch.rand(2, 4, 3, 3, 3)
    first, second = module.pathways(features)
    assert torch.equal(first, features)
    assert torch.equal(second, module.pathways.non_local(2 * features))
    assert not torch.allclose(second, 2 * features)


def test_a_module_without_an_example_is_refused():
    with pytest.raises(NetworkError, match=r"Net does not name its places: .* example=clip"):
        insert_blocks(Net(), {"conv": "snl"})
    with pytest.raises(NetworkError, match="the example holds no tensor"):
        insert_blocks(Net(), {"conv": "snl"}, example=())


def test_two_names_of_one_module_and_a_taken_module_are_refused():
    module = nn.Sequential(nn.Sequential(nn.Conv3d(3, 4, 1)), nn.ReLU())
    with pytest.raises(NetworkError, match=r"0 and 0.0 mean the same module"):
        insert_blocks(module, {"0": "snl", "0.0": "snl"}, example=EXAMPLE)
    insert_blocks(module, {"0": "snl"}, example=EXAMPLE)
    assert list(inserted_blocks(module)) == ["0.0"]
    with pytest.raises(NetworkError, match=r"0\.0 already has a block: .*remove_blocks"):
        insert_blocks(module, {"0.0": "nl"}, example=EXAMPLE)


def test_compiled_code_is_refused():
    module = nn.Sequential(nn.Conv3d(3, 4, 1), nn.ReLU())
    scripted = torch.jit.trace(module, EXAMPLE)
    with pytest.raises(NetworkError, match=r"compiled by torch\.jit.*insert the blocks first"):
        insert_blocks(nn.Sequential(scripted), {"0.0": "snl"}, example=EXAMPLE)
    with pytest.raises(NetworkError, match=r"compiled by torch\.compile"):
        insert_blocks(torch.compile(module), {"_orig_mod.0": "snl"}, example=EXAMPLE)


def test_tokens_without_a_grid_have_to_be_stated():
    class Shuffled(nn.Module):
        def forward(self, x):
            return x.flatten(2).transpose(1, 2)[:, torch.randperm(x[0, 0].numel())]

    module = nn.Sequential(nn.Conv3d(3, 4, 1), Shuffled(), nn.LayerNorm(4))
    with pytest.raises(NetworkError, match="nothing tells where in the clip these tokens are"):
        insert_blocks(module, {"2": "snl"}, example=EXAMPLE)


def test_channels_that_may_be_first_or_last_have_to_be_stated():
    class Fixed(nn.Module):
        def forward(self, x):
            assert x.shape[2:] == (6, 8, 8)
            return x.new_zeros(2, 4, 6, 8, 8)

    module = Fixed()
    module.inner = nn.Identity()
    module = nn.Sequential(module, nn.ReLU())
    with pytest.raises(NetworkError, match="whether its channels come second or last; state"):
        insert_blocks(module, {"1": "snl"}, example=EXAMPLE)
    assert (
        insert_blocks(module, {"1": "snl"}, example=EXAMPLE, layout="BTHWC")[0]["in_channels"] == 8
    )


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((2, 4, 5, 6), lambda x: x.unsqueeze(2)),
        ((2, 5, 6, 4), lambda x: x.movedim(-1, 1).unsqueeze(2)),
        ((2, 3, 5, 6, 4), lambda x: x.movedim(4, 1)),
        ((2, 3, 4, 5, 6), lambda x: x.movedim(2, 1)),
        ((2, 30, 4), lambda x: x.transpose(1, 2).unflatten(2, (3, 5, 2))),
    ],
)
def test_the_advice_of_a_block_that_is_called_by_hand_is_right(shape, remedy):
    module = nn.Sequential(nn.Conv3d(3, 4, 1))
    insert_blocks(module, {"0": "snl"}, example=EXAMPLE)
    block, x = inserted_blocks(module)["0"], torch.rand(shape)
    with pytest.raises(ValueError, match=r"takes \(B, 4, T, H, W\)") as caught:
        block(x)
    calls = {
        "unsqueeze": x.ndim == 4,
        "movedim": shape[1] != 4 and x.ndim > 3,
        "unflatten": x.ndim == 3,
    }
    assert {call: call in str(caught.value) for call in calls} == calls
    assert torch.equal(block.eval()(remedy(x)), remedy(x))
