"""The time that compare-kinds expects, against counts by hand."""

import pytest

from snl_video.commands.kind_hours import Work, expectation, work_of
from snl_video.commands.video_cli import VideoCLI
from snl_video.recipe_files import find_recipe
from tests.videos import write_ucf101


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_ucf101(tmp_path_factory.mktemp("ucf") / "set", num_frames=2, size=(32, 32))


@pytest.mark.parametrize(
    ("options", "trained", "viewed"),
    [
        ([], 4 * 4, 2 * 2),
        (["--trainer.limit_val_batches=1.0"], 16, 4 + 4 * 2),
        (["--trainer.limit_val_batches=1.0", "--trainer.check_val_every_n_epoch=3"], 16, 4 + 2),
        (["--trainer.max_steps=1"], 8, 4),
        (["--trainer.max_steps=1", "--trainer.accumulate_grad_batches=3"], 16, 4),
        (["--data.views.num_clips=10", "--data.views.num_crops=3"], 16, 2 * 30),
    ],
)
def test_the_clips_of_a_run(root, options, trained, viewed):
    """4 videos are trained on in batches of 8 for 4 epochs, 2 are tested; they validate too."""
    recipe = [f"--config={find_recipe('ucf101/finetune_cpu')}", f"--data.root={root}"]
    settings = VideoCLI(["fit", *recipe, *options], run=False).config.as_dict()
    assert work_of(settings, 1) == Work(trained, viewed)


def test_finished_runs_tell_more_than_a_rate():
    work = [Work(3000, 9000)] * 2
    assert expectation(work, [], 20) == (
        "2 runs to go, 6,000 training clips and 18,000 views: about 10 min at 20 training clips a "
        "second (a view counts a third)"
    )
    assert "at 100 training clips a second (assumed, yours is set with" in expectation(
        work, [], None
    )
    assert expectation(work, [600, 90, 1200], 20) == (
        "2 runs to go, about 20 min: a finished one took 10 min"
    )
    assert expectation(work[:1], [600], None).startswith("1 run to go")
