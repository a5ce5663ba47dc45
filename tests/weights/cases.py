"""Networks with weights that tell: nothing is zero, one or equal by chance."""

from pathlib import Path

import torch

from snl_video.weights import build_model


def randomise(module, seed=0):
    """Random numbers for every parameter and statistic, of sizes that keep the signal alive."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if value.dtype == torch.int64:
            value.fill_(seed + 7)
        elif value.ndim > 1:
            value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
        elif name.endswith("running_mean"):
            value.normal_(0, 0.1, generator=generator)
        else:
            value.uniform_(0.5, 1.5, generator=generator)
    return module.eval()


def network(backbone="i3d_r50", num_classes=5, *, width=8, seed=0, **arguments):
    return randomise(build_model(backbone, num_classes, width=width, **arguments), seed)


def saved(folder, content, name="weights.pth"):
    path = Path(folder) / name
    torch.save(content, path)
    return path


def clip(frames=8, size=32, batch=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 3, frames, size, size, generator=generator)


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def unchanged(model, before):
    after = model.state_dict()
    return after.keys() == before.keys() and all(torch.equal(after[k], before[k]) for k in before)
