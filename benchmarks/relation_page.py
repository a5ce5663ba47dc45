"""The page of the table on relations, in Markdown, made from whatever cells are finished."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import mean, median

from benchmarks.relation_cells import GRADED, HARDER, QUESTIONS, TEST, Cell, Result
from benchmarks.relation_networks import BLOCK_OF
from snl_video.evaluation.intervals import wilson
from snl_video.wording import markdown_table

Results = Mapping[Cell, Result]
GOAL = 0.9

HEAD = """# Results on relations

Which kinds of block answer which question of the generated set `relations`, beside controls
without one. `make results-relations` makes this page again, and goes on where it was stopped;
half a minute of one core a cell. What it teaches: [Benchmarks](benchmarks.md#relations).
"""

EXPLANATION = f"""## How it was measured

Each cell is a network of width 8 trained from random weights on clips that are drawn in memory
and seen once, in batches of 16, and tested on {TEST} fresh clips of another seed. AdamW, the same
learning rate for all rows, nothing tuned for any of them. Training ends early where 99 % of 200
validation clips were right at two looks in a row, 50 steps apart; "steps" is when 90 % were first
right, the median over seeds, a dash where a seed never got there. Accuracy is the mean over
seeds. "95 %" is Wilson's interval for that share of {TEST} clips, which all rows and seeds share;
how much a seed changes is in the columns "lowest" and "highest". "gain" is the mean magnitude of
the gains of the block's last norm, 0 at the start.

Rows that are no kinds: "order 1" is the spectral block without its graph, "mean graph" is `snl`
with A = 1 1^T / N, "MLP head" is no block but a hidden layer of 64 before the classes. In "snl
focus 3" the option [`focus`](explanation/graph_and_filter.md#focus) of `snl` is 3; "snl walk" has
[rows that sum to one](explanation/graph_and_filter.md#random-walk) and `focus` 4, which was chosen
on other data, after a look at its seed 0 of "four colours" and "varied grounds". The last rows
change other things of `snl`: the symmetric embedded Gaussian kernel, a gain that starts at 0.1 and
not at 0, C_s = C and not C / 2, two units on one graph, a learning rate of the block that is five
times that of the network. All six were tried on "four colours", and `focus` was chosen there, so
the other questions test it. "C2D" sees two neighbouring frames together at most before it averages
over all.

The questions, with chance in brackets, are tasks of [`relations`](howto/datasets.md#relations) in
clips of 8 frames. The first five ask whether two squares, far apart in space and time, have one
colour: out of two, four or eight colours; out of four with two rings of any colour beside them;
out of four on grounds that differ much. The harder ones are asked a few rows only. A block alone
does not see order, so "order" is also asked of rows with
[`position: sine`](explanation/graph_and_filter.md#position), for 1000 steps; the others have 600 at
most.
"""


def relations_page(planned: Sequence[Cell], results: Results) -> str:
    """The whole page.

    Args:
        planned: every cell there should be.
        results: of those that are finished.
    """
    parts = [HEAD]
    for backbone, place in dict.fromkeys((cell.backbone, cell.place) for cell in planned):
        there = {c: r for c, r in results.items() if (c.backbone, c.place) == (backbone, place)}
        if there:
            parts += [
                f"## `{backbone}`, block after `{place}`",
                "Test accuracy in %, seeds in brackets:",
                _overview(there, GRADED),
                *_harder(there),
                "Cost, and what lies behind the table:",
                _costs(there),
                _details(there),
            ]
    parts += [EXPLANATION, "## What is missing", _missing(planned, results)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _harder(results: Results) -> list[str]:
    there = {cell: result for cell, result in results.items() if cell.question in HARDER}
    return ["The harder questions:", _overview(there, HARDER)] if there else []


def _overview(results: Results, questions: Collection[str]) -> str:
    head = ["block", *(f"{name} ({_chance(name):.0f})" for name in questions)]
    body = []
    for row in BLOCK_OF:
        per_question = [_of(results, row, question) for question in questions]
        texts = [
            f"{100 * mean(one.right / TEST for one in some):.1f} ({len(some)})" if some else ""
            for some in per_question
        ]
        if any(texts):
            body.append([_named(row), *texts])
    return markdown_table(head, body)


def _costs(results: Results) -> str:
    """Of the clips of the first question; times are ratios over the cells that both rows have."""
    body = []
    for row in BLOCK_OF:
        ratios = [
            one.seconds_per_step / results[without].seconds_per_step
            for cell, one in results.items()
            for without in [Cell(cell.backbone, cell.place, cell.question, "none", cell.seed)]
            if cell.row == row and without in results
        ]
        small = _of(results, row, next(iter(QUESTIONS)))
        if small:
            cost = small[0]
            time = f"{median(ratios):.2f}" if ratios else "-"
            body.append([_named(row), str(cost.parameters), f"{1000 * cost.gmacs:.2f}", time])
    return markdown_table(["block", "parameters", "million multiply-adds", "time of a step"], body)


def _details(results: Results) -> str:
    body = []
    for question in QUESTIONS:
        for row in BLOCK_OF:
            some = _of(results, row, question)
            if some:
                shares = [one.right / TEST for one in some]
                low, high = wilson(round(mean(shares) * TEST), TEST)
                gains = [one.gain for one in some if one.gain is not None]
                steps = [one.steps_to(GOAL) for one in some]
                reached = [number for number in steps if number is not None]
                body.append(
                    [
                        question,
                        _named(row),
                        f"{100 * mean(shares):.1f}",
                        f"{100 * low:.1f} to {100 * high:.1f}",
                        str(len(shares)),
                        f"{100 * min(shares):.1f}",
                        f"{100 * max(shares):.1f}",
                        f"{median(reached):.0f}" if len(reached) == len(steps) else "-",
                        f"{mean(gains):.3f}" if gains else "",
                    ]
                )
    head = ["question", "block", "%", "95 %", "seeds", "lowest", "highest", "steps", "gain"]
    return markdown_table(head, body)


def _missing(planned: Sequence[Cell], results: Results) -> str:
    count = len([cell for cell in planned if cell in results])
    if count == len(planned):
        return f"Nothing: all {count} cells are finished."
    seeds = sorted({cell.seed for cell in planned})
    body = []
    for backbone, place in dict.fromkeys((cell.backbone, cell.place) for cell in planned):
        texts = []
        for seed in seeds:
            of_seed = [
                c for c in planned if (c.backbone, c.place, c.seed) == (backbone, place, seed)
            ]
            texts.append(f"{len([c for c in of_seed if c in results])} of {len(of_seed)}")
        body.append([f"`{backbone}`, `{place}`", *texts])
    table = markdown_table(["finished cells", *(f"seed {seed}" for seed in seeds)], body)
    return (
        f"{len(planned) - count} of {len(planned)} cells. With few seeds a difference of some "
        f"points may be one of seeds.\n\n{table}"
    )


def _of(results: Results, row: str, question: str) -> list[Result]:
    return [one for c, one in results.items() if (c.row, c.question) == (row, question)]


def _chance(question: str) -> float:
    return 100 / len(QUESTIONS[question].settings.classes)


def _named(row: str) -> str:
    return f"`{row}`" if row in ("none", "snl", "nl", "ns", "a2", "cgnl", "cc", "dnl") else row
