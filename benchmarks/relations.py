"""The table on relations: which kinds of block solve which question, at what cost.

    python -m benchmarks.relations

Every cell is one small network, trained from scratch on clips of `relations` that are drawn in
memory, and tested on fresh ones: half a minute of one core. The command can be stopped and called
again: what is finished is not repeated. After every cell it writes the page anew.

    python -m benchmarks.relations --only c2d_r50 two_colours seed0
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks.relation_cells import HARDER, QUESTIONS, Cell, Result, train_cell
from benchmarks.relation_networks import BLOCK_OF, VARIANTS
from benchmarks.relation_page import relations_page
from snl_video.errors import InputError
from snl_video.whole_files import write_whole

BACKBONES = ("c2d_r50", "i3d_r50")
PLACES = ("res3.1", "res2.1", "res4.1")
SEEDS = range(5)
TRIED_ON = "four colours"
"""The question of the variants."""

ASKED_HARDER = ("none", "nl", "snl", "snl focus 3", "gsnl K=3")
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
    at_first = cell.place == PLACES[0]
    if cell.question in HARDER:
        return at_first and cell.backbone == BACKBONES[0] and cell.row in ASKED_HARDER
    if cell.row in VARIANTS:
        return at_first and cell.backbone == BACKBONES[0] and cell.question == TRIED_ON
    return at_first or BLOCK_OF[cell.row] is not None


def finished(folder: Path, cells: Sequence[Cell]) -> dict[Cell, Result]:
    """The results that are there.

    Raises:
        InputError: one is damaged, or of other settings.
    """
    found = {}
    for cell in cells:
        file = folder / f"{cell.name}.json"
        if file.is_file():
            try:
                stored = json.loads(file.read_text(encoding="utf-8"))
                result = Result(**stored["result"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{file} is damaged ({error}): delete it") from error
            if stored["settings"] != _plain(cell.settings()):
                raise InputError(f"{file} is of other settings: delete {folder}, or name another")
            found[cell] = result
    return found


def fill(folder: Path, cells: Sequence[Cell], only: Sequence[str], page: Path) -> None:
    """Train what is missing of the cells whose names hold all words of `only`."""
    results = finished(folder, cells)
    write_whole(page, relations_page(cells, results))
    for cell in cells:
        if cell in results or not all(word in cell.name for word in only):
            continue
        result = results[cell] = train_cell(cell)
        stored = {"settings": cell.settings(), "result": asdict(result)}
        write_whole(folder / f"{cell.name}.json", json.dumps(stored, indent=1) + "\n")
        write_whole(page, relations_page(cells, results))
        print(f"{cell.name}: {result.right} right, looks {result.looks}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill the table; Ctrl-C ends it, the same command goes on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run_dir", type=Path, default=Path("runs/relations"))
    parser.add_argument("--output", type=Path, default=Path("docs/results_relations.md"))
    parser.add_argument("--only", nargs="*", default=[], help="words that a cell's name must hold")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    fill(options.run_dir, planned(), options.only, options.output)


def _plain(settings: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(settings))


if __name__ == "__main__":
    main()
