"""No path of the program runs what a file of weights holds, or reads one from an address."""

import ast
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

import snl_video
from snl_video import load_model
from snl_video.cli import main
from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL

PACKAGE = Path(snl_video.__file__).parent
ADDRESSES = ["http://127.0.0.1:9/a.ckpt", "https://x.test/a.ckpt", "s3://x/a.ckpt", "memory://a"]


class Bomb:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture(params=["torch", "legacy", "pickle"])
def bomb(request, tmp_path, monkeypatch):
    """A checkpoint that writes a file when it is unpickled."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path, mark = tmp_path / "bomb.ckpt", tmp_path / "exploded"
    content = {"hyper_parameters": Bomb(mark), "datamodule_hyper_parameters": {}, "state_dict": {}}
    if request.param == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=request.param == "torch")
        assert zipfile.is_zipfile(path) == (request.param == "torch")
    yield path
    assert not mark.exists()


def words(command, videos, tmp_path, *more):
    run = [f"--run_dir={tmp_path}/run", f"--data.root={videos}", "--trainer.max_epochs=1"]
    return [command, *run, *TINY_MODEL, *TINY_DATA, *QUIET, *more]


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict"])
def test_no_command_runs_a_checkpoint(videos, tmp_path, bomb, command):
    with pytest.raises(InputError):
        VideoCLI(words(command, videos, tmp_path, f"--ckpt_path={bomb}"))


def test_pretrained_weights_are_not_run(videos, tmp_path, bomb):
    with pytest.raises(InputError):
        VideoCLI(words("fit", videos, tmp_path, f"--pretrained={bomb}"))


def test_loading_does_not_run_a_checkpoint(bomb):
    with pytest.raises(InputError):
        load_model(bomb)


@pytest.mark.parametrize("command", ["explain", "spectrum"])
def test_looking_inside_does_not_run_a_checkpoint(bomb, command):
    assert main([command, str(bomb)]) != 0


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("command", ["fit", "test", "predict"])
def test_an_address_is_no_checkpoint(videos, tmp_path, command, address):
    with pytest.raises(InputError, match="is no file"):
        VideoCLI(words(command, videos, tmp_path, f"--ckpt_path={address}"))


def test_the_user_cannot_ask_for_it(videos, tmp_path):
    with pytest.raises(InputError, match="weights_only"):
        VideoCLI(words("fit", videos, tmp_path, "--weights_only=false"))


def test_every_call_that_reads_a_checkpoint_reads_weights_only():
    found = 0
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            assert not name.endswith((".load_from_checkpoint", "pickle.load", "pickle.loads")), path
            assert "load_state_dict_from_url" not in name, path
            if name == "torch.load":
                found += 1
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert given.get("weights_only") == "True", f"{path}:{node.lineno}"
    assert found >= 1
