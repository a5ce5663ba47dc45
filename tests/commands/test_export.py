"""`snl-video export`, and what `predict` and `test` do with a backend."""

import json

import pytest
import torch
from pytorch_lightning import Trainer

from snl_video.cli import main
from snl_video.training.module import VideoClassifier
from tests.commands.conftest import RECIPE

CLASSES = ["dark", "light"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run with a random network for `folder`'s two classes."""
    torch.manual_seed(0)
    model = VideoClassifier(
        "c2d_r50", 2, width=8, non_local={"kind": "snl", "places": ["res3.1"]}, classes=CLASSES
    )
    path = tmp_path_factory.mktemp("run") / "checkpoints/best.ckpt"
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    trainer.strategy.connect(model)
    trainer.save_checkpoint(path, weights_only=True)
    stored = torch.load(path, weights_only=True)
    data = {"format": "folder", "root": "elsewhere", **RECIPE["data"]}
    torch.save(stored | {"datamodule_hyper_parameters": data}, path)
    return path.parents[1]


def test_a_program_with_its_table(run, folder, tmp_path, capsys):
    file = tmp_path / "net.pt2"
    videos = [str(path) for path in sorted(folder.rglob("*.mp4"))[:2]]
    words = ["export", str(run), "--to", "torch", "--output", str(file), "--videos", *videos]
    assert main(words) == 0
    told = capsys.readouterr().out
    table = (tmp_path / "net.pt2.parity.md").read_text()
    assert table in told
    assert "any T, S = 32; 4 clips, of videos" in table
    assert "| torch.export fp32 |" in table
    extra = {"snl_video.json": ""}
    program = torch.export.load(file, extra_files=extra).module()
    assert json.loads(extra["snl_video.json"])["classes"] == CLASSES
    assert program(torch.zeros(3, 3, 6, 32, 32, dtype=torch.uint8)).shape == (3, 2)
    assert main(["export", str(run), "--to", "torch", "--output", str(file)]) == 2


def test_predict_names_its_backend(run, folder, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    video = str(next(folder.rglob("*.mp4")))
    answers = []
    for number, words in enumerate(([], ["--backend", "onnxruntime"])):
        output = tmp_path / f"{number}.json"
        assert main(["predict", str(run), video, "--output", str(output), *words]) == 0
        answers.append(json.loads(output.read_text())[0]["top"])
    assert "by onnxruntime fp32" in capsys.readouterr().err
    first, second = ({e["class"]: e["score"] for e in top} for top in answers)
    assert first == pytest.approx(second, abs=1e-4)


@pytest.mark.parametrize("backend", ["torch", pytest.param("onnxruntime", marks=pytest.mark.slow)])
def test_a_test_puts_torch_beside_the_backend(run, folder, backend, capsys):
    precision = "bf16" if backend == "torch" else "fp32"
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    words = ["test", "--run_dir", str(run), "--data.root", str(folder), "--backend", backend]
    more = ["--precision", precision, "--trainer.accelerator", "cpu", "--data.loader.batch_size=2"]
    assert main([*words, *more, "--trainer.enable_progress_bar=false"]) == 0
    numbers = json.loads((run / "report/metrics.json").read_text())
    engine = numbers["engine"]
    assert engine["backend"] == f"{backend} {precision}"
    assert engine["videos_in_torch_too"] == numbers["videos"]
    assert engine["same_best_class"] == numbers["videos"]
    assert engine["right"] == engine["right_in_torch"]
    assert engine["clips_per_second"] > 0
    assert f"| {backend} {precision} |" in capsys.readouterr().out
    assert f"{backend} {precision}" in (run / "report/report.html").read_text()


def test_int8_is_measured_on_the_test_list(run, folder, tmp_path, capsys):
    pytest.importorskip("nncf", reason="the extra openvino is not installed")
    file = tmp_path / "net.xml"
    words = ["export", str(run), "--to", "openvino", "--output", str(file), "--clips", "2"]
    int8 = ["--int8", "true", "--calibration", str(folder), "--calibration_clips", "6"]
    assert main([*words, *int8]) == 0
    table = (tmp_path / "net.xml.parity.md").read_text()
    assert "int8 of 6 clips of the training list" in table
    assert "| openvino int8, the rest fp32 |" in table
    assert main(["predict", str(file), str(next(folder.rglob("*.mp4")))]) == 0
    assert "dark" in capsys.readouterr().out


def test_int8_needs_openvino_and_videos(run, tmp_path, capsys):
    words = ["export", str(run), "--int8", "true", "--output"]
    assert main([*words, str(tmp_path / "a.onnx"), "--to", "onnx"]) == 2
    assert "int8 is made for --to openvino" in capsys.readouterr().err
