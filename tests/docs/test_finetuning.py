"""What docs/howto/finetuning.md says can be written in a recipe and on the command line."""

import re
import shlex

import pytest
import torch
import yaml

from snl_video.training.freeze_schedule import FreezeSchedule
from snl_video.weights import build_model, load_pretrained
from tests.test_configs import ROOT, assert_set, parse
from tests.weights.golden import golden

TEXT = (ROOT / "docs/howto/finetuning.md").read_text()
PIECES = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
SLOW = ROOT / "configs/ucf101/finetune_slow_r50.yaml"
RECIPES = {
    "slowonly_w8": ("slow_r50", SLOW),
    "i3d_w8": ("i3d_r50", ROOT / "configs/ucf101/finetune_i3d_r50.yaml"),
}


def recipe_for(piece):
    options = piece.get("model", {}).get("backbone_options", {})
    if "fusion_norm" in options:
        return ROOT / "configs/ucf101/finetune_slowfast_r50.yaml"
    return RECIPES["i3d_w8"][1] if "conv1_stride" in options else SLOW


@pytest.mark.parametrize("text", PIECES)
def test_a_piece_of_yaml_is_an_overlay(text, tmp_path):
    piece = yaml.safe_load(text)
    file = tmp_path / "my.yaml"
    file.write_text(text)
    config = parse(recipe_for(piece), file)
    model = config.model
    network = build_model(
        model.backbone,
        10,
        width=16,
        backbone_options=model.backbone_options,
        non_local=model.non_local and dict(vars(model.non_local)),
    )
    FreezeSchedule(network, **vars(config.freeze))
    for section, settings in piece.items():
        for key, wanted in settings.items():
            if key == "callbacks+":
                found = [callback.class_path for callback in config.trainer.callbacks]
                names = [callback["class_path"].split(".")[-1] for callback in wanted]
                assert [path.split(".")[-1] for path in found] == names
            else:
                assert_set(config[section][key], wanted)


def test_every_part_of_fine_tuning_has_its_piece():
    keys = {key for text in PIECES for section in yaml.safe_load(text).values() for key in section}
    assert keys >= {
        "until",
        "unfreeze",
        "loss",
        "optimizer",
        "augment",
        "callbacks+",
        "accumulate_grad_batches",
        "non_local",
        "backbone_options",
    }


@pytest.mark.parametrize(
    "line", re.findall(r"`(--(?:model|pretrained|freeze|trainer|data)\.[^`]*)`", TEXT)
)
def test_options_in_the_text_parse(line):
    words = shlex.split(line)
    if len(words) == 1:  # named without a value
        words = [
            words[0],
            {
                "--pretrained": "FILE",
                "--trainer.max_epochs": "3",
                "--model.optimizer.lr": "0.1",
            }[words[0]],
        ]
    config = parse(SLOW, more=tuple(words))
    for option, text in zip(words[::2], words[1::2], strict=True):
        if not option.startswith("--freeze.unfreeze"):
            assert config[option.removeprefix("--")] == yaml.safe_load(text)


def test_unfreeze_needs_no_quotes():
    words = (
        "--freeze.until",
        "res5",
        *re.search(r"`(--freeze\.unfreeze[^`]+)`", TEXT)[1].split(),
    )
    assert parse(SLOW, more=words).freeze.unfreeze == {3: "res3", 8: None}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_mmactions_weights_give_its_logits_with_the_options_that_are_told(name):
    path, values = golden("mmaction_zoo", name, ".pth")
    backbone, _ = RECIPES[name]
    pieces = [yaml.safe_load(text)["model"] for text in PIECES if "pixel_mean" in text]
    (options,) = [
        piece["backbone_options"]
        for piece in pieces
        if "fusion_norm" not in piece["backbone_options"]
        and ("conv1_stride" in piece["backbone_options"]) == (backbone == "i3d_r50")
    ]
    network = build_model(backbone, 11, width=8, backbone_options=options).eval()
    report = load_pretrained(network, path)
    assert (report.backbone_share, report.new_head) == (1.0, False)
    with torch.no_grad():
        logits = network(values["input"])
    torch.testing.assert_close(logits, values["logits"], rtol=1e-4, atol=1e-5)


def test_the_files_that_it_names_exist():
    both = TEXT + (ROOT / "docs/tutorials/finetune.md").read_text()
    named = set(re.findall(r"\b(?:configs|snl_video)/[\w/]+\.(?:yaml|py)\b", both))
    assert len(named) > 4
    assert not [name for name in named if not (ROOT / name).exists() and "KIND" not in name]
    beside = re.findall(r"`(finetune_\w+\.yaml)`", TEXT)
    for folder in ("ucf101", "hmdb51"):
        assert not [name for name in beside if not (ROOT / "configs" / folder / name).exists()]
