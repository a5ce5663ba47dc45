"""The demo: a frame-wise network cannot compare two squares, and with one block it can."""

import ast
import json
import re
from pathlib import Path

import pytest

from snl_video.commands.video_cli import VideoCLI
from snl_video.data.synthetic.leaks import chance_bound
from snl_video.data.synthetic.relations import RelationsSettings, clip_frames, write_relations
from tests.data.relations_reader import answer, parts_of

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "configs/demo.yaml"
VIDEOS = 300
NONE = ["--model.non_local=null"]


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
    """Ten seeds; two of them without a block for three times the steps."""
    runs = {
        "none": dict.fromkeys(range(10), NONE),
        "none, 3 x steps": {seed: [*NONE, "--trainer.max_epochs=24"] for seed in range(2)},
        "snl": {seed: [] for seed in range(10)},
    }
    found = {name: [] for name in runs}
    for name, options_of in runs.items():
        for seed, options in options_of.items():
            found[name].append(_video_top1(videos, tmp_path / f"{name} {seed}", seed, options))
            with capsys.disabled():
                print(f"\n{name}, seed {seed}: {found[name][-1]:.1%}", end="", flush=True)
    bound = chance_bound(VIDEOS)
    assert max(found["none"] + found["none, 3 x steps"]) <= bound, found
    assert sum(share >= 0.95 for share in found["snl"]) >= 9, found


def _video_top1(videos, folder, seed, options):
    common = [f"--run_dir={folder}", "--trainer.enable_progress_bar=false"]
    recipe = [f"--config={RECIPE}", f"--data.root={videos}", f"--seed_everything={seed}"]
    VideoCLI(["fit", *recipe, "--trainer.limit_val_batches=0", *options, *common])
    VideoCLI(["test", *common])
    metrics = json.loads((folder / "report/metrics.json").read_text())
    assert metrics["videos"] == VIDEOS
    return metrics["top1"]
