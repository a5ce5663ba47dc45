"""The table on relations: its cells, its rows, and the page that fills itself."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import relation_cells, relations
from benchmarks.relation_cells import (
    GRADED,
    HARDER,
    QUESTIONS,
    TEST,
    Cell,
    Question,
    Result,
    draw_clips,
    parameter_groups,
    train_cell,
)
from benchmarks.relation_networks import BLOCK_OF, KINDS, VARIANTS, WITH_POSITION, build_row
from benchmarks.relation_page import relations_page
from snl_video.blocks.graphs.gaussian import SymmetricGaussianAffinity
from snl_video.blocks.graphs.graph import MeanAffinity
from snl_video.errors import InputError
from snl_video.evaluation.intervals import wilson
from snl_video.models import inserted_blocks

KINDS_AND_CONTROLS = len(GRADED) * len(KINDS)
"""Cells of one backbone, the first place and one seed."""

A_SEED = KINDS_AND_CONTROLS + len(VARIANTS) + len(HARDER) * 6 + len(WITH_POSITION)
"""Cells of the first backbone, the first place and one seed."""

FEW = Cell("c2d_r50", "res3.1", "few", "snl", 0)


@pytest.fixture
def few_steps(monkeypatch):
    """A question of two steps, with small lists."""
    settings = QUESTIONS["two colours"].settings
    monkeypatch.setitem(QUESTIONS, "few", Question(settings, 2))
    for name, value in {"EVERY": 1, "VALIDATION": 4, "TEST": 6, "BATCH": 4}.items():
        monkeypatch.setattr(relation_cells, name, value)


def test_every_cell_is_planned_once_and_the_most_telling_first():
    cells = relations.planned()
    assert len({cell.name for cell in cells}) == len(cells)
    assert {(c.backbone, c.place, c.seed) for c in cells[:A_SEED]} == {("c2d_r50", "res3.1", 0)}
    elsewhere = len(GRADED) * (len(KINDS) - 2)
    assert len(cells) == 5 * (A_SEED + KINDS_AND_CONTROLS + 2 * 2 * elsewhere)
    kinds = {block["kind"] for block in KINDS.values() if block}
    assert kinds == {"nl", "ns", "a2", "cgnl", "cc", "dnl", "snl", "gsnl"}


@pytest.mark.parametrize("row", BLOCK_OF)
def test_every_row_builds_its_network(row):
    network = build_row(row, "c2d_r50", 3, "res2.1").eval()
    assert list(inserted_blocks(network)) == (["res2.1"] if BLOCK_OF[row] else [])
    assert network(torch.randn(2, 3, 4, 32, 32)).shape == (2, 3)
    layers = network.trunk.get_submodule(network.head)
    assert isinstance(layers, torch.nn.Sequential) == (row == "MLP head")


def test_the_mean_graph_gives_every_position_the_mean():
    z = torch.randn(2, 6, 5, dtype=torch.float64)
    graph = MeanAffinity()(z, z, (1, 2, 3))
    assert torch.allclose(graph.dense(), torch.full((2, 6, 6), 1 / 6, dtype=torch.float64))
    assert torch.allclose(graph.propagate(z), z.mean(1, keepdim=True).expand_as(z))
    (block,) = inserted_blocks(build_row("mean graph", "c2d_r50", 2, "res2.1")).values()
    x = torch.randn(1, block.in_channels, 2, 3, 3)
    assert torch.allclose(block.graph(x).dense(), torch.tensor(1 / 18))
    assert block(x).shape == x.shape


def test_the_gain_starts_where_the_row_says():
    for row, start in (("snl", 0.0), ("snl gain 0.1", 0.1)):
        (block,) = inserted_blocks(build_row(row, "c2d_r50", 2, "res2.1")).values()
        assert block.units[0].norm.weight.unique().tolist() == pytest.approx([start])


def test_a_row_differs_in_what_its_name_says():
    rows = {row: build_row(row, "c2d_r50", 2, "res3.1") for row in BLOCK_OF if BLOCK_OF[row]}
    blocks = {row: next(iter(inserted_blocks(network).values())) for row, network in rows.items()}
    assert isinstance(blocks["snl gaussian"].affinity, SymmetricGaussianAffinity)
    assert blocks["snl C_s = C"].inner_channels == 2 * blocks["snl"].inner_channels
    assert len(blocks["snl two units"].units) == 2
    assert blocks["snl focus 3"].affinity.focus == 3
    assert blocks["snl walk"].options["normalisation"] == "random_walk"
    for row in WITH_POSITION:
        without = row.removesuffix(" sine")
        assert blocks[row].position is not None
        assert blocks[without].position is None


def test_a_block_may_learn_faster_than_the_rest():
    network = build_row("snl", "c2d_r50", 2, "res2.1")
    rate_of = {
        id(p): (group["lr"], group["weight_decay"])
        for group in parameter_groups(network, 5.0)
        for p in group["params"]
    }
    for name, parameter in network.named_parameters():
        rate, decay = rate_of[id(parameter)]
        assert rate == pytest.approx(0.025 if ".non_local." in name else 0.005)
        assert decay == (0.01 if parameter.ndim > 1 else 0.0)


def test_no_clip_is_in_two_lists():
    seeds = {relation_cells.TRAINING_SEED + seed for seed in relations.SEEDS}
    lists = [*seeds, relation_cells.VALIDATION_SEED, relation_cells.TEST_SEED]
    assert len(set(lists)) == len(lists)
    settings = QUESTIONS["two colours"].settings
    drawn = [draw_clips(replace(settings, seed=seed), 0, 2)[0] for seed in lists]
    assert all(not torch.equal(drawn[0], other) for other in drawn[1:])
    clips, label = draw_clips(settings, 7, 3)
    assert clips.shape == (3, 3, 8, 32, 32)
    assert label.tolist() == [1, 0, 1]


def test_a_cell_is_repeatable(few_steps):
    first, again = train_cell(FEW), train_cell(FEW)
    assert (first.right, first.looks, first.gain) == (again.right, again.looks, again.gain)
    assert len(first.looks) == 2
    assert first.gain > 0
    assert train_cell(replace(FEW, row="none")).gain is None


def test_training_ends_early_where_it_is_solved(few_steps, monkeypatch):
    monkeypatch.setitem(QUESTIONS, "few", replace(QUESTIONS["few"], steps=9))
    monkeypatch.setattr(relation_cells, "count_right", lambda *_: relation_cells.VALIDATION)
    assert train_cell(FEW).looks == [1.0, 1.0]


def test_what_is_finished_is_not_repeated(few_steps, tmp_path, monkeypatch, capsys):
    cells = [FEW, replace(FEW, row="none"), replace(FEW, seed=1)]
    page = tmp_path / "page.md"
    file = tmp_path / "results.jsonl"
    relations.fill(file, cells, ["seed0"], page)
    assert capsys.readouterr().out.count("right") == 2
    assert "| `c2d_r50`, `res3.1` | 2 of 2 | 0 of 1 |" in page.read_text()
    monkeypatch.setattr(relations, "train_cell", lambda _: pytest.fail("trained again"))
    before = page.read_text()
    relations.fill(file, cells, ["seed0"], page)
    assert page.read_text() == before

    whole = file.read_text()
    file.write_text(whole[:-9])
    with pytest.raises(InputError, match=r"line 2 of .* damaged .* delete it"):
        relations.finished(file, cells)
    file.write_text(whole)
    monkeypatch.setattr(relation_cells, "LEARNING_RATE", 1.0)
    with pytest.raises(InputError, match=r"line 1 .*-few-snl-seed0, is of other settings"):
        relations.finished(file, cells)


def test_the_results_that_are_kept_make_the_page_of_the_docs():
    cells = relations.planned()
    page = Path(relations.__file__).parents[1] / "docs/results_relations.md"
    found = relations.finished(relations.RESULTS, cells)
    assert relations_page(cells, found) == page.read_text()


def test_the_page_says_what_the_results_say():
    cells = relations.planned()
    chosen = {
        (c.question, c.row, c.seed): c
        for c in cells
        if (c.backbone, c.place) == ("c2d_r50", "res3.1")
    }
    slow = {"seconds_per_step": 0.2, "gmacs": 0.012, "parameters": 9}
    results = {
        chosen["two colours", "none", 0]: Result(250, [0.5, 0.6], 0.1, 0.01, 7),
        chosen["two colours", "snl", 0]: Result(480, [0.5, 0.9, 0.95], **slow, gain=0.1),
        chosen["two colours", "snl", 1]: Result(500, [0.5, 0.5, 0.5, 1.0], **slow, gain=0.3),
    }
    lines = relations_page(cells, results).splitlines()
    assert any(line.startswith("| `none` | 50.0 (1) |  |") for line in lines)
    assert any(line.startswith("| `snl` | 98.0 (2) |  |") for line in lines)
    low, high = (f"{100 * end:.1f}" for end in wilson(490, TEST))
    row = f"| two colours | `snl` | 98.0 | {low} to {high} | 2 | 96.0 | 100.0 | 150 | 0.200 |"
    assert row in lines
    assert any(
        line.startswith("| two colours | `none` | 50.0 |") and "| - |" in line for line in lines
    )
    assert "| `snl` | 9 | 12.00 | 2.00 |" in lines
    counts = " | ".join(f"{there} of {A_SEED}" for there in (2, 1, 0, 0, 0))
    assert f"| `c2d_r50`, `res3.1` | {counts} |" in lines
    assert f"{len(cells) - 3} of {len(cells)} cells." in "\n".join(lines)
    assert "`i3d_r50`, block after" not in "\n".join(lines)


def test_a_whole_table_misses_nothing():
    page = relations_page([FEW], {FEW: Result(1)})
    assert page.endswith("Nothing: all 1 cells are finished.\n")
