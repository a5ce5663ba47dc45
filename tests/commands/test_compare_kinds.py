"""`snl-video compare-kinds`: its plan, what it refuses, and a real miniature."""

import json
import os
import signal
import zipfile

import pytest
import torch
import yaml

from snl_video.cli import main as snl_video
from snl_video.commands import compare_kinds as command
from snl_video.errors import AnnotationError, ComparisonError, InputError, UsageError
from tests.evaluation.finished_runs import write_test_report
from tests.videos import write_ucf101


def config_file(folder, **data):
    said = {
        "run_dir": "unused",
        "model": {"width": 8, "non_local": {"kind": "nl", "places": "five"}},
        "data": {"format": "hmdb51", **data},
        "trainer": {"max_epochs": 1},
    }
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(said))
    return file


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


class Program:
    """Stands for `snl-video` in `compare_kinds`: notes its calls and leaves what it leaves.

    Attributes:
        failing: {(kind, stage)} whose calls end with exit code 1.
    """

    def __init__(self, failing=()):
        self.calls, self.failing = [], set(failing)

    def __call__(self, words, log):
        options = dict(word[2:].split("=", 1) for word in words[1:] if "=" in word)
        folder = log.parent
        self.calls.append((folder.parent.name, folder.name, words[0]))
        self.words = words
        if (folder.parent.name, words[0]) in self.failing:
            return 1
        if words[0] == "fit":
            (folder / "checkpoints").mkdir()
            with zipfile.ZipFile(folder / "checkpoints/last.ckpt", "w") as last:
                last.writestr("a", "b")
        else:
            split = int(options["data.split"])
            write_test_report(folder / "report", split, [i != split for i in range(10)])
        return 0


@pytest.fixture
def compare(tmp_path):
    """Call the command with a program that does nothing; options by name."""
    config = config_file(tmp_path)
    root = write_hmdb51(tmp_path / "hmdb51", shared=False)

    def run(
        program, kinds=("none", "snl"), splits=(1, 2), seeds=(0,), more=(), root=root, **options
    ):
        return command.compare_kinds(
            [str(config)],
            list(kinds),
            list(splits),
            list(seeds),
            run_dir=tmp_path / "runs",
            others=[f"--data.root={root}", *more],
            start=program,
            **options,
        )

    return run


def test_all_kinds_of_a_split_come_before_the_next_and_nothing_is_repeated(compare, tmp_path):
    program = Program(failing={("snl", "test")})
    assert compare(program) == 1
    assert program.calls == [
        (kind, f"split{split}_seed0", stage)
        for split in (1, 2)
        for kind in ("none", "snl")
        for stage in ("fit", "test")
    ]
    text = (tmp_path / "runs/kinds.md").read_text()
    assert "from 2 of 4 planned runs" in text
    assert "missing: snl/split1_seed0, snl/split2_seed0." in text
    again = Program()
    assert compare(again) == 0
    assert again.calls == [("snl", f"split{split}_seed0", "test") for split in (1, 2)]
    more = Program()
    assert compare(more, kinds=("none", "snl", "gsnl"), splits=(1,), seeds=(0, 4)) == 0
    assert {call[:2] for call in more.calls} == {
        ("gsnl", "split1_seed0"),
        *((kind, "split1_seed4") for kind in ("none", "snl", "gsnl")),
    }
    numbers = json.loads((tmp_path / "runs/kinds.json").read_text())
    assert numbers["missing"] == []
    assert [row["kind"] for row in numbers["seeds"]["4"]] == ["none", "snl", "gsnl"]
    assert numbers["seeds"]["0"][0]["top1"] == 0.9


def test_a_kind_is_an_overlay_and_none_goes_over_all(compare):
    program = Program()
    compare(program, kinds=["none"], splits=[1], seeds=[5], more=["--model.width=4"])
    assert program.words[-5:-1] == [
        "--model.non_local=null",
        "--seed_everything=5",
        "--data.seed=5",
        "--data.split=1",
    ]
    assert program.words.index("--model.width=4") < len(program.words) - 5
    compare(program, kinds=["snl"], splits=[1], seeds=[5], more=["--model.width=4"])
    assert "--config=blocks/snl" in program.words
    assert "--model.non_local=null" not in program.words


def test_runs_of_other_settings_are_refused_before_any_start(compare, tmp_path):
    compare(Program(), kinds=["none", "snl"], splits=[1])
    program = Program()
    for more in (["--model.width=16"], ["--trainer.max_epochs=2"]):
        name = more[0][2:].split("=")[0]
        with pytest.raises(InputError, match=f"none/split1_seed0 is a run of other .*{name}"):
            compare(program, splits=[1, 2], more=more)
    config_file(tmp_path, clip={"num_frames": 16})
    with pytest.raises(InputError, match=r"clip\.num_frames 8, now 16"):
        compare(program, splits=[1, 2])
    assert program.calls == []
    config_file(tmp_path)
    moved = write_hmdb51(tmp_path / "moved", shared=False)
    assert compare(program, splits=[1], root=moved, more=["--data.loader.num_workers=1"]) == 0
    assert program.calls == []


