"""The table of results: its plan, its lists, and its runs with a fake training."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import zipfile

import pytest
import torch
import yaml

from benchmarks.results import runner, stage
from benchmarks.results.command import main, write_document
from benchmarks.results.lists import check_test_lists
from benchmarks.results.plan import Recipe, ResultsError, Run, mark, plan
from benchmarks.results.record import lock, next_stage, read_record
from benchmarks.results.runner import Runner
from tests.results.cases import make_recipe
from tests.videos import write_ucf101


@pytest.fixture
def recipe(tmp_path):
    return make_recipe(tmp_path)


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
if trick == "die": os.kill(os.getpid(), signal.SIGKILL)
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
    assert not record.in_one_go
    assert read_record(fake.runs, runs[1], recipe).in_one_go
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


def test_a_stage_that_ended_before_it_was_stopped_is_counted(tmp_path, recipe):
    fake = FakeTraining(tmp_path / "runs", recipe)
    (run,) = plan(("none",), (), (1,))
    active = fake.runner._start(run)
    os.waitid(os.P_PID, active.process.pid, os.WEXITED | os.WNOWAIT)
    fake.runner._stop([active])
    spent = read_record(fake.runs, run, recipe).spent["fit"]
    assert (spent.starts, spent.counted) == (1, 1)
    assert spent.seconds >= 0.1


@pytest.mark.parametrize("trick", ["stop", "deaf"])
def test_a_signal_ends_what_runs_and_the_rest_goes_on_later(tmp_path, recipe, monkeypatch, trick):
    monkeypatch.setattr(runner, "PATIENCE", 0.2)
    before = signal.getsignal(signal.SIGTERM)
    fake = FakeTraining(tmp_path / "runs", recipe)
    (run,) = plan(("none",), (), (1,))
    fake.tricks[("none", "test")] = trick
    with pytest.raises(KeyboardInterrupt):
        fake.runner.carry_out([run])
    assert signal.getsignal(signal.SIGTERM) == before
    record = read_record(fake.runs, run, recipe)
    assert (record.spent["fit"].starts, record.spent["fit"].counted) == (1, 1)
    assert (record.spent["test"].starts, record.spent["test"].counted) == (1, 0)
    assert record.spent["test"].seconds >= 0.1
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
    assert main(options) == 130
    assert "the same command goes on from here" in capsys.readouterr().out
    with lock(fake.runs):
        assert main([*options, "--table-only"]) == 0
    assert "Nothing is finished." in (tmp_path / "out.md").read_text()
    fake.tricks[("none", "fit")] = "cut"
    assert main([*options]) == 1


def test_a_stage_that_a_signal_ended_is_not_counted_even_if_it_was_done(tmp_path, recipe):
    fake = FakeTraining(tmp_path / "runs", recipe)
    (run,) = plan(("none",), (), (1,))
    fake.tricks[("none", "test")] = "die"
    assert fake.runner.carry_out([run]) == []
    record = read_record(fake.runs, run, recipe)
    assert (record.spent["test"].starts, record.spent["test"].counted) == (1, 0)
    assert not record.in_one_go


def test_records_of_earlier_code_are_read(tmp_path, recipe):
    run = Run("none", 1, 0)
    file = tmp_path / run.name / "measured.json"
    file.parent.mkdir(parents=True)
    said = {
        "run": {"kind": "none", "split": 1, "seed": 0},
        "recipe": recipe.sha256("none"),
        "commits": ["2e7cd38b3c"],
        "spent": {
            "fit": {"seconds": 2024.5, "starts": 2, "counted": 2},
            "test": {"seconds": 394.5, "starts": 1, "counted": 1},
        },
    }
    file.write_text(json.dumps(said))
    record = read_record(tmp_path, run, recipe)
    assert (record.cpu_seconds, record.in_one_go) == (2419.0, False)


def write_hmdb51(root, shared):
    """Test lists of three splits and no frame; with `shared`, 1 and 2 have a video in common."""
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    for name in ("cartwheel", "wave"):
        (root / "videos" / name).mkdir(parents=True)
        for i in range(4):
            (root / "videos" / name / f"{i}.avi").touch()
        for split in (1, 2, 3):
            tested = {split, 1} if shared and (name, split) == ("cartwheel", 2) else {split}
            lines = [f"{i}.avi {2 if i in tested else 1}" for i in range(4)]
            (lists / f"{name}_test_split{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def test_lists_that_share_a_video_are_refused_before_any_start(tmp_path):
    config = tmp_path / "recipe.yaml"
    config.write_text("data:\n  format: hmdb51\n")
    check_test_lists(Recipe(config, write_hmdb51(tmp_path / "apart", False)), (1, 2, 3))
    recipe = Recipe(config, write_hmdb51(tmp_path / "shared", True))
    check_test_lists(recipe, (1, 3))
    runs = tmp_path / "runs"
    options = [f"--root={recipe.root}", f"--config={config}", f"--runs={runs}"]
    refused = r"splits 1 and 2 share videos \(cartwheel/1\.avi\).* --splits 1"
    with pytest.raises(SystemExit, match=refused):
        main([*options, f"--out={tmp_path / 'out.md'}"])
    assert not runs.exists()
    with pytest.raises(ResultsError, match=r"test list of split 1 can't be read: .*nowhere"):
        check_test_lists(Recipe(config, tmp_path / "nowhere"), (1, 2))
    check_test_lists(Recipe(config, tmp_path / "nowhere"), (1,))


def test_a_document_that_cannot_be_written_stops_no_run(tmp_path, recipe, monkeypatch, capsys):
    fake = FakeTraining(tmp_path / "runs", recipe)  # its reports are none
    monkeypatch.setattr(Recipe, "command", lambda self, *run: fake.command(*run))
    options = ["--root=x", f"--config={recipe.config}", f"--runs={fake.runs}", "--splits", "1"]
    options += [f"--out={tmp_path / 'out.md'}", "--kinds", "none", "snl", "--further-kinds"]
    with pytest.raises(SystemExit, match="none/split1_seed0/report is not a report"):
        main(options)
    assert [call.split(",")[0] for call in fake.calls()] == ["none", "none", "snl", "snl"]
    assert capsys.readouterr().out.count("the runs go on: ") == 2


def test_one_at_a_time_and_a_child_keeps_the_lock(tmp_path, recipe):
    runs = tmp_path / "runs"
    with lock(runs) as held:
        with pytest.raises(ResultsError, match=f"in use by process {os.getpid()} "), lock(runs):
            pass
        options = ["--root=x", f"--config={recipe.config}", f"--runs={runs}", "--out=/nowhere/x"]
        options += ["--splits", "1"]
        with pytest.raises(SystemExit, match="is in use by process"):
            main(options)
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
    small = {
        "clip": {"num_frames": 4, "interval": 1},
        "crop": {"size": 32, "short_side": 32},
        "views": {"num_clips": 1, "num_crops": 1},
        "loader": {"batch_size": 4, "num_workers": 0},
    }
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
        while name := next_stage(runs, run):
            command = recipe.command(run, name, folder, None)
            assert command[:3] == [sys.executable, "-m", "benchmarks.results.stage"]
            monkeypatch.setattr(sys, "argv", command[2:])
            stage.main()
        checkpoint = torch.load(folder / "checkpoints/best.ckpt", weights_only=True)
        blocks = [(b["place"], b["kind"]) for b in checkpoint["network_summary"]["blocks"]]
        assert blocks == ([] if run.kind == "none" else [("res4.4", "gsnl")])
        data = checkpoint["datamodule_hyper_parameters"]
        assert (data["split"], data["seed"], data["root"]) == (2, 3, str(root))
        settings = yaml.safe_load((folder / "config.yaml").read_text())
        assert settings["seed_everything"] == 3
    write_document(tmp_path / "out.md", wanted, runs, recipe)
    text = (tmp_path / "out.md").read_text()
    assert "| `gsnl` | 2 (2) |" in text
    assert "2 of 2 planned runs" in text
    assert "## Missing" not in text
