"""Time and memory of the blocks on the CPU, as Markdown tables.

Every ratio comes from one run: the things compared are timed in turns, round after round, and the
medians are divided. "N x N" is the same block with A as a stored matrix, written from the formula;
"bare products" are SNL's matrix products alone, on contiguous matrices.
"""

import argparse
import math
import statistics
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.block_peers import PEERS, Grid, bare_products, kept_bytes
from benchmarks.timing import Step, in_turns, step
from snl_video.blocks import build_block
from snl_video.blocks.graphs.softmax import SoftmaxGraph

FORM_SHAPES: tuple[tuple[Grid, int], ...] = (
    ((2, 7, 7), 512),
    ((4, 7, 7), 512),
    ((8, 7, 7), 512),
    ((8, 8, 8), 512),
    ((4, 14, 14), 512),
    ((8, 14, 14), 512),
    ((4, 14, 14), 1024),
    ((8, 28, 28), 256),
)
PLACE: tuple[Grid, int] = (8, 28, 28), 512
GROWTH_PLACES: tuple[Grid, ...] = ((8, 14, 14), (8, 28, 28), (16, 28, 28))
KEPT = ("kept: snl", "not fused", "N x N")
GROWTH_GRIDS: tuple[Grid, ...] = ((4, 14, 14), (8, 28, 28), (16, 28, 28), (32, 56, 56))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table of peers; `--details` prints more about the blocks alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--details", action="store_true", help="growth, orders, attention, forms")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--threads", type=int, nargs="+", default=sorted({1, torch.get_num_threads()})
    )
    arguments = parser.parse_args(argv)
    print(f"torch {torch.__version__}, batch 1, {name_of(PLACE[0])}, C = {PLACE[1]}; forward +")
    print("backward, medians of interleaved rounds; others in multiples of the time of snl\n")
    row("precision", "threads", "snl", "of bare products", *list(PEERS)[1:], *KEPT, "power of N")
    row(*["---"] * (4 + len(PEERS) - 1 + len(KEPT) + 1))
    for precision in ("fp32", "bf16"):
        for threads in arguments.threads:
            peers(precision, threads, arguments.rounds)
    if arguments.details:
        print("\nfloat32\n")
        growth()
        orders()
        variants()
        attention()
        forms()


def peers(precision: str, threads: int, rounds: int) -> None:
    """One row: SNL and what it is compared with at `PLACE`, and its growth with N."""
    torch.set_num_threads(threads)
    grid, channels = PLACE
    low = precision == "bf16"
    x = clip(grid, channels)
    seed = torch.randn_like(x)
    forwards = {name: in_precision(make(channels), low) for name, make in PEERS.items()}
    steps = {name: step(forward, x, seed) for name, forward in forwards.items()}
    dtype = torch.bfloat16 if low else torch.float32
    times = in_turns({**steps, "products": bare_products(grid, channels, dtype)}, rounds)
    snl = times["snl"]
    sizes, own = [], []
    for other in GROWTH_PLACES:
        u = clip(other, channels)
        growing = step(in_precision(build_block("snl", channels), low), u, torch.randn_like(u))
        sizes.append(math.log(math.prod(other)))
        own.append(math.log(in_turns({"snl": growing}, rounds)["snl"]))
    row(
        precision,
        threads,
        ms(snl),
        f"{times['products'] / snl:.0%}",
        *(f"{times[name] / snl:.2f}" for name in list(PEERS)[1:]),
        *(megabytes(kept_bytes(forwards[name], x)) for name in list(PEERS)[:3]),
        f"{statistics.linear_regression(sizes, own).slope:.2f}",
    )


def in_precision(block: nn.Module, low: bool) -> nn.Module:
    """The block, under bfloat16 autocast if `low`."""
    return UnderAutocast(block) if low else block


