"""The table of results: its plan, its runs with a fake training, its numbers by brute force."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
import yaml
from evaluation.cases import random_results
from videos import write_ucf101

from benchmarks import results, results_numbers, results_page, results_run, results_stage
from benchmarks.results_plan import Recipe, ResultsError, Run, mark, plan
from benchmarks.results_record import Record, lock, next_stage, read_record
from benchmarks.results_run import Runner
from snl_video.evaluation import Evaluation
from snl_video.evaluation.paired import holm, mcnemar_exact
from snl_video.evaluation.report import write_report

NUM_CLASSES = 3


@pytest.fixture
def recipe(tmp_path):
    config = tmp_path / "recipe.yaml"
    config.write_text("run_dir: x\nmodel:\n  width: 8\n  non_local:\n    kind: snl\n")
    return Recipe(config, tmp_path / "data")


def names_of(split, videos=30):
    """Groups of three clips; every split has its own groups."""
    return [
        f"c{i % NUM_CLASSES}/v_c{i % NUM_CLASSES}_g{10 * split + i // 9:02d}_c{i // 3 % 3:02d}.avi"
        for i in range(videos)
    ]


def finish(runs, recipe, run, *, skill, seconds=3600.0, names=None, failed=(), classes=None):
    """A finished run, as far as anybody can see."""
    record = read_record(runs, run, recipe)
    record.commits = ["abc"]
    for spent in record.spent.values():
        spent.seconds, spent.starts, spent.counted = seconds, 1, 1
    record.write(runs)
    folder = runs / run.name
    names = names or names_of(run.split)
    seed = 100 * run.split + run.seed + 7 * len(run.kind)
    case = Evaluation(
        random_results(len(names), NUM_CLASSES, seed=seed, skill=skill, failed=failed),
        classes or [f"c{i}" for i in range(NUM_CLASSES)],
        names,
    )
    network = {"parameters": 1_500_000, "gmacs": 2.5, "blocks": []}
    write_report(folder / "report", case, {"network": network})
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/best.ckpt").touch()
    for stage in ("fit", "test"):
        mark(folder, stage).touch()
    return record


def scored_of(runs, recipe, *wanted):
    return [results_numbers.read_scored(runs, read_record(runs, run, recipe)) for run in wanted]


def test_the_most_telling_runs_come_first():
    runs = plan(seeds=(0, 1))
    assert len(runs) == len(set(runs)) == 2 * 3 * 7
    assert [run.name for run in runs[:5]] == [
        "none/split1_seed0",
        "nl/split1_seed0",
        "snl/split1_seed0",
        "gsnl/split1_seed0",
        "none/split2_seed0",
    ]
    assert [run.kind for run in runs[12:15]] == ["ns", "a2", "cgnl"]
    assert {run.seed for run in runs[:21]} == {0}
    for bad in ({"splits": ()}, {"seeds": (0, 0)}, {"further": ("snl",)}):
        with pytest.raises(ResultsError, match=r"every \w+ once"):
            plan(**bad)


def test_the_recipe_hash_follows_what_is_said_and_nothing_else(recipe):
    before = {kind: recipe.sha256(kind) for kind in ("none", "snl", "gsnl")}
    assert len(set(before.values())) == 3
    text = recipe.config.read_text()
    recipe.config.write_text("# a word\n" + text.replace("run_dir: x", "run_dir: y"))
    assert {kind: recipe.sha256(kind) for kind in before} == before
    recipe.config.write_text(text.replace("width: 8", "width: 16"))
    assert not set(before.values()) & {recipe.sha256(kind) for kind in before}
    with pytest.raises(ResultsError, match=r"nosuch\.yaml can't be read"):
        recipe.sha256("nosuch")
    recipe.config.write_text("just words")
    with pytest.raises(ResultsError, match=r"recipe\.yaml is not a recipe: it holds a str"):
        recipe.sha256("none")


def test_pooled_numbers_equal_a_count_by_hand(tmp_path, recipe):
    runs = tmp_path / "runs"
    skills = {"none": 0.5, "snl": 3.0, "nl": 0.5}
    wanted = [Run(kind, split, 0) for kind in skills for split in ((1, 2, 3))]
    wanted = [run for run in wanted if (run.kind, run.split) != ("nl", 3)]
    for run in wanted:
        failed = (2,) if run == Run("snl", 2, 0) else ()
        seconds = 900.0 * run.split
        finish(runs, recipe, run, skill=skills[run.kind], seconds=seconds, failed=failed)
    scored = scored_of(runs, recipe, *wanted)
    table = {row.kind: row for row in results_numbers.rows(scored)}

    def right(kind, splits=(1, 2, 3)):
        """(label, right, group) of every video, from the CSV that people read."""
        rows = []
        for split in splits:
            lines = (runs / kind / f"split{split}_seed0/report/videos.csv").read_text().splitlines()
            names = lines[0].split(",")
            for line in lines[1:]:
                row = dict(zip(names, line.split(","), strict=True))
                group = re.search(r"v_c\d_g\d\d", row["video"])[0]
                rows.append((row["true"], int(row["correct"]), group))
        return rows

    for kind, splits in (("none", (1, 2, 3)), ("snl", (1, 2, 3)), ("nl", (1, 2))):
        row, videos = table[kind], right(kind, splits)
        assert row.videos == len(videos) == 30 * len(splits)
        assert row.groups == len({group for _, _, group in videos})
        assert row.top1 == pytest.approx(sum(v[1] for v in videos) / len(videos), abs=1e-12)
        classes = [[v[1] for v in videos if v[0] == f"c{i}"] for i in range(NUM_CLASSES)]
        assert row.mean_class == pytest.approx(np.mean([np.mean(c) for c in classes]), abs=1e-12)
        for split in splits:
            own = [v[1] for v in right(kind, (split,))]
            assert row.top1_of_split[split] == pytest.approx(np.mean(own), abs=1e-12)
        assert list(row.top1_of_split) == list(splits)
        assert row.interval[0] < row.top1 < row.interval[1]
        assert row.cpu_seconds == pytest.approx(2 * 900 * np.mean(splits))
    assert table["snl"].failed == 1
    assert (table["snl"].parameters, table["snl"].gmacs) == (1_500_000, 2.5)

    p_values = []
    for kind, splits in (("snl", (1, 2, 3)), ("nl", (1, 2))):
        pairs = list(zip(right("none", splits), right(kind, splits), strict=True))
        only = [sum(a[1] > b[1] for a, b in pairs), sum(a[1] < b[1] for a, b in pairs)]
        against = table[kind].against
        assert [against.pair.only_first, against.pair.only_second] == only
        assert against.videos == len(pairs)
        p_values.append(mcnemar_exact(*only))
        assert against.pair.p_value == p_values[-1]
        gain = np.array([b[1] - a[1] for a, b in pairs])
        assert against.group_interval == brute_interval(gain, [a[2] for a, _ in pairs])
    assert [table[kind].against.pair.adjusted for kind in ("snl", "nl")] == holm(p_values)
    assert p_values[0] < 0.001 < p_values[1]
    assert table["none"].against is None


def brute_interval(values, groups):
    """Draw groups and write all their videos out, one draw at a time."""
    names = sorted(set(groups))
    draws = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    of_group = {
        name: [v for v, g in zip(values, groups, strict=True) if g == name] for name in names
    }
    means = [np.mean([v for place in draw for v in of_group[names[place]]]) for draw in draws]
    low, high = np.quantile(means, [0.025, 0.975])
    return pytest.approx((low, high), abs=1e-12)


def test_groups_that_agree_make_the_interval_wider():
    rng = np.random.default_rng(3)
    per_group = rng.integers(0, 2, 40)
    values = np.repeat(per_group, 5)
    groups = [f"g{i:02d}" for i in range(40) for _ in range(5)]
    low, high = results_numbers.group_interval(values, groups)
    assert (low, high) == brute_interval(values, groups)
    assert (low, high) == brute_interval(per_group, [f"g{i:02d}" for i in range(40)])
    alone = results_numbers.group_interval(values, [str(i) for i in range(200)])
    assert (high - low) / (alone[1] - alone[0]) == pytest.approx(np.sqrt(5), rel=0.1)


def test_the_document_says_what_the_numbers_say(tmp_path, recipe):
    runs = tmp_path / "runs"
    wanted = plan(("none", "snl"), ("nl",), (1, 2), (0, 1))
    there = [run for run in wanted if (run.kind, run.seed) != ("nl", 1)]
    for run in there:
        finish(runs, recipe, run, skill=3.0 if run.kind == "snl" else 0.3)
    out = tmp_path / "docs/results.md"
    options = ["--root=x", f"--config={recipe.config}", f"--runs={runs}", f"--out={out}"]
    options += ["--kinds", "none", "snl", "--further-kinds", "nl", "--splits", "1", "2"]
    assert results.main([*options, "--seeds", "0", "1", "--table-only", "--linear", "86.8"]) == 0
    text = out.read_text()
    scored = scored_of(runs, recipe, *there)
    first = [one for one in scored if one.run.seed == 0]
    row = {row.kind: row for row in results_numbers.rows(first)}
    snl, pair = row["snl"], row["snl"].against.pair
    assert f"| `snl` | 60 (1, 2) | {100 * snl.top1:.1f} |" in text
    assert "1.50 M | 2.50 | 2.00 |" in text
    assert f"| `snl` | 60 | {100 * pair.difference:+.1f} |" in text
    verdict = f"at 5 %: `snl` ({100 * pair.difference:+.1f}). Not significant: `nl` ("
    assert verdict in text
    assert "Holm's correction over 2 kinds" in text
    assert "86.8 % on splits 1." in text
    assert "10 of 12 planned runs" in text
    assert "2 planned runs are not finished: nl/split1_seed1, nl/split2_seed1." in text
    other = results_numbers.rows([one for one in scored if one.run.seed == 1])
    cell = {r.kind: f"{100 * r.top1:.1f} (1, 2)" for r in other}["snl"]
    assert f"| `snl` | {100 * snl.top1:.1f} (1, 2) | {cell} |" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def made_row(kind, adjusted, group_interval, difference=0.02):
    pair = results_numbers.Paired(1, 2, difference, (0, 1), adjusted / 2, adjusted)
    against = results_numbers.Against(100, pair, group_interval)
    return results_numbers.Row(
        kind, {1: 0.5}, 100, 10, 0, 0.5, (0, 1), (0, 1), 0.5, None, None, 0.0, True, against
    )


def test_the_verdict_weighs_groups_too():
    rows = [
        made_row("a", 0.01, (0.01, 0.03)),
        made_row("b", 0.04, (-0.01, 0.05)),
        made_row("c", 0.05, (0.01, 0.05)),
        made_row("d", 0.001, (-0.05, -0.01), -0.03),
    ]
    assert results_page.verdict(rows) == (
        "Significantly different from no block at 5 %: `a` (+2.0), `d` (-3.0). Significant over "
        "videos but not when whole groups are drawn: `b` (+2.0). Not significant: `c` (+2.0)."
    )
    assert results_page.verdict(rows[2:3]) == (
        "No kind is significantly different from no block at 5 %. The differences, in points: "
        "`c` (+2.0)."
    )


def test_runs_that_do_not_belong_together_are_refused(tmp_path, recipe):
    runs = tmp_path / "runs"
    none, snl = Run("none", 1, 0), Run("snl", 1, 0)
    finish(runs, recipe, none, skill=1.0)
    finish(runs, recipe, snl, skill=1.0, names=names_of(1)[::-1])
    with pytest.raises(ResultsError, match="none/split1_seed0 and snl/split1_seed0 tested diff"):
        results_numbers.rows(scored_of(runs, recipe, none, snl))
    again = Run("none", 2, 0)
    finish(runs, recipe, again, skill=1.0, names=names_of(1))
    with pytest.raises(ResultsError, match="in the test lists of two splits"):
        results_numbers.rows(scored_of(runs, recipe, none, again))
    renamed = Run("none", 3, 0)
    finish(runs, recipe, renamed, skill=1.0, classes=list("xyz"))
    with pytest.raises(ResultsError, match="none: the splits name their classes differently"):
        results_numbers.rows(scored_of(runs, recipe, none, renamed))
    metrics = runs / none.name / "report/metrics.json"
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "complete": False}))
    with pytest.raises(ResultsError, match="not of the whole test list"):
        scored_of(runs, recipe, none)
    metrics.write_text("{")
    with pytest.raises(ResultsError, match="is not a report"):
        scored_of(runs, recipe, none)


FAKE = """
import os, pathlib, signal, sys, time, zipfile
mark, stage, folder, resume, trick = sys.argv[1:]
folder = pathlib.Path(folder)
while time.process_time() < 0.1: pass
with (folder.parents[1] / "calls.txt").open("a") as calls:
    print(folder.parent.name, folder.name, stage, pathlib.Path(resume).name, sep=",", file=calls)
