"""A training and its test that are stopped and called again, with a program that does nothing."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from snl_video.commands import kind_runs
from snl_video.commands.kind_runs import (
    carry_out,
    locked,
    locked_part,
    read_record,
    start_program,
)
from snl_video.errors import InputError

SETTINGS = {"model.width": "8", "data.split": "1"}
CHILD = """
import os, signal, sys, time
while time.process_time() < 0.1: pass
trick = sys.argv[2]
if trick == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if trick in ("stop", "deaf"):
    print(os.getpid(), flush=True)
    os.kill(os.getppid(), signal.SIGINT)
    while True: time.sleep(600)
print(sys.argv[1], flush=True)
if trick == "die": os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "snl/split1_seed0"


class Program:
    """Stands for `snl-video`: notes its calls, returns the codes given."""

    def __init__(self, folder, *codes):
        self.folder, self.codes = folder, list(codes)
        self.calls = []

    def __call__(self, words, log):
        self.calls.append((words[0], *(w for w in words if w.startswith("--resume"))))
        return self.codes.pop(0) if self.codes else 0

    def run(self):
        return carry_out(self.folder, read_record(self.folder, SETTINGS), ["--x"], self)


def test_what_is_finished_is_not_repeated_and_a_stopped_training_goes_on(folder):
    program = Program(folder, 1)
    assert program.run() == f"fit ended with exit code 1; see {folder}/log.txt"
    assert not read_record(folder, SETTINGS).finished
    for _ in range(2):
        assert program.run() is None
    assert program.calls == [("fit", "--resume=auto")] * 2 + [("test",)]
    record = read_record(folder, SETTINGS)
    assert record.finished
    assert record.starts == {"fit": 2, "test": 1}
    assert record.uninterrupted_seconds is None  # a stage that was started again repeats work


def test_runs_of_other_settings_and_foreign_folders_are_refused(folder):
    Program(folder).run()
    differs = r"snl/split1_seed0 is a run of other settings \(model.width 8, now 16\).*--run_dir"
    with pytest.raises(InputError, match=differs):
        read_record(folder, SETTINGS | {"model.width": "16"})
    with pytest.raises(InputError, match=r"model\.depth unset, now 2"):
        read_record(folder, SETTINGS | {"model.depth": "2"})
    (folder / "kind_run.json").write_text("{")
    with pytest.raises(InputError, match=r"kind_run\.json is damaged"):
        read_record(folder, SETTINGS)
    (folder / "kind_run.json").write_text(json.dumps({"recipe": "x"}))
    with pytest.raises(InputError, match=r"kind_run\.json is damaged"):
        read_record(folder, SETTINGS)
    (folder / "kind_run.json").unlink()
    (folder / "log.txt").touch()
    with pytest.raises(InputError, match=r"has files but no kind_run\.json: its settings are unk"):
        read_record(folder, SETTINGS)


@pytest.fixture
def child(monkeypatch):
    monkeypatch.setattr(kind_runs, "PROGRAM", (sys.executable, "-S", "-c", CHILD))
    monkeypatch.setattr(kind_runs, "PATIENCE", 0.2)


@pytest.mark.usefixtures("child")
def test_seconds_of_the_process_are_counted_where_it_came_to_its_end(folder):
    with locked(folder.parents[1]) as lock:
        start = partial(start_program, lock=lock)
        assert carry_out(folder, read_record(folder, SETTINGS), ["die"], start).startswith(
            "fit ended with exit code -9"
        )
        assert read_record(folder, SETTINGS).cpu_seconds == {}
        assert carry_out(folder, read_record(folder, SETTINGS), ["go"], start) is None
    record = read_record(folder, SETTINGS)
    assert all(seconds >= 0.1 for seconds in record.cpu_seconds.values())
    assert (folder / "log.txt").read_text().split() == ["fit", "fit", "test"]


@pytest.mark.usefixtures("child")
def test_hours_are_known_of_a_run_in_one_go(folder):
    with locked(folder.parents[1]) as lock:
        record = read_record(folder, SETTINGS)
        carry_out(folder, record, ["go"], partial(start_program, lock=lock))
    assert read_record(folder, SETTINGS) == record
    assert record.uninterrupted_seconds == pytest.approx(sum(record.cpu_seconds.values()))
    assert record.uninterrupted_seconds >= 0.2
    assert record.uninterrupted_time == pytest.approx(sum(record.wall_seconds.values()))
    assert record.uninterrupted_time >= 0.2
    record.wall_seconds = {}  # as in a record of before
    assert record.uninterrupted_time is None


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize("trick", ["stop", "deaf"])
def test_an_interruption_ends_the_process_and_counts_nothing(folder, trick):
    with locked(folder.parents[1]) as lock:
        start = partial(start_program, lock=lock)
        with pytest.raises(KeyboardInterrupt):
            carry_out(folder, read_record(folder, SETTINGS), [trick], start)
        child = int((folder / "log.txt").read_text())
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    record = read_record(folder, SETTINGS)
    assert (record.starts, record.cpu_seconds) == ({"fit": 1}, {})


def test_one_at_a_time_and_a_training_keeps_the_lock(tmp_path):
    with locked(tmp_path) as held:
        with (
            pytest.raises(InputError, match="is in use by another compare-kinds"),
            locked(tmp_path),
        ):
            pass
        command = [sys.executable, "-S", "-c", "input()"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=held)
    with pytest.raises(InputError, match="or by a training that one started"), locked(tmp_path):
        pass
    child.communicate(b"\n")
    with locked(tmp_path) as held:
        assert len(held) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_parts_run_beside_each_other_but_not_twice_and_not_beside_the_whole(tmp_path):
    with locked_part(tmp_path, "snl/split1_seed0") as held:
        with locked_part(tmp_path, "snl/split2_seed0"):
            pass
        for taken in (locked_part(tmp_path, "snl/split1_seed0"), locked(tmp_path)):
            with pytest.raises(InputError, match="is in use by another"), taken:
                pass
        command = [sys.executable, "-S", "-c", "input()"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=held)
    for taken in (locked_part(tmp_path, "snl/split1_seed0"), locked(tmp_path)):
        with pytest.raises(InputError, match="by a training that one started"), taken:
            pass
    child.communicate(b"\n")
    with locked(tmp_path), pytest.raises(InputError), locked_part(tmp_path, "x"):
        pass
