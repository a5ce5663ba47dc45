"""Time and memory of the blocks on the CPU, as Markdown tables.

Every ratio comes from one run: the things compared are timed in turns, round after round, and the
medians are divided. The peer of SNL is the same block with A as an N x N matrix, written here from
the formula.
"""

import argparse
import math
import statistics
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import Step, extra_memory, in_turns, step
from snl_video.blocks import build_block
from snl_video.blocks.graphs.softmax import SoftmaxGraph

Grid = tuple[int, int, int]
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
GROWTH_GRIDS: tuple[Grid, ...] = ((4, 14, 14), (8, 28, 28), (16, 28, 28), (32, 56, 56))


class MatrixSNL(nn.Module):
    """SNL with the affinity as a matrix: what the formula says, word for word."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta, self.phi, self.g = (nn.Conv3d(channels, inner, 1, bias=False) for _ in range(3))
        self.w_1, self.w_2 = (nn.Conv3d(inner, channels, 1, bias=False) for _ in range(2))
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        t, p = (conv(x).flatten(2).relu() for conv in (self.theta, self.phi))
        m = t.transpose(1, 2) @ p
        m = (m + m.transpose(1, 2)) / 2
        d = m.sum(2).rsqrt()
        z = self.g(x)
        az = (d[:, :, None] * m * d[:, None, :]) @ z.flatten(2).transpose(1, 2)
        az = az.transpose(1, 2).reshape(z.shape)
        return x + self.norm(self.w_1(z) + self.w_2(az))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables; `--quick` leaves out what takes more than seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="skip the N x N form and 32x56x56")
    parser.add_argument("--threads", type=int, help="1 gives steady figures on a busy machine")
    arguments = parser.parse_args(argv)
    quick = arguments.quick
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} CPU thread(s), float32, batch 1,")
    print("forward + backward, medians of interleaved rounds\n")
    if not quick:
        against_matrix()
    growth(GROWTH_GRIDS[:-1] if quick else GROWTH_GRIDS)
    orders()
    multiply_rate()
    attention()
    forms()


def against_matrix() -> None:
    """SNL against its N x N form: time, and memory beyond input and parameters."""
    row("SNL, grid", "C", "low rank", "N x N", "times faster", "extra memory", "part of N x N's")
    row(*["---"] * 7)
    for grid in ((8, 28, 28), (16, 28, 28)):
        times = in_turns({form: snl_step(form, grid, 512) for form in ("auto", "N x N")}, rounds=3)
        memory = {form: extra_memory(snl_step, form, grid, 512) for form in times}
        row(
            name_of(grid),
            512,
            ms(times["auto"]),
            ms(times["N x N"]),
            f"{times['N x N'] / times['auto']:.1f}",
            megabytes(memory["auto"]),
            f"{memory['auto'] / memory['N x N']:.2f}",
        )
    grid = (32, 56, 56)
    took = in_turns({"snl": snl_step("auto", grid, 256)}, rounds=1)["snl"]
    memory_used = megabytes(extra_memory(snl_step, "auto", grid, 256))
    row(name_of(grid), 256, ms(took), "40 GB for A alone", "", memory_used, "")
    print()


def growth(grids: Sequence[Grid]) -> None:
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


def multiply_rate() -> None:
    """The multiply rate of SNL, as a part of that of its matrix products run alone."""
    row("SNL, grid", "C", "GMACs", "GMAC/s", "plain products", "part")
    row(*["---"] * 6)
    for grid, channels in (((8, 14, 14), 1024), ((8, 28, 28), 512), ((16, 28, 28), 512)):
        n, inner = math.prod(grid), channels // 2
        sizes = [(3 * inner, channels, n), *[(inner, n, inner)] * 2, *[(inner, inner, n)] * 2]
        sizes += [(channels, inner, n)] * 2
        products = [(torch.randn(a, b), torch.randn(b, c)) for a, b, c in sizes]

        def plain(products: list[tuple[Tensor, Tensor]] = products) -> None:
            for _ in range(3):
                for left, right in products:
                    torch.mm(left, right)

        times = in_turns({"snl": snl_step("low_rank", grid, channels), "plain": plain}, rounds=7)
        giga = 3 * sum(math.prod(size) for size in sizes) / 1e9
        part = times["plain"] / times["snl"]
        rates = (f"{giga / times[name]:.0f}" for name in ("snl", "plain"))
        row(name_of(grid), channels, f"{giga:.1f}", *rates, f"{part:.0%}")
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
    """A step of an SNL block; form "N x N" is the peer."""
    x = clip(grid, channels)
    block = MatrixSNL(channels) if form == "N x N" else build_block("snl", channels, form=form)
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
