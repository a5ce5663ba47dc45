"""Checkpoints as PySlowFast writes them, of designs of reference.py."""

import yaml

from tests.weights.cases import clip, saved
from tests.weights.reference import (
    FAST,
    SLOW,
    Reference,
    slowfast_key,
)


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
