"""The blocks again, slowly: float64, one pair of positions at a time, from the formulas.

Nothing of the package is used but the names of its parameters.
"""

import math
from collections.abc import Callable
from itertools import product

import torch
from numpy.polynomial.chebyshev import chebval
from torch import Tensor


def conv(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """x (N, C) through the 1x1x1 convolution `name`."""
    y = x @ w[f"{name}.weight"][:, :, 0, 0, 0].T
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def flat(x: Tensor) -> Tensor:
    """(C, T, H, W) -> (N, C)."""
    return torch.stack([x[:, t, h, w] for t, h, w in product(*map(range, x.shape[1:]))])


def windows(x: Tensor, size: tuple[int, int, int], partial: bool, reduce: Callable) -> Tensor:
    """x (C, T, H, W) reduced over windows of `size`."""
    lengths = zip(x.shape[1:], size, strict=True)
    counts = [math.ceil(n / s) if partial else n // s for n, s in lengths]
    out = x.new_zeros(x.shape[0], *counts)
    for i, j, k in product(*map(range, counts)):
        part = x[
            :,
            i * size[0] : (i + 1) * size[0],
            j * size[1] : (j + 1) * size[1],
            k * size[2] : (k + 1) * size[2],
        ]
        out[:, i, j, k] = reduce(part.flatten(1))
    return out


def max_pooled(x: Tensor, size) -> Tensor:
    return windows(x, size, False, lambda v: v.amax(1))


def unflat(z: Tensor, grid) -> Tensor:
    return z.T.reshape(-1, *grid)


def rows_to_one(m: Tensor) -> Tensor:
    return m / m.sum(1, keepdim=True)


def pairs(f, rows: int, columns: int) -> Tensor:
    return torch.stack([torch.stack([f(i, j) for j in range(columns)]) for i in range(rows)])


def spectral_affinity(theta: Tensor, phi: Tensor, kernel, walk: bool = False) -> Tensor:
    n = len(theta)
    m = pairs(lambda i, j: (kernel(theta[i], phi[j]) + kernel(theta[j], phi[i])) / 2, n, n)
    d = m.sum(1)
    zero = torch.zeros((), dtype=m.dtype)
    if walk:
        return pairs(lambda i, j: m[i, j] / d[i] if d[i] > 0 else zero, n, n)
    return pairs(
        lambda i, j: m[i, j] / (d[i] * d[j]).sqrt() if d[i] > 0 and d[j] > 0 else zero, n, n
    )


def criss_cross_affinity(theta: Tensor, phi: Tensor, grid) -> Tensor:
    places = list(product(*map(range, grid)))
    zero = torch.zeros((), dtype=theta.dtype)
    m = pairs(
        lambda i, j: (
            (theta[i] @ phi[j]).exp()
            if sum(a == b for a, b in zip(places[i], places[j], strict=True)) >= 2
            else zero
        ),
        len(places),
        len(places),
    )
    return rows_to_one(m)


def compact_signal(theta: Tensor, phi: Tensor, z: Tensor, o: dict) -> Tensor:
    n, channels = z.shape
    per_group = channels // o["groups"]
    out = torch.zeros_like(z)
    for group in range(o["groups"]):
        own = range(group * per_group, (group + 1) * per_group)
        for i, c in product(range(n), own):
            for j, e in product(range(n), own):
                tp = theta[i, c] * phi[j, e]
                if o["kernel"] == "dot_product":
                    k = tp
                else:
                    k = math.exp(-2 * o["gamma"]) * sum(
                        (2 * o["gamma"] * tp) ** q / math.factorial(q)
                        for q in range(o["taylor_order"] + 1)
                    )
                out[i, c] = out[i, c] + k * z[j, e]
    return out


def line(table, place: int, length: int):
    """The value of a table (sizes, C) at a place of a line of `length`, ends on ends."""
    at = place * (len(table) - 1) / (length - 1) if length > 1 else 0.0
    low = min(math.floor(at), len(table) - 1)
    high = min(low + 1, len(table) - 1)
    return [
        (1 - at + low) * u + (at - low) * v for u, v in zip(table[low], table[high], strict=True)
    ]


def sine(channels: int, axis: int, place: int, size: int) -> list[float]:
    """In float32, as a table holds it."""
    values = []
    for c in range(channels):
        i = c // 3
        angle = place / size ** (2 * (i // 2) / (channels / 3))
        value = math.cos(angle) if i % 2 else math.sin(angle)
        values.append(value if c % 3 == axis else 0.0)
    return torch.tensor(values).tolist()


def seen(o: dict, w: dict, x: Tensor) -> Tensor:
    """x with its position, where the options say so."""
    if o.get("position", "none") == "none":
        return x
    grid, out = x.shape[1:], x.clone()
    for place in product(*map(range, grid)):
        for axis, name in enumerate("thw"):
            size = o["position_grid"][axis]
            table = [sine(len(x), axis, i, size) for i in range(size)]
            if o["position"] == "learned":
                table = w[f"position.{name}"].T.tolist()
            value = line(table, place[axis], grid[axis])
            out[(slice(None), *place)] += torch.tensor(value, dtype=x.dtype)
    return out


def affinity(kind: str, o: dict, w: dict, x: Tensor) -> Tensor:
    """A of x (C, T, H, W)."""
    grid = x.shape[1:]
    x = seen(o, w, x)
    if o.get("order") == 1:
        return torch.eye(grid.numel(), dtype=x.dtype)
    if kind in ("snl", "gsnl") and o["affinity"] == "mean":
        return torch.full((grid.numel(), grid.numel()), 1 / grid.numel(), dtype=x.dtype)
    pool, after = o.get("pool"), o.get("pool_after")
    keys = max_pooled(x, pool) if pool else x
    if o.get("affinity") == "gaussian":
        theta, phi = flat(x), flat(keys)
    else:
        theta, phi = conv(w, "theta", flat(x)), conv(w, "phi", flat(keys))
        if pool and after:
            phi = flat(max_pooled(unflat(conv(w, "phi", flat(x)), grid), pool))
    n, m = len(theta), len(phi)
    scale = theta.shape[1] ** -0.5 if o.get("scale") else 1.0
    if kind in ("snl", "gsnl") and o["affinity"] == "relu":
        focus = o["focus"]
        return spectral_affinity(
            theta,
            phi,
            lambda t, p: t.clamp(min=0) ** focus @ p.clamp(min=0) ** focus,
            walk=o["normalisation"] == "random_walk",
        )
    if kind in ("snl", "gsnl") and o["affinity"] == "embedded_gaussian":
        return spectral_affinity(theta, phi, lambda t, p: (scale * t @ p).exp())
    if kind == "a2" and o["affinity"] == "relu":
        return pairs(lambda i, j: theta[i].clamp(min=0) @ phi[j].clamp(min=0), n, m)
    if kind == "a2":
        give = rows_to_one(theta.exp())
        take = phi.exp() / phi.exp().sum(0)
        return pairs(lambda i, j: give[i] @ take[j], n, m)
    if kind == "cc":
        return criss_cross_affinity(theta, phi, grid)
    if kind == "nl" and o["affinity"] == "dot_product":
        return pairs(lambda i, j: theta[i] @ phi[j] / m, n, m)
    if kind == "nl" and o["affinity"] == "concatenation":
        weight = w["affinity.w.weight"].flatten()
        return pairs(lambda i, j: (weight @ torch.cat([theta[i], phi[j]])).clamp(min=0) / m, n, m)
    if kind == "next_frame":
        frame = grid[1] * grid[2]
        gate = [torch.sigmoid(theta[i] @ phi[i]) for i in range(n)]
        zero = torch.zeros((), dtype=x.dtype)
        return pairs(
            lambda i, j: (
                (gate[i] if i == j else zero) + (1 - gate[i] if j == (i + frame) % n else zero)
            ),
            n,
            n,
        )
    if o.get("whiten"):
        theta, phi = theta - theta.mean(0), phi - phi.mean(0)
    return rows_to_one(pairs(lambda i, j: (scale * theta[i] @ phi[j]).exp(), n, m))


def filtered(kind: str, o: dict, w: dict, u: str, a: Tensor, z: Tensor, x: Tensor) -> Tensor:
    """F(A, Z) of unit prefix u: z (M, C_z), x (N, C)."""
    f = f"{u}.filter"
    if kind == "cc":
        return a @ z
    if kind == "ns":
        return conv(w, f"{f}.w_2", a @ z - z)
    if kind == "dnl":
        weight = conv(w, f"{f}.w_m", x)[:, 0].exp()
        context = sum(weight[j] * z[j] for j in range(len(z))) / weight.sum()
        return conv(w, f"{f}.w_2", a @ z + context)
    if kind in ("nl", "a2"):
        return conv(w, f"{f}.w_2", a @ z)
    order = o.get("order", 2)
    powers = [torch.eye(len(z), dtype=z.dtype)]
    for _ in range(1, order):
        powers.append(powers[-1] @ a)
    if o.get("basis") == "chebyshev":
        values, vectors = torch.linalg.eig(a)
        rescaled = 2 * (1 - values.real) / o["lambda_max"] - 1
        gains = [chebval(rescaled.numpy(), [0] * k + [1]) for k in range(order)]
        v, back = vectors, torch.linalg.inv(vectors)
        powers = [(v @ torch.diag(torch.as_tensor(g) + 0j) @ back).real for g in gains]
    return sum(conv(w, f"{f}.w_{k + 1}", p @ z) for k, p in enumerate(powers))


def normed(o: dict, w: dict, u: str, y: Tensor) -> Tensor:
    """Evaluation norm, ReLU and gain of y (N, C)."""
    n = f"{u}.norm"
    if f"{n}.running_var" in w:
        y = (y - w[f"{n}.running_mean"]) / (w[f"{n}.running_var"] + 1e-5).sqrt()
        y = y * w[f"{n}.weight"] + w[f"{n}.bias"]
    elif f"{n}.weight" in w:
        size = y.shape[1] // o["groups"]
        parts = []
        for part in y.split(size, dim=1):
            mean = part.mean()
            parts.append((part - mean) / (((part - mean) ** 2).mean() + 1e-5).sqrt())
        y = torch.cat(parts, 1) * w[f"{n}.weight"] + w[f"{n}.bias"]
    if o.get("relu"):
        y = y.clamp(min=0)
    return y * w[f"{u}.gain"] if f"{u}.gain" in w else y


def block_output(kind: str, o: dict, w: dict, x: Tensor) -> Tensor:
    """The whole block on one sample x (C, T, H, W), in evaluation mode."""
    for _ in range(o.get("recurrence", 1)):
        coarse = o.get("pool_input")
        a = None
        for unit in range(o["num_units"]):
            u = f"units.{unit}"
            v = windows(x, coarse, True, lambda p: p.mean(1)) if coarse else x
            grid = v.shape[1:]
            if a is None and kind != "cgnl":
                a = affinity(kind, o, w, v)
            if o.get("pool") and o.get("pool_after"):
                z = flat(max_pooled(unflat(conv(w, f"{u}.g", flat(v)), grid), o["pool"]))
            else:
                z = conv(w, f"{u}.g", flat(max_pooled(v, o["pool"]) if o.get("pool") else v))
            if kind == "cgnl":
                theta, phi = (conv(w, name, flat(seen(o, w, v))) for name in ("theta", "phi"))
                signal = compact_signal(theta, phi, z, o)
                weight = w[f"{u}.filter.w_2.weight"][:, :, 0, 0, 0]
                y = torch.cat(
                    [
                        part @ own.T
                        for part, own in zip(
                            signal.chunk(o["groups"], 1), weight.chunk(o["groups"], 0), strict=True
                        )
                    ],
                    dim=1,
                )
            else:
                y = filtered(kind, o, w, u, a, z, flat(v))
            y = unflat(normed(o, w, u, y), grid)
            if coarse:
                fine = torch.zeros_like(x)
                for place in product(*map(range, x.shape[1:])):
                    source = tuple(p // s for p, s in zip(place, coarse, strict=True))
                    fine[(slice(None), *place)] = y[(slice(None), *source)]
                y = fine
            x = x + y
    return x
