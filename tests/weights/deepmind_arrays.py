"""The arrays that DeepMind's published file would hold."""

import numpy as np
import torch

from snl_video.weights import build_model


def tree(network):
    """The nested arrays that the published file would hold for this network."""
    names = {
        "branch_0": "Branch_0/Conv3d_0a_1x1",
        "branch_1.0": "Branch_1/Conv3d_0a_1x1",
        "branch_1.1": "Branch_1/Conv3d_0b_3x3",
        "branch_2.0": "Branch_2/Conv3d_0a_1x1",
        "branch_2.1": "Branch_2/Conv3d_0b_3x3",
        "branch_3.1": "Branch_3/Conv3d_0b_1x1",
    }
    found = {"params": {}, "batch_stats": {}}

    def put(path, array):
        *folders, leaf = path.split("/")
        node = found
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = np.ascontiguousarray(array)

    for name, module in network.trunk.named_modules():
        if type(module).__name__ != "ConvUnit":
            continue
        unit, _, inside = name.partition(".")
        base = f"{unit}/{names[inside]}" if inside else unit
        kernel = module.conv.weight.detach().numpy().transpose(2, 3, 4, 1, 0)
        put(f"params/{base}/Conv_0/kernel", kernel)
        put(f"params/{base}/BatchNorm_0/bias", module.norm.bias.detach().numpy())
        shape = (1, 1, 1, 1, -1)
        put(f"batch_stats/{base}/BatchNorm_0/mean", module.norm.running_mean.reshape(shape))
        put(f"batch_stats/{base}/BatchNorm_0/var", module.norm.running_var.reshape(shape))
    head = network.trunk.logits
    kernel = head.weight.detach().numpy().transpose(2, 3, 4, 1, 0)
    put("params/Logits/Conv3d_0c_1x1/Conv_0/kernel", kernel)
    put("params/Logits/Conv3d_0c_1x1/Conv_0/bias", head.bias.detach().numpy())
    return found


def random_network(width=8):
    torch.manual_seed(0)
    network = build_model("i3d_inception", 7, width=width).eval()
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    for name, parameter in network.named_parameters():
        if name.endswith("norm.bias"):
            parameter.data.normal_()
    return network
