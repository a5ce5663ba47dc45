"""The table on relations: which kinds of block solve which question, at what cost.

    python -m benchmarks.relations

Every cell is one small network, trained from scratch on clips of `relations` that are drawn in
memory, and tested on fresh ones: half a minute of one core. What is finished is kept in
relations.jsonl beside this file and not repeated: the command can be stopped and called again, and
several may run at a time with other words. After every cell it writes the page anew.

    python -m benchmarks.relations --only c2d_r50 two_colours seed0
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import torch

from benchmarks.relation_cells import HARDER, QUESTIONS, Cell, Result, train_cell
from benchmarks.relation_networks import BLOCK_OF, VARIANTS, WITH_POSITION
from benchmarks.relation_page import relations_page
from snl_video.errors import InputError
from snl_video.whole_files import write_whole

BACKBONES = ("c2d_r50", "i3d_r50")
PLACES = ("res3.1", "res2.1", "res4.1")
SEEDS = range(5)
RESULTS = Path(__file__).parent / "relations.jsonl"
TRIED_ON = "four colours"
"""The question of the variants."""

ASKED_HARDER = ("none", "nl", "snl", "snl focus 3", "snl walk", "gsnl K=3")
"""The rows of the harder questions."""


def planned() -> list[Cell]:
    """Every cell: the first place, seed and backbone before the others."""
    depths = product(BACKBONES, PLACES, SEEDS)
    first = sorted(depths, key=lambda one: (PLACES.index(one[1]) > 0, one[2], one[0]))
    cells = [
        Cell(backbone, place, question, row, seed)
        for backbone, place, seed in first
        for question, row in product(QUESTIONS, BLOCK_OF)
    ]
    return [cell for cell in cells if _is_asked(cell)]


def _is_asked(cell: Cell) -> bool:
    """Whether a cell tells anything that others do not."""
    first_network = (cell.backbone, cell.place) == (BACKBONES[0], PLACES[0])
    if cell.row in WITH_POSITION:
        return first_network and cell.question == "order"
    if cell.question in HARDER:
        return first_network and cell.row in ASKED_HARDER
    if cell.row in VARIANTS:
        return first_network and cell.question == TRIED_ON
    return cell.place == PLACES[0] or BLOCK_OF[cell.row] is not None


def finished(file: Path, cells: Sequence[Cell]) -> dict[Cell, Result]:
    """The results that are there, a line each.

    Raises:
        InputError: one is damaged, or of other settings.
    """
    if not file.is_file():
        return {}
    planned_as = {cell.name: cell for cell in cells}
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            stored = json.loads(line)
            name, settings, result = stored["cell"], stored["settings"], Result(**stored["result"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"line {number} of {file} is damaged ({error}): delete it") from error
        cell = planned_as.get(name)
        if cell is None or settings != _digest(cell):
            raise InputError(f"line {number} of {file}, {name}, is of other settings: delete it")
        found[cell] = result
    return found


def fill(file: Path, cells: Sequence[Cell], only: Sequence[str], page: Path) -> None:
    """Train what is missing of the cells whose names hold all words of `only`."""
    results = finished(file, cells)
    write_whole(page, relations_page(cells, results))
    for cell in cells:
        if cell in results or not all(word in cell.name for word in only):
            continue
        result = results[cell] = train_cell(cell)
        stored = {"cell": cell.name, "settings": _digest(cell), "result": asdict(result)}
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(stored) + "\n")
        write_whole(page, relations_page(cells, results))
        print(f"{cell.name}: {result.right} right, looks {result.looks}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill the table; Ctrl-C ends it, the same command goes on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line for each cell")
    parser.add_argument("--output", type=Path, default=Path("docs/results_relations.md"))
    parser.add_argument("--only", nargs="*", default=[], help="words that a cell's name must hold")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    fill(options.results, planned(), options.only, options.output)


def _digest(cell: Cell) -> str:
    """Of all that a result depends on, beside the code."""
    return hashlib.sha256(json.dumps(cell.settings(), sort_keys=True).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