(folder / "checkpoints").mkdir(exist_ok=True)
with zipfile.ZipFile(folder / "checkpoints/last.ckpt", "w") as last: last.writestr("a", "b")
if trick == "cut": sys.exit(0)
if trick == "stop":
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(600)
if trick == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(os.getppid(), signal.SIGTERM)
    while True: time.sleep(600)
(folder / "checkpoints/best.ckpt").touch()
if stage == "test":
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report/metrics.json").write_text(os.environ.get("OMP_NUM_THREADS", ""))
pathlib.Path(mark).touch()
"""


class FakeTraining:
    """Commands that do what a training leaves behind; `tricks` are used up one a call."""

    def __init__(self, runs, recipe, **options):
        self.runs, self.tricks = runs, {}
        self.done = []
        self.runner = Runner(
            runs, recipe, self.command, pause=0.01, finished=self.done.append, **options
        )

    def command(self, run, stage, folder, resume):
        trick = self.tricks.pop((run.kind, stage), "")
        arguments = [mark(folder, stage), stage, folder, resume or "", trick]
        return [sys.executable, "-S", "-c", FAKE, *map(str, arguments)]

    def calls(self):
        return (self.runs / "calls.txt").read_text().split()


def test_an_interrupted_fit_goes_on_and_nothing_is_repeated(tmp_path, recipe):
    fake = FakeTraining(tmp_path / "runs", recipe)
    runs = plan(("none", "snl"), (), (1,))
    fake.tricks[("none", "fit")] = "cut"
    (failure,) = fake.runner.carry_out(runs)
    assert "none/split1_seed0: fit ended without its result, exit code 0" in str(failure)
    assert fake.done == [Run("snl", 1, 0)]
    assert fake.runner.carry_out(runs) == []
    assert fake.runner.carry_out(runs) == []
    assert fake.calls() == [
        "none,split1_seed0,fit,",
        "snl,split1_seed0,fit,",
        "snl,split1_seed0,test,",
        "none,split1_seed0,fit,last.ckpt",
        "none,split1_seed0,test,",
    ]
    assert set(fake.done) == set(runs)
    record = read_record(fake.runs, runs[0], recipe)
    assert (record.spent["fit"].starts, record.spent["fit"].counted) == (2, 2)
    assert record.spent["fit"].seconds >= 0.2
    assert record.cpu_seconds >= 0.3
    assert record.all_counted
    assert len(record.commits) == 1


def test_a_checkpoint_cut_off_while_written_is_not_used(tmp_path, recipe):
    fake = FakeTraining(tmp_path / "runs", recipe)
    (run,) = plan(("none",), (), (1,))
    fake.tricks[("none", "fit")] = "cut"
    fake.runner.carry_out([run])
    last = fake.runs / run.name / "checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:-10])
    assert not zipfile.is_zipfile(last)
    assert fake.runner.carry_out([run]) == []
    assert fake.calls()[1] == "none,split1_seed0,fit,"


@pytest.mark.parametrize("trick", ["stop", "deaf"])
def test_a_signal_ends_what_runs_and_counts_it(tmp_path, recipe, monkeypatch, trick):
    monkeypatch.setattr(results_run, "PATIENCE", 0.2)
    before = signal.getsignal(signal.SIGTERM)
    fake = FakeTraining(tmp_path / "runs", recipe)
    (run,) = plan(("none",), (), (1,))
    fake.tricks[("none", "test")] = trick
    with pytest.raises(KeyboardInterrupt):
        fake.runner.carry_out([run])
    assert signal.getsignal(signal.SIGTERM) == before
    record = read_record(fake.runs, run, recipe)
    assert record.all_counted
    assert record.spent["test"].starts == 1
    assert next_stage(fake.runs, run) == "test"
    assert fake.runner.carry_out([run]) == []
    assert [call.split(",")[2] for call in fake.calls()] == ["fit", "test", "test"]


def test_two_side_by_side_have_a_thread_each(tmp_path, recipe, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    pair = FakeTraining(tmp_path / "pair", recipe, jobs=2)
    single = FakeTraining(tmp_path / "single", recipe)
    runs = plan(("none", "nl", "snl"), (), (1,))
    for fake, threads in ((pair, "1"), (single, "")):
        assert fake.runner.carry_out(runs[: 3 if fake is pair else 1]) == []
        metrics = fake.runs / runs[0].name / "report/metrics.json"
        assert metrics.read_text() == threads
    assert sorted(pair.done) == sorted(runs)
    assert [call.split(",")[2] for call in pair.calls()[:2]] == ["fit", "fit"]


def test_another_recipe_and_foreign_folders_are_refused_before_any_start(tmp_path, recipe):
    fake = FakeTraining(tmp_path / "runs", recipe)
    runs = plan(("none", "snl"), (), (1,))
    fake.runner.carry_out(runs[1:])
    recipe.config.write_text(recipe.config.read_text().replace("8", "16"))
    with pytest.raises(ResultsError, match=r"snl/split1_seed0 is a run of another recipe"):
        fake.runner.carry_out(runs)
    assert len(fake.calls()) == 2
    foreign = tmp_path / "other" / runs[0].name
    foreign.mkdir(parents=True)
    assert read_record(tmp_path / "other", runs[0], recipe).commits == []
    (foreign / "log.txt").touch()
    with pytest.raises(ResultsError, match="so nobody knows its recipe"):
        read_record(tmp_path / "other", runs[0], recipe)
    (foreign / "measured.json").write_text("{}")
    with pytest.raises(ResultsError, match="is damaged"):
        read_record(tmp_path / "other", runs[0], recipe)


def test_the_program_stops_with_a_word_and_a_code_of_its_own(tmp_path, recipe, monkeypatch, capsys):
    fake = FakeTraining(tmp_path / "runs", recipe)
    fake.tricks[("none", "fit")] = "stop"
    monkeypatch.setattr(Recipe, "command", lambda self, *run: fake.command(*run))
    options = ["--root=x", f"--config={recipe.config}", f"--runs={fake.runs}"]
    options += [f"--out={tmp_path / 'out.md'}", "--kinds", "none", "--splits", "1"]
    options += ["--further-kinds"]
    assert results.main(options) == 130
    assert "the same command goes on from here" in capsys.readouterr().out
    with lock(fake.runs):
        assert results.main([*options, "--table-only"]) == 0
    assert "Nothing is finished." in (tmp_path / "out.md").read_text()
    fake.tricks[("none", "fit")] = "cut"
    assert results.main([*options]) == 1


def test_a_start_whose_end_nobody_saw_is_told(tmp_path, recipe):
    runs = tmp_path / "runs"
    run = Run("none", 1, 0)
    record = finish(runs, recipe, run, skill=1.0)
    record.spent["fit"].starts += 1
    record.write(runs)
    again = read_record(runs, run, recipe)
    assert isinstance(again, Record)
    assert not again.all_counted
    text = results_page.document([run], scored_of(runs, recipe, run), recipe, ())
    assert "| over 2.00 |" in text


def test_one_at_a_time_and_a_child_keeps_the_lock(tmp_path, recipe):
    runs = tmp_path / "runs"
    with lock(runs) as held:
        with pytest.raises(ResultsError, match=f"in use by process {os.getpid()} "), lock(runs):
            pass
        options = ["--root=x", f"--config={recipe.config}", f"--runs={runs}", "--out=/nowhere/x"]
        with pytest.raises(SystemExit, match="is in use by process"):
            results.main(options)
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(held,)
        )
    with pytest.raises(ResultsError, match="in use"), lock(runs):
        pass
    child.communicate(b"\n")
    with contextlib.ExitStack() as stack:
        assert isinstance(stack.enter_context(lock(runs)), int)


def test_the_real_command_trains_tests_and_fills_the_table(tmp_path, monkeypatch):
    root = write_ucf101(tmp_path / "ucf", num_frames=8, size=(32, 40))
    small = {"num_frames": 4, "frame_interval": 1, "crop_size": 32, "short_side": 32}
    small |= {"num_clips": 1, "num_crops": 1, "batch_size": 4, "num_workers": 0}
    said = {
        "model": {"width": 8, "non_local": {"kind": "nl", "places": "five"}},
        "data": {"format": "ucf101", **small},
        "trainer": {"accelerator": "cpu", "max_epochs": 1, "enable_progress_bar": False},
    }
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(said))
    recipe, runs = Recipe(config, root), tmp_path / "runs"
    wanted = [Run("none", 2, 3), Run("gsnl", 2, 3)]
    for run in wanted:
        folder = runs / run.name
        read_record(runs, run, recipe).write(runs)
        while stage := next_stage(runs, run):
            command = recipe.command(run, stage, folder, None)
            assert command[:3] == [sys.executable, "-m", "benchmarks.results_stage"]
            monkeypatch.setattr(sys, "argv", command[2:])
            results_stage.main()
        checkpoint = torch.load(folder / "checkpoints/best.ckpt", weights_only=True)
        blocks = [(b["place"], b["kind"]) for b in checkpoint["network_summary"]["blocks"]]
        assert blocks == ([] if run.kind == "none" else [("res4.4", "gsnl")])
        data = checkpoint["datamodule_hyper_parameters"]
        assert (data["split"], data["seed"], data["root"]) == (2, 3, str(root))
        settings = yaml.safe_load((folder / "config.yaml").read_text())
        assert settings["seed_everything"] == 3
    results.write_document(tmp_path / "out.md", wanted, runs, recipe, ())
    text = (tmp_path / "out.md").read_text()
    assert "| `gsnl` | 2 (2) |" in text
    assert "2 of 2 planned runs" in text
    assert "## Missing" not in text
