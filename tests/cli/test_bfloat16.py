"""Training in bfloat16 on a CPU: when it is chosen, and that it learns as float32 does."""

import pytest
import torch

from snl_video.commands import video_trainer
from snl_video.commands.video_cli import VideoCLI
from snl_video.commands.video_trainer import automatic_precision, bfloat16_unit
from tests.cli.tiny_run import QUIET, fit
from tests.training.tiny import classifier

AUTO = "--trainer.precision=auto"


@pytest.mark.parametrize(
    ("flags", "unit"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile", "amx_bf16"),
        ("flags\t\t: fpu avx512f avx512_bf16", "avx512_bf16"),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16_of_later", None),
        ("Features\t: fp asimd bf16", None),
    ],
)
def test_the_cpu_tells_its_instructions(tmp_path, flags, unit):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: made up\n{flags}\nbugs\t\t: none\n")
    assert bfloat16_unit(file) == unit
    assert bfloat16_unit(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("accelerator", "training", "unit", "expected"),
    [
        ("cpu", True, "amx_bf16", "bf16-mixed"),
        ("cpu", True, None, "32-true"),
        ("cpu", False, "amx_bf16", "32-true"),
        ("gpu", True, "amx_bf16", "32-true"),
    ],
)
def test_auto_is_bfloat16_where_a_cpu_trains_and_has_it(
    monkeypatch, accelerator, training, unit, expected
):
    monkeypatch.setattr(video_trainer, "bfloat16_unit", lambda: unit)
    assert automatic_precision(accelerator, training=training)[0] == expected
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: accelerator == "gpu")
    assert automatic_precision("auto", training=training)[0] == expected


def test_a_run_says_its_precision_and_is_tested_in_float32(videos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(video_trainer, "bfloat16_unit", lambda: "amx_bf16")
    layouts = []
    forward = torch.nn.Conv3d.forward

    def spy(layer, x):
        if x.shape[1] == 3 and torch.is_autocast_enabled("cpu"):
            layouts.append(x.is_contiguous(memory_format=torch.channels_last_3d))
        return forward(layer, x)

    with monkeypatch.context() as context:
        context.setattr(torch.nn.Conv3d, "forward", spy)
        cli = fit(videos, tmp_path / "run", AUTO, "--trainer.max_steps=1")
    words = capsys.readouterr().out
    assert "precision: bf16-mixed (this CPU has amx_bf16; --trainer.precision 32-true" in words
    assert cli.trainer.precision == "bf16-mixed"
    assert layouts
    assert all(layouts)
    path = tmp_path / "run/checkpoints/last.ckpt"
    cli = VideoCLI(["test", f"--run_dir={tmp_path / 'run'}", f"--ckpt_path={path}", AUTO, *QUIET])
    assert cli.trainer.precision == "32-true"
    assert "precision: 32-true (an evaluation)" in capsys.readouterr().out


@pytest.mark.parametrize("backbone", ["i3d_r50", "slowfast_r50_8x8", "i3d_inception"])
def test_gradients_of_narrow_networks_are_those_of_float32(backbone):
    """At 32 pixels the last stages are smaller than their kernels, where oneDNN goes wrong.

    With the statistics of so small a batch any rounding would change them more than that.
    """
    model = classifier(backbone, non_local={"kind": "snl"}, channels_last=True).eval()
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(256, (4, 3, 8, 32, 32), dtype=torch.uint8, generator=generator)
    found = []
    for mixed in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            loss = model.loss(model(clips), torch.arange(4))
        loss.backward()
        grads = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        found.append((loss.item(), torch.cat(grads)))
    (loss, gradient), (mixed_loss, mixed_gradient) = found
    assert mixed_loss == pytest.approx(loss, rel=0.02)
    assert torch.cosine_similarity(mixed_gradient, gradient, dim=0) > 0.95


@pytest.mark.slow
def test_the_demo_in_bfloat16_gives_the_answer(tmp_path):
    """A frame-wise network without a block is at 50 %, and with it in float32 at 100 %."""
    common = [f"--run_dir={tmp_path}", "--trainer.enable_progress_bar=false"]
    recipe = ["--config=demo", f"--data.root={tmp_path / 'relations'}"]
    options = ["--trainer.precision=bf16-mixed", "--trainer.limit_val_batches=0"]
    VideoCLI(["fit", *recipe, *options, *common])
    assert VideoCLI(["test", *common]).trainer.callback_metrics["test/top1"] >= 0.95
