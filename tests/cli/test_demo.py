"""The demo: a frame-wise network cannot compare two squares, and with one block it can."""

import ast
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from snl_video.commands.video_cli import VideoCLI
from snl_video.data.synthetic.leaks import chance_bound
from snl_video.data.synthetic.relations import RelationsSettings, clip_frames, write_relations
from snl_video.evaluation.video_table import read_parquet
from tests.data.relations_reader import answer, parts_of

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "configs/demo.yaml"
VIDEOS = 300
NONE = ["--model.non_local=null"]
MEAN_GRAPH = ['--model.non_local.options={"affinity": "mean"}']
"""Every position gets the mean of all: a block whose affinity knows nothing."""


def test_the_pictures_ask_what_the_second_square_attends_to():
    """Video and position of each picture: videos of the test list, and a pixel of the square."""
    explained = re.findall(r"--video \S+/v_(\w+)_g(\d+)_\S+ --position '(.*)'", _makefile())
    assert [name for name, *_ in explained] == ["Same", "Different"]
    settings = RelationsSettings()
    for name, group, position in explained:
        assert int(group) <= settings.clips_per_class // 3
        index = 2 * (int(group) - 1) + settings.classes.index(name)
        frames = clip_frames(settings, index)
        parts = parts_of(frames, settings.side)
        assert answer(settings.task, parts) == name
        frame, row, column = ast.literal_eval(position)
        shown, ((*_, top, left),) = parts[-1]
        assert 2 * frame in shown
        assert max(row - top, column - left) < settings.side
        assert min(row - top, column - left) >= 0


def _makefile():
    return (ROOT / "Makefile").read_text().replace("\\\n", "")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return write_relations(tmp_path_factory.mktemp("relations") / "set")


@pytest.mark.slow
def test_without_a_block_chance_and_with_one_the_answer(videos, tmp_path, capsys):
    """Ten seeds; two of them without a block for three times the steps, two with the mean graph.

    Chance is judged on pairs of a video of each class, as `leaks` does and for its reason.
    """
    runs = {
        "none": dict.fromkeys(range(10), NONE),
        "none, 3 x steps": {seed: [*NONE, "--trainer.max_epochs=24"] for seed in range(2)},
        "mean graph": dict.fromkeys(range(2), MEAN_GRAPH),
        "snl": {seed: [] for seed in range(10)},
    }
    top1, pairs = {name: [] for name in runs}, {name: [] for name in runs}
    for name, options_of in runs.items():
        for seed, options in options_of.items():
            correct, right = _tested(videos, tmp_path / f"{name} {seed}", seed, options)
            top1[name].append(correct)
            pairs[name].append(right)
            with capsys.disabled():
                print(f"\n{name}, seed {seed}: {correct:.1%} of videos, {right:.1%} of pairs")
    chance = [*pairs["none"], *pairs["none, 3 x steps"], *pairs["mean graph"]]
    assert max(chance) <= chance_bound(VIDEOS // 2), pairs
    assert sum(share >= 0.95 for share in top1["snl"]) >= 9, top1


def _tested(videos, folder, seed, options):
    """Train and test: shares of the videos, and of pairs of Same and Different, that are right."""
    common = [f"--run_dir={folder}", "--trainer.enable_progress_bar=false"]
    recipe = [f"--config={RECIPE}", f"--data.root={videos}", f"--seed_everything={seed}"]
    VideoCLI(["fit", *recipe, "--trainer.limit_val_batches=0", *options, *common])
    VideoCLI(["test", *common])
    table = read_parquet(folder / "report/videos.parquet")
    assert len(table.ids) == VIDEOS
    scores = pq.read_table(folder / "report/videos.parquet")["scores"].to_pylist()
    same, different = (np.array(scores)[table.label == label, 0] for label in range(2))
    return table.correct.mean(), (same > different).mean()
