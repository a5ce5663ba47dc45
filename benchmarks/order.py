"""Whether a position lets a block see the order of frames.

    python -m benchmarks.order

Networks of the table on relations (`benchmarks.relations`), trained and tested in the same way, on
the question "three squares one after another: do their colours come forwards or backwards?". Chance
is 50 %. Under a minute of one core each.
"""

import argparse
from collections.abc import Sequence

import torch

from benchmarks.blocks import row
from benchmarks.relation_cells import QUESTIONS, TEST, Cell, Question, train_cell
from benchmarks.relation_networks import BLOCK_OF
from snl_video.data.synthetic.relations import RelationsSettings

QUESTIONS["order"] = Question(RelationsSettings(task="order", colours=3, num_frames=8), 600)
WITH_POSITION = {
    f"{kind} {position}": {"kind": kind, "options": {"position": position}}
    for kind, position in (("snl", "sine"), ("snl", "learned"), ("nl", "sine"))
}
BLOCK_OF.update(WITH_POSITION)
ROWS = ("none", "snl", *WITH_POSITION)


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row for each network and seed: what is right of the test clips."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(3))
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    row("block", "seed", "right", "steps to 90 %", "gain")
    row(*["---"] * 5)
    for seed in options.seeds:
        for name in options.rows:
            result = train_cell(Cell("c2d_r50", "res3.1", "order", name, seed))
            gain = "" if result.gain is None else f"{result.gain:.3f}"
            steps = result.steps_to(0.9) or "never"
            row(name, seed, f"{result.right / TEST:.1%}", steps, gain)


if __name__ == "__main__":
    main()
