"""Residual video networks as plain functions of named arrays, in float64, without this package.

A forward pass makes each weight when it first asks for it, so one pass gives both the logits and
the checkpoint that they are of. How the weights are called is left to a `key` function.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

I3D = ((3, 3, 3), (3, 1, 3, 1), (3, 1, 3, 1, 3, 1), (1, 3, 1))
C2D = ((1,) * 3, (1,) * 4, (1,) * 6, (1,) * 3)
SLOW = ((1,) * 3, (1,) * 4, (3,) * 6, (3,) * 3)
FAST = ((3,) * 3, (3,) * 4, (3,) * 6, (3,) * 3)


@dataclass
class Design:
    """What a network is; kernels over time of every block of every stage of every pathway."""

    kernels: tuple = (I3D,)
    stems: tuple = (5,)
    width: int = 8
    classes: int = 7
    conv1_stride: int = 1
    pool1_stride: int = 1
    temporal_pool: bool = False
    stride_1x1: bool = False
    alpha: int = 4
    beta: int = 8
    ratio: int = 2
    fusion_kernel: int = 5
    fusion_norm: bool = True
    strided: bool = False
    fast_first: bool = False
    blocks: tuple = ()
    affinity: str = "softmax"
    scale: bool = True
    pool: tuple | None = (1, 2, 2)
    pool_after: bool = False
    out_bias: bool = True


class Reference:
    """The forward pass of a design; `weights` holds what it made, as float32."""

    def __init__(self, design, key, seed=0):
        self.design, self.key, self.weights = design, key, {}
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, clip):
        d = self.design
        clip = clip.double()
        paths = [clip] if len(d.kernels) == 1 else self.frames(clip)
        widths = [d.width] if len(paths) == 1 else [d.width, d.width // d.beta]
        paths = [self.stem(p, x, widths[p]) for p, x in enumerate(paths)]
        for stage in range(2, 6):
            if len(paths) == 2:
                paths[0] = torch.cat([paths[0], self.fuse(stage - 1, paths[1])], dim=1)
            inner = [w * 2 ** (stage - 2) for w in widths]
            paths = [self.stage(stage, p, x, inner[p]) for p, x in enumerate(paths)]
            if stage == 2 and d.temporal_pool:
                paths = [F.max_pool3d(x, (2, 1, 1)) for x in paths]
        features = [x.mean((2, 3, 4)) for x in paths]
        x = torch.cat(features[::-1] if d.fast_first else features, dim=1)
        weight = self.tensor(("head",), "conv", "weight", d.classes, x.shape[1])
        return x @ weight.T + self.tensor(("head",), "conv", "bias", d.classes)

    def frames(self, clip):
        d = self.design
        if d.strided:
            return [F.interpolate(clip, scale_factor=(1 / d.alpha, 1, 1), mode="nearest"), clip]
        number = clip.shape[2]
        index = torch.linspace(0, number - 1, number // d.alpha).long()
        return [clip[:, :, index], clip]

    def stem(self, p, x, width):
        d = self.design
        part, t = ("stem", p), d.stems[p]
        x = self.conv(part, x, width, (t, 7, 7), (d.conv1_stride, 2, 2))
        x = self.norm(part, x).relu()
        return F.max_pool3d(x, (1, 3, 3), (d.pool1_stride, 2, 2), (0, 1, 1))

    def fuse(self, stage, fast):
        d = self.design
        part = ("fuse", stage)
        channels = fast.shape[1] * d.ratio
        x = self.conv(part, fast, channels, (d.fusion_kernel, 1, 1), (d.alpha, 1, 1))
        return self.norm(part, x).relu() if d.fusion_norm else x

    def stage(self, stage, p, x, inner):
        d = self.design
        for i, t in enumerate(d.kernels[p][stage - 2]):
            stride = 2 if i == 0 and stage > 2 else 1
            first, second = (stride, 1) if d.stride_1x1 else (1, stride)
            y = self.layer(("res", stage, i, p, "a"), x, inner, (t, 1, 1), first).relu()
            y = self.layer(("res", stage, i, p, "b"), y, inner, (1, 3, 3), second).relu()
            y = self.layer(("res", stage, i, p, "c"), y, 4 * inner, (1, 1, 1), 1)
            if i == 0:
                x = self.layer(("res", stage, i, p, "1"), x, 4 * inner, (1, 1, 1), stride)
            x = (x + y).relu()
            if (stage, i, p) in d.blocks:
                x = x + self.non_local((stage, i, p), x)
        return x

    def layer(self, part, x, channels, kernel, stride):
        return self.norm(part, self.conv(part, x, channels, kernel, (1, stride, stride)))

    def non_local(self, where, x):
        d = self.design
        inner = x.shape[1] // 2

        def embedded(name, x):
            part = ("block", *where, name)
            return self.conv(part, x, inner, (1, 1, 1), (1, 1, 1), bias=True)

        def pooled(x):
            return x if d.pool is None else F.max_pool3d(x, d.pool)

        def keys(name):
            return pooled(embedded(name, x)) if d.pool_after else embedded(name, pooled(x))

        gaussian = d.affinity == "gaussian"
        theta = (x if gaussian else embedded("theta", x)).flatten(2)
        phi = (pooled(x) if gaussian else keys("phi")).flatten(2)
        g = keys("g").flatten(2)
        if d.affinity == "concatenation":
            w = self.tensor(("block", *where, "w"), "conv", "weight", 1, 2 * inner, 1, 1).flatten()
            a = torch.einsum("c,bcn->bn", w[:inner], theta)
            b = torch.einsum("c,bcm->bm", w[inner:], phi)
            graph = (a[:, :, None] + b[:, None, :]).relu() / phi.shape[2]
        else:
            graph = torch.einsum("bcn,bcm->bnm", theta, phi)
            if d.affinity == "dot_product":
                graph = graph / phi.shape[2]
            else:
                graph = (graph * inner**-0.5 if d.scale else graph).softmax(2)
        y = torch.einsum("bnm,bcm->bcn", graph, g).unflatten(2, x.shape[2:])
        part = ("block", *where, "out")
        return self.norm(part, self.conv(part, y, x.shape[1], (1,) * 3, (1,) * 3, bias=d.out_bias))

    def conv(self, part, x, channels, kernel, stride, bias=False):
        weight = self.tensor(part, "conv", "weight", channels, x.shape[1], *kernel)
        shift = self.tensor(part, "conv", "bias", channels) if bias else None
        return F.conv3d(x, weight, shift, stride, [size // 2 for size in kernel])

    def norm(self, part, x):
        """Statistics near those of x, so that the signal stays of order one down the network."""
        if (name := self.key(part, "norm", "running_var")) not in self.weights:
            flat = x.transpose(0, 1).flatten(1)
            spread = 0.5 + torch.rand(x.shape[1], generator=self.generator)
            self.weights[name] = (flat.var(1) * spread + 0.1).float()
            shift = torch.randn(x.shape[1], generator=self.generator) * 0.1
            self.weights[self.key(part, "norm", "running_mean")] = (flat.mean(1) + shift).float()
        mean, var, weight, bias = (
            self.tensor(part, "norm", leaf, x.shape[1])
            for leaf in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, var, weight, bias, eps=1e-5)

    def tensor(self, part, kind, leaf, *shape):
        name = self.key(part, kind, leaf)
        if name not in self.weights:
            if len(shape) > 1:
                scale = (2 / torch.Size(shape[1:]).numel()) ** 0.5
                value = torch.randn(shape, generator=self.generator) * scale
            elif leaf == "bias":
                value = torch.randn(shape, generator=self.generator) * 0.1
            else:
                value = torch.rand(shape, generator=self.generator) + 0.5
            self.weights[name] = value
        assert tuple(self.weights[name].shape) == shape, name
        return self.weights[name].double()


def slowfast_key(part, kind, leaf):
    match part:
        case ("stem", p):
            return f"s1.pathway{p}_stem.{'bn' if kind == 'norm' else 'conv'}.{leaf}"
        case ("res", stage, i, p, which):
            branch = "branch1" if which == "1" else f"branch2.{which}"
            return f"s{stage}.pathway{p}_res{i}.{branch}{'_bn' if kind == 'norm' else ''}.{leaf}"
        case ("fuse", stage):
            return f"s{stage}_fuse.{'bn' if kind == 'norm' else 'conv_f2s'}.{leaf}"
        case ("block", stage, i, p, which):
            layer = "bn" if kind == "norm" else f"conv_{which}"
            return f"s{stage}.pathway{p}_nonlocal{i}.{layer}.{leaf}"
        case ("head",):
            return f"head.projection.{leaf}"


def caffe2_key(part, kind, leaf):
    end = {"running_mean": "rm", "running_var": "riv", "bias": "b", "weight": "w"}[leaf]
    end = f"bn_{'s' if end == 'w' else end}" if kind == "norm" else end
    match part:
        case ("stem", p):
            return ("t_" if p else "") + ("res_conv1_" if kind == "norm" else "conv1_") + end
        case ("res", stage, i, p, which):
            branch = "branch1" if which == "1" else f"branch2{which}"
            return f"{'t_' if p else ''}res{stage}_{i}_{branch}_{end}"
        case ("fuse", stage):
            last = {1: "pool1", 2: "res2_2", 3: "res3_3", 4: "res4_5"}[stage]
            return f"t_{last}{'_branch2c_bn' if stage > 1 else ''}_subsample_{end}"
        case ("block", stage, i, _, which):
            return f"nonlocal_conv{stage}_{i}_{'' if kind == 'norm' else which + '_'}{end}"
        case ("head",):
            return f"pred_{end}"


def mmaction_key(part, kind, leaf, path=("",), number=".0"):
    layer = "bn" if kind == "norm" else "conv"
    match part:
        case ("stem", p):
            return f"backbone.{path[p]}conv1.{layer}.{leaf}"
        case ("res", stage, i, p, which):
            name = {"a": "conv1", "b": "conv2", "c": "conv3", "1": "downsample"}[which]
            return f"backbone.{path[p]}layer{stage - 1}.{i}.{name}.{layer}.{leaf}"
        case ("fuse", stage):
            name = "conv1" if stage == 1 else f"layer{stage - 1}"
            return f"backbone.slow_path.{name}_lateral.{layer}.{leaf}"
        case ("block", stage, i, p, which):
            number = number if which in ("phi", "g") else ""
            name = {"out": "conv_out", "w": "concat_project"}.get(which, which)
            start = f"backbone.{path[p]}layer{stage - 1}.{i}.non_local_block"
            return f"{start}.{name}{number}.{layer}.{leaf}"
        case ("head",):
            return f"cls_head.fc_cls.{leaf}"


def wide(network, clip):
    """Logits in float64, where rounding hides nothing."""
    with torch.no_grad():
        return network.double().eval()(clip.double())


def relative_error(found, wanted):
    return ((found - wanted).norm() / wanted.norm()).item()
