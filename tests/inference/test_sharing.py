"""A shared network gives the digits of its checkpoint; its card tells what the run knows."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
import yaml
from safetensors import safe_open

from snl_video import load_model, push_to_hub, share
from snl_video.cli import main
from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError, UsageError
from snl_video.weights.safe_reading.checkpoints import sha256
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL
from tests.inference.hub_server import COMMIT, serving
from tests.videos import write_ucf101

BLOCK = ["--model.non_local.kind=gsnl", "--model.non_local.options={order: 3}"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_ucf101(tmp_path_factory.mktemp("secret") / "ucf101", num_frames=10)


@pytest.fixture(scope="module")
def run(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("runs") / "mine"
    words = [f"--run_dir={folder}", f"--data.root={data}", *TINY_DATA, *QUIET]
    block = [*BLOCK, "--model.non_local.places=[res4.4]"]
    VideoCLI(["fit", *words, *TINY_MODEL, *block, "--trainer.max_epochs=1"])
    VideoCLI(["test", *words])
    return folder


def same_answers(one, other, video):
    assert (one.classes, one.viewing) == (other.classes, other.viewing)
    assert torch.equal(one.scores(video), other.scores(video))


def test_a_shared_folder_gives_the_digits_of_the_checkpoint(run, data, tmp_path):
    assert share(run, tmp_path / "shared") == []
    assert sorted(os.listdir(tmp_path / "shared")) == [
        *("README.md", "config.json", "model.safetensors"),
    ]
    shutil.move(tmp_path / "shared", tmp_path / "elsewhere")
    video = data / "videos/Run/v_Run_g01_c01.mp4"
    model = load_model(tmp_path / "elsewhere", device="cpu")
    same_answers(model, load_model(run, device="cpu"), video)
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    with safe_open(tmp_path / "elsewhere/model.safetensors", "pt") as file:
        assert {f"network.{name}" for name in file.keys()} == set(checkpoint)  # noqa: SIM118
        for name in file.keys():  # noqa: SIM118
            assert torch.equal(file.get_tensor(name), checkpoint[f"network.{name}"])
    assert [block["kind"] for block in model.network.non_local] == ["gsnl"]


def test_the_card_is_made_of_the_run(run, data, tmp_path):
    share(run, tmp_path / "s", licence="apache-2.0")
    text = (tmp_path / "s/README.md").read_text()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "apache-2.0"
    metrics = json.loads((run / "report/metrics.json").read_text())
    low, high = metrics["intervals"]["top1"]
    row = f"| video top-1 % | {100 * metrics['top1']:.2f} | {100 * low:.2f} to {100 * high:.2f} |"
    assert row in body
    assert metrics["list_sha256"] in body
    for name, subset in metrics["data"]["subsets"].items():
        assert (
            f"| {name} | {subset['videos']} | {subset['classes']} | `{subset['sha256']}` |" in body
        )
    assert f"{metrics['network']['parameters']:,} parameters" in body
    assert "`gsnl` at `res4.4`" in body
    assert "2x1" in body
    assert sha256(run / "checkpoints/best.ckpt") in body
    assert "max_epochs: 1" in body
    assert "lr: 0.01" in body
    assert "The validation list, by which a checkpoint may have been chosen, is the test" in body
    assert "trained from random ones" in body
    assert "folder `ucf101`" in body
    for file in ("README.md", "config.json"):
        assert str(data) not in (tmp_path / "s" / file).read_text()
        assert str(run) not in (tmp_path / "s" / file).read_text()


def test_the_licence_of_start_weights(run, tmp_path):
    path = tmp_path / "r/checkpoints/best.ckpt"
    path.parent.mkdir(parents=True)
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    for format, words in (("deepmind", "Apache-2.0"), ("mmaction", "that of their publisher")):
        checkpoint["load_report"] = {
            **{"source": "/home/me/w.pth", "format": format, "sha256": "ab12"},
            "backbone_share": 1.0,
        }
        torch.save(checkpoint, path)
        notes = share(tmp_path / "r", tmp_path / "s")
        assert "there is no" in notes[0]
        card = (tmp_path / "s/README.md").read_text()
        assert words in card
        assert "`w.pth`" in card
        assert "ab12" in card
        assert "/home/me" not in card
        assert "None: the weights were shared without a report" in card
        assert "none was chosen" in card


def test_a_report_of_other_weights_is_left_out(run, tmp_path):
    shutil.copytree(run / "report", tmp_path / "r/report")
    (tmp_path / "r/checkpoints").mkdir()
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    checkpoint["epoch"] = 7
    torch.save(checkpoint, tmp_path / "r/checkpoints/best.ckpt")
    (note,) = share(tmp_path / "r", tmp_path / "s")
    assert "is of other weights" in note
    assert "run `snl-video test` again" in note
    assert "video top-1" not in (tmp_path / "s/README.md").read_text()


def test_what_stands_in_the_way_is_named(run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("keep")
    with pytest.raises(InputError, match="full holds other files; name a new folder"):
        share(run, tmp_path / "full")
    assert (tmp_path / "full/mine.txt").read_text() == "keep"
    with pytest.raises(InputError, match="neither a checkpoint nor the folder of a run"):
        share(tmp_path, tmp_path / "s")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "is not the JSON of a shared network"),
        ('{"architectures": ["Bert"]}', "is not the JSON of a shared network .*KeyError"),
        ('{"snl_video": 9}', r"is of version 9, this program reads 1; install a newer"),
        ('{"snl_video": 1, "model": {}}', "KeyError: 'backbone'"),
    ],
)
def test_a_damaged_folder_is_named(run, tmp_path, text, match):
    share(run, tmp_path / "s")
    (tmp_path / "s/config.json").write_text(text)
    with pytest.raises(InputError, match=match):
        load_model(tmp_path / "s")


def test_weights_of_another_network_are_named(run, tmp_path):
    share(run, tmp_path / "s")
    settings = json.loads((tmp_path / "s/config.json").read_text())
    settings["model"]["width"] = 16
    (tmp_path / "s/config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match=r"RuntimeError: Error.* in loading state_dict"):
        load_model(tmp_path / "s")


def test_the_command(run, data, capsys, tmp_path):
    assert main(["share", str(run), "--to", str(tmp_path / "s")]) == 0
    assert f"snl-video predict {tmp_path / 's'} new.mp4" in capsys.readouterr().out
    video = str(data / "videos/Run/v_Run_g01_c01.mp4")
    assert main(["predict", str(tmp_path / "s"), video, "--device", "cpu"]) == 0
    again = capsys.readouterr().out
    assert main(["predict", str(run), video, "--device", "cpu"]) == 0
    assert capsys.readouterr().out == again


def test_the_hub_needs_its_package(monkeypatch, run):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (lambda: load_model("hf:me/mine"), lambda: push_to_hub(run, "me/mine")):
        with pytest.raises(UsageError, match=r"pip install 'snl_video\[hub\]'"):
            call()


@pytest.mark.parametrize("name", ["hf:mine", "hf:a/b/c", "hf:/b", "hf:a/"])
def test_a_name_on_the_hub_has_two_parts(name):
    with pytest.raises(UsageError, match=r"named hf:USER/NAME, got 'hf:"):
        load_model(name)


ROUND_TRIP = """
import sys
from snl_video import from_hub, load_model, push_to_hub
from snl_video.errors import FetchError
run, video = sys.argv[1:]
where, notes = push_to_hub(run, "me/mine", private=True)
print(where)
for found in (from_hub("me/mine", device="cpu"), load_model("hf:me/mine@v1", device="cpu")):
    print(found.scores(video).tolist() == load_model(run, device="cpu").scores(video).tolist())
try:
    load_model("hf:me/absent")
except FetchError as error:
    print(error)
"""


def test_to_the_hub_and_back(run, data, tmp_path):
    """In a process of its own, since huggingface_hub reads its settings when it is imported."""
    pytest.importorskip("huggingface_hub", reason="the extra `hub` is not installed")
    video = data / "videos/Run/v_Run_g01_c01.mp4"
    with serving() as (hub, address):
        done = subprocess.run(
            [sys.executable, "-c", ROUND_TRIP, str(run), str(video)],
            env={
                **os.environ,
                **{"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_TOKEN": "hf_stand_in"},
                **{"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr + "\n".join(hub.requests)
    where, *same, absent = done.stdout.splitlines()
    assert where == f"{address}/me/mine/commit/{COMMIT}"
    assert same == ["True", "True"]
    assert absent.startswith("hf:me/absent could not be fetched: RepositoryNotFoundError")
    assert set(hub.files["me/mine"]) == {"README.md", "config.json", "model.safetensors"}
    assert hub.private["me/mine"]
