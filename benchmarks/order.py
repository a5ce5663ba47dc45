"""Whether a position lets a block see the order of two things.

    python -m benchmarks.order

A map of noise (8 channels, 8x3x3) holds a mark A and a mark B, in two frames and at random places.
Which comes first? The network is a 1x1x1 convolution, the block, another 1x1x1 convolution, the
mean over all positions and a linear layer: beside the block nothing sees two positions. Chance is
50 %. A few seconds of one core each.
"""

import torch
from torch import Tensor, nn

from benchmarks.blocks import row
from snl_video.blocks import build_block

STEPS, BATCH, TEST = 800, 32, 1000
TEST_SEED = 1099


def main() -> None:
    """Print what is right of the test maps, for each position and seed."""
    torch.set_num_threads(1)
    row("block", "position", *(f"seed {seed}" for seed in range(3)))
    row(*["---"] * 5)
    for position in ("none", "sine", "learned"):
        row("snl", position, *(f"{train(position, seed):.1%}" for seed in range(3)))


def train(position: str, seed: int) -> float:
    """The share of the test maps that a fresh network has right after its training."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv3d(8, 16, 1),
        nn.ReLU(),
        build_block("snl", 16, position=position),
        nn.Conv3d(16, 32, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    for _ in range(STEPS):
        maps, label = draw(BATCH, generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(maps), label).backward()
        optimizer.step()
    maps, label = draw(TEST, torch.Generator().manual_seed(TEST_SEED))
    with torch.no_grad():
        return float((network.eval()(maps).argmax(1) == label).float().mean())


def draw(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Maps (count, 8, 8, 3, 3), and 0 where A is before B, else 1."""
    maps = 0.1 * torch.randn(count, 8, 8, 3, 3, generator=generator)
    label = torch.randint(2, (count,), generator=generator)
    for one, answer in zip(maps, label.tolist(), strict=True):
        frames = sorted(torch.randperm(8, generator=generator)[:2].tolist(), reverse=bool(answer))
        places = torch.randint(3, (2, 2), generator=generator).tolist()
        for channel, (frame, (h, w)) in enumerate(zip(frames, places, strict=True)):
            one[channel, frame, h, w] += 1
    return maps, label


if __name__ == "__main__":
    main()
