"""Which blocks of a residual network have a temporal kernel."""

from collections.abc import Sequence

from snl_video.errors import NetworkError

STAGE_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Depth -> residual blocks of res2, res3, res4 and res5 (He et al., CVPR 2016)."""

INFLATED_KERNELS = ((3,), (3, 1), (3, 1), (1, 3))
FRAME_KERNELS = ((1,), (1,), (1,), (1,))
SLOW_KERNELS = ((1,), (1,), (3,), (3,))
FAST_KERNELS = ((3,), (3,), (3,), (3,))


def temporal_kernels(
    patterns: Sequence[Sequence[int]], depth: int, temporal_blocks: Sequence[int] | None = None
) -> list[list[tuple[int, int, int]]]:
    """Kernels (T, 1, 1) of every block of res2 to res5.

    Args:
        patterns: for each stage the sizes T, which its blocks take in turn.
        depth: of the residual network.
        temporal_blocks: for each stage the number of blocks, from the first on, that follow the
            pattern; the others have T = 1. None means all.

    Raises:
        NetworkError: no such depth, or not four numbers of blocks that the stages have.
    """
    if depth not in STAGE_BLOCKS:
        raise NetworkError(f"depth must be {', '.join(map(str, STAGE_BLOCKS))}, got {depth}")
    counts = STAGE_BLOCKS[depth]
    temporal = counts if temporal_blocks is None else tuple(temporal_blocks)
    if len(temporal) != 4 or any(temporal[i] not in range(counts[i] + 1) for i in range(4)):
        raise NetworkError(f"temporal_blocks must be four numbers up to {counts}, got {temporal}")
    return [
        [(pattern[i % len(pattern)] if i < first else 1, 1, 1) for i in range(count)]
        for pattern, first, count in zip(patterns, temporal, counts, strict=True)
    ]


def of_pathways(
    temporal_blocks: Sequence[Sequence[int]] | None,
) -> tuple[Sequence[int] | None, Sequence[int] | None]:
    """Turn pairs (slow, fast) of the four stages into the numbers of each pathway.

    Raises:
        NetworkError: these are no pairs.
    """
    if temporal_blocks is None:
        return None, None
    if any(isinstance(pair, int) or len(pair) != 2 for pair in temporal_blocks):
        raise NetworkError(f"temporal_blocks must be pairs (slow, fast), got {temporal_blocks}")
    return [slow for slow, _ in temporal_blocks], [fast for _, fast in temporal_blocks]