def test_parts_are_carried_out_alone_and_the_table_comes_last(compare, tmp_path):
    program = Program()
    for part in (3, 0, 1):
        assert compare(program, part=part) == 0
    names = [("snl", 2), ("none", 1), ("snl", 1)]
    assert [call[:2] for call in program.calls[::2]] == [
        (kind, f"split{split}_seed0") for kind, split in names
    ]
    assert not (tmp_path / "runs/kinds.md").exists()
    again = Program()
    assert compare(again) == 0
    assert {call[:2] for call in again.calls} == {("none", "split2_seed0")}
    assert "from 4 of 4 planned runs" in (tmp_path / "runs/kinds.md").read_text()
    for part in (4, -1):
        with pytest.raises(UsageError, match=f"--part {part}: there are 4 runs, counted from 0"):
            compare(again, part=part)


def test_the_time_is_told_before_the_start(compare, capsys):
    """2 classes x 3 videos are trained on in one epoch, 2 x 1 tested with 10 x 3 views."""
    more = ["--trainer.limit_val_batches=0", "--trainer.max_epochs=4"]
    compare(Program(), splits=[1], more=more, clips_per_second=0.5)
    printed = capsys.readouterr().out.splitlines()
    seconds = 2 * (4 * 6 + 2 * 30 / 3) / 0.5
    assert printed[0].startswith(
        "2 runs to go, 48 training clips and 120 views: about 3 min at 0.5"
    )
    assert round(seconds / 60) == 3
    assert printed[1] == "none/split1_seed0 ..."
    compare(Program(), splits=[1], more=more)
    assert "to go" not in capsys.readouterr().out


def test_lists_that_share_a_video_are_refused_before_any_start(compare, tmp_path):
    program = Program()
    shared = write_hmdb51(tmp_path / "shared", shared=True)
    refused = r"splits 1 and 2 share videos \(cartwheel/1\.avi\).* --splits 1"
    with pytest.raises(ComparisonError, match=refused):
        compare(program, splits=[1, 2], root=shared)
    with pytest.raises(AnnotationError, match="nowhere"):
        compare(program, splits=[1, 2], root=tmp_path / "nowhere")
    assert program.calls == []
    assert not (tmp_path / "runs").exists()
    assert compare(program, splits=[1, 3], root=shared) == 0


def test_bad_options_are_refused_before_any_start(compare):
    for options, message in (
        ({"kinds": ["snl", "snl"]}, "--kinds names one twice: snl snl"),
        ({"seeds": [1, 0, 1]}, "--seeds names one twice"),
        ({"kinds": ["none", "snll"]}, "no recipe blocks/snll: .*did you mean blocks/snl"),
        ({"more": ["--model.widht=3"]}, "model.widht"),
    ):
        with pytest.raises(UsageError, match=message):
            compare(None, **options)


def test_a_table_that_cannot_be_written_stops_no_run(compare, tmp_path, capsys):
    program = Program()

    def damaging(words, log):
        code = program(words, log)
        if words[0] == "test" and log.parent.parent.name == "none":
            (log.parent / "report/metrics.json").write_text("{")
        return code

    with pytest.raises(ComparisonError, match="none/split1_seed0/report is not a report folder"):
        compare(damaging, splits=[1])
    assert [call[0] for call in program.calls] == ["none", "none", "snl", "snl"]
    assert capsys.readouterr().out.count("no table yet: ") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_a_word(tmp_path, monkeypatch, capsys, number):
    root = write_hmdb51(tmp_path / "hmdb51", shared=False)
    monkeypatch.setattr(command, "start_program", lambda *_, **__: os.kill(os.getpid(), number))
    before = signal.getsignal(signal.SIGTERM)
    options = [f"--config={config_file(tmp_path)}", "--kinds", "none", f"--data.root={root}"]
    assert snl_video(["compare-kinds", *options, f"--run_dir={tmp_path / 'runs'}"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_real_miniature(tmp_path, monkeypatch):
    root = write_ucf101(tmp_path / "ucf", num_frames=8, size=(32, 40))
    data = {
        "format": "ucf101",
        "clip": {"num_frames": 4, "interval": 1},
        "crop": {"size": 32, "short_side": 32},
        "views": {"num_clips": 1, "num_crops": 1},
        "loader": {"batch_size": 4, "num_workers": 0},
    }
    config = config_file(tmp_path, **data)
    monkeypatch.setattr(command, "start_program", lambda words, log, lock: snl_video(words))
    options = [f"--config={config}", "--kinds", "none", "gsnl", "--splits", "2"]
    options += ["--seeds", "3", "4", f"--run_dir={tmp_path / 'runs'}", "--note", "Tiny."]
    fit = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
    assert snl_video(["compare-kinds", *options, *fit, f"--data.root={root}"]) == 0
    for kind in ("none", "gsnl"):
        for seed in (3, 4):
            folder = tmp_path / f"runs/{kind}/split2_seed{seed}"
            checkpoint = torch.load(folder / "checkpoints/best.ckpt", weights_only=True)
            blocks = [(b["place"], b["kind"]) for b in checkpoint["network_summary"]["blocks"]]
            assert blocks == ([] if kind == "none" else [("res4.4", "gsnl")])
            said = checkpoint["datamodule_hyper_parameters"]
            assert (said["split"], said["seed"], said["root"]) == (2, seed, str(root))
            settings = yaml.safe_load((folder / "config.yaml").read_text())
            assert settings["seed_everything"] == seed
    text = (tmp_path / "runs/kinds.md").read_text()
    assert "from 4 of 4 planned runs" in text
    assert "| `gsnl` | 2 |" in text
    assert "Tiny." in text
    assert text.index("Seed 3, views 1x1") < text.index("Seed 4, views 1x1")
    assert "Preliminary" not in text
