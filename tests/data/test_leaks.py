from math import comb

import numpy as np
import pytest

from snl_video.data.synthetic import relation_tasks
from snl_video.data.synthetic.leaks import chance_bound, leaks_in_words, measure_leaks
from snl_video.data.synthetic.relation_tasks import ANY, Task, Thing
from snl_video.data.synthetic.relations import RelationsSettings, write_relations
from snl_video.data.synthetic.ucf101_layout import write_lists
from snl_video.data.synthetic.video_writer import write_frames

VIEWS = ["best frame", "frames", "colours", "colour pairs", "packets"]
LINEAR = [view for view in VIEWS if view != "colour pairs"]
HIDDEN = ("binding", "sequence", "order")


@pytest.mark.parametrize(
    "options",
    [
        {"clips_per_class": 150},
        {"clips_per_class": 150, "intra": True},
        {"colours": 8, "distractors": 1},
        {"task": "binding"},
        {"task": "odd_one_out"},
        {"task": "recall", "colours": 4, "size": 64},
        {"task": "sequence"},
        {"task": "order", "colours": 3},
        {"task": "counting", "size": 64},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_no_linear_view_of_the_videos_is_above_chance(options, tmp_path):
    settings = RelationsSettings(**{"clips_per_class": 90, **options})
    found = measure_leaks(write_relations(tmp_path / "set", settings))
    pairs = settings.clips_per_class // 3 * len(settings.classes) // 2
    assert list(found) == VIEWS
    seen = VIEWS if settings.task in HIDDEN else LINEAR
    assert max(found[view] for view in seen) <= chance_bound(pairs), found
    if settings.task == "same_different" and settings.colours == 2:
        assert found["colour pairs"] > chance_bound(pairs)


def test_a_colour_that_tells_is_found(tmp_path, monkeypatch):
    def told(rng, label, _):
        return [Thing("square", int(rng.integers(2)), 0), Thing("square", label, 1)]

    task = Task(2, ANY, lambda _: ["Same", "Different"], told)
    monkeypatch.setitem(relation_tasks.TASKS, "same_different", task)
    root = write_relations(tmp_path / "set", RelationsSettings(clips_per_class=180))
    found = measure_leaks(root)
    assert min(found[view] for view in VIEWS[:3]) > chance_bound(60), found
    lines = leaks_in_words(root).splitlines()
    assert lines[0].startswith("60 pairs of test videos, 50.0% by chance")
    assert [line[2:15].strip() for line in lines[1:]] == VIEWS
    assert lines[1].endswith("LEAKS")


def test_sizes_of_packets_that_tell_are_found(tmp_path):
    rng = np.random.default_rng(0)
    groups = {}
    for group in range(1, 31):
        for name, noise in (("A", 1), ("B", 40)):
            frames = rng.normal(128, 5, (4, 32, 32, 3))
            frames[2] += rng.normal(0, noise, (32, 32, 3))
            file = f"{name}/v_{name}_g{group:02d}_c01.mp4"
            write_frames(tmp_path / "videos" / file, frames.clip(0, 255).astype(np.uint8))
            groups.setdefault(group, []).append(file)
    write_lists(tmp_path / "ucfTrainTestlist", ["A", "B"], groups)
    assert measure_leaks(tmp_path)["packets"] == 1


@pytest.mark.parametrize(("trials", "classes"), [(20, 2), (300, 2), (300, 3), (400, 4)])
def test_the_bound_leaves_a_thousandth_above_it(trials, classes):
    right = round(chance_bound(trials, 1 / classes) * trials)
    share = [
        comb(trials, n) * (classes - 1) ** (trials - n) / classes**trials for n in range(trials + 1)
    ]
    assert sum(share[right + 1 :]) <= 1e-3 < sum(share[right:])