class UnderAutocast(nn.Module):
    """A block under bfloat16 autocast; its input stays float32."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.block(x)


def growth(grids: Sequence[Grid] = GROWTH_GRIDS) -> None:
    """Time against N at C = 128, and the slope of log time over log N."""
    row("kind, C = 128", *map(name_of, grids), "exponent")
    row(*["---"] * (len(grids) + 2))
    for kind in ("snl", "gsnl", "a2", "cgnl"):
        block = build_block(kind, 128)
        times = []
        for grid in grids:
            x = clip(grid, 128)
            run = step(block, x, torch.randn_like(x))
            times.append(in_turns({kind: run}, 15 if math.prod(grid) < 20_000 else 5)[kind])
        sizes = [math.log(math.prod(grid)) for grid in grids]
        slope = statistics.linear_regression(sizes, [math.log(t) for t in times]).slope
        row(kind, *map(ms, times), f"{slope:.2f}")
    print()


def orders() -> None:
    """Time of gsnl over its order."""
    x, numbers = clip((8, 28, 28), 256), (2, 3, 5, 8)
    seed = torch.randn_like(x)
    steps = {str(k): step(build_block("gsnl", 256, order=k), x, seed) for k in numbers}
    times = in_turns(steps, rounds=7)
    row("gsnl, C = 256, 8x28x28", *(f"K = {k}" for k in numbers))
    row(*["---"] * 5)
    row("time", *map(ms, times.values()))
    row("over K = 2", *(f"{t / times['2']:.2f}" for t in times.values()))
    print()


def variants() -> None:
    """Time and memory of the options of snl that change its graph, at `PLACE`."""
    grid, channels = PLACE
    x = clip(grid, channels)
    blocks = {
        "snl": build_block("snl", channels),
        "focus 3": build_block("snl", channels, focus=3),
        "random walk, focus 4": build_block("snl", channels, normalisation="random_walk", focus=4),
    }
    seed = torch.randn_like(x)
    times = in_turns({name: step(block, x, seed) for name, block in blocks.items()}, rounds=5)
    row(f"snl, C = {channels}, {name_of(grid)}", "time", "over snl", "kept")
    row(*["---"] * 4)
    for name, block in blocks.items():
        kept = megabytes(kept_bytes(block, x))
        row(name, ms(times[name]), f"{times[name] / times['snl']:.2f}", kept)
    print()


def attention() -> None:
    """The softmax graph against `scaled_dot_product_attention` alone."""
    row("nl softmax, grid", "C_s", "graph", "attention alone", "more than it")
    row(*["---"] * 5)
    for grid in ((4, 14, 14), (8, 14, 14), (4, 28, 28)):
        q, k, v = (torch.randn(1, math.prod(grid), 256, requires_grad=True) for _ in range(3))
        columns = [t.detach().transpose(1, 2).contiguous().requires_grad_() for t in (q, k, v)]
        seed = torch.randn_like(q)

        def graph(columns: list[Tensor] = columns, seed: Tensor = seed) -> None:
            theta, phi, z = (t.transpose(1, 2) for t in columns)
            SoftmaxGraph(theta, phi).propagate(z).backward(seed)

        def alone(parts: tuple[Tensor, ...] = (q, k, v), seed: Tensor = seed) -> None:
            query, key, value = (t[:, None] for t in parts)
            F.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0].backward(seed)

        times = in_turns({"graph": graph, "alone": alone}, rounds=9)
        more = times["graph"] / times["alone"] - 1
        row(name_of(grid), 256, ms(times["graph"]), ms(times["alone"]), f"{more:+.0%}")
    print()


def forms() -> None:
    """The form that counting multiplications chose, against both forms."""
    row("SNL, grid", "N", "C_s", "low rank", "matrix", "chosen", "more than the better")
    row(*["---"] * 7)
    for grid, channels in FORM_SHAPES:
        names = ("low_rank", "matrix", "auto")
        rounds = 25 if math.prod(grid) < 2000 else 3
        times = in_turns({form: snl_step(form, grid, channels) for form in names}, rounds)
        more = times["auto"] / min(times["low_rank"], times["matrix"]) - 1
        row(
            name_of(grid),
            math.prod(grid),
            channels // 2,
            *(ms(times[form]) for form in names),
            f"{more:+.0%}",
        )


def snl_step(form: str, grid: Grid, channels: int) -> Step:
    """A step of an SNL block."""
    x = clip(grid, channels)
    block = build_block("snl", channels, form=form)
    return step(block, x, torch.randn_like(x))


def clip(grid: Grid, channels: int) -> Tensor:
    """A random input (1, C, T, H, W) that takes gradients."""
    return torch.randn(1, channels, *grid, requires_grad=True)


def row(*cells: object) -> None:
    """Print one row of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def name_of(grid: Grid) -> str:
    """TxHxW."""
    return "x".join(map(str, grid))


def ms(seconds: float) -> str:
    """Seconds as text in milliseconds."""
    return f"{1e3 * seconds:.1f} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"


def megabytes(size: int) -> str:
    """Bytes as text in MB."""
    return f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    main()
