"""What training in many processes asks of a network with blocks."""

import pytest
import torch

from snl_video.blocks import BLOCKS
from snl_video.models import inserted_blocks
from tests.models.test_insertion import network

CASES = [(kind, {}) for kind in BLOCKS] + [("gsnl", {"order": order}) for order in (1, 2, 4)]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_each_parameter_has_a_gradient_from_the_first_step_on(kind, options):
    """So DistributedDataParallel needs no `find_unused_parameters`."""
    net = network("c2d_r50", {"kind": kind, "places": "paper", "options": options}).train()
    net(torch.randn(2, 3, 4, 32, 32)).sum().backward()
    assert not [name for name, value in net.named_parameters() if value.grad is None]


def test_sync_batchnorm_takes_the_norms_of_the_blocks_too():
    net = network(non_local={"kind": "snl", "places": "five"})
    names = list(net.state_dict())
    synced = torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert list(synced.state_dict()) == names
    norms = [
        module
        for block in inserted_blocks(synced).values()
        for module in block.modules()
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    ]
    assert len(norms) == 5
    assert all(isinstance(norm, torch.nn.SyncBatchNorm) for norm in norms)
