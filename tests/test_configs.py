"""Every recipe parses, opens with the command that runs it, and builds its network."""

import re
from pathlib import Path

import pytest
import yaml

from snl_video.blocks import KINDS
from snl_video.models import build_model

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
OVERLAYS = [path for path in CONFIGS if path.parent.name == "blocks"]
FINETUNING = [path for path in CONFIGS if path.parent.name == "finetune"]
RECIPES = [path for path in CONFIGS if path.parent.name not in ("blocks", "finetune")]


def name(path):
    return str(path.relative_to(ROOT))


def parse(*configs, more=()):
    """Parse as ``train.py fit`` does, without opening data or building anything."""
    from snl_video.cli import VideoClassifier, VideoCLI, VideoDataModule

    class ParseOnly(VideoCLI):
        def instantiate_classes(self):
            pass

        def _run_subcommand(self, subcommand):
            pass

    arguments = ["fit", *(f"--config={path}" for path in configs), "--run_dir=/nowhere", *more]
    return ParseOnly(
        VideoClassifier, VideoDataModule, args=arguments, auto_configure_optimizers=False
    ).config.fit


def build(config):
    model = config.model
    non_local = model.non_local and dict(vars(model.non_local))
    return build_model(
        model.backbone,
        101,
        width=model.width,
        dropout=model.dropout,
        backbone_options=model.backbone_options,
        non_local=non_local,
    )


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_first_line_is_the_command_that_runs_it(path):
    first = path.read_text().splitlines()[0]
    if first.startswith("# python -m snl_video.tools.finetune "):
        from snl_video.tools.finetune import RECIPE

        assert path == RECIPE
        return
    assert re.match(r"# python train\.py (fit|predict) --config configs/", first)
    named = re.findall(r"--config (\S+)", first)
    assert name(path) in named
    assert all((ROOT / config).is_file() for config in named)


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipe_parses_and_builds_its_network(path):
    config = parse(path)
    network = build(config)
    assert sum(p.numel() for p in network.parameters()) > 1e5
    assert bool(network.non_local) == ("non_local" in path.read_text())
    alpha = (config.model.backbone_options or {}).get("alpha", 1)
    assert config.data.num_frames % alpha == 0
    if "train.py fit" in path.read_text().splitlines()[0]:
        assert config.model.schedule.warmup_epochs < config.trainer.max_epochs


@pytest.mark.parametrize("path", OVERLAYS, ids=name)
def test_overlay_puts_one_block_at_the_papers_place(path):
    recipe = ROOT / "configs/ucf101/slowfast_r50_8x8.yaml"
    network = build(parse(recipe, path))
    (entry,) = network.non_local
    assert (entry["place"], entry["kind"]) == ("slow.res4.4", path.stem)


@pytest.mark.parametrize("path", FINETUNING, ids=name)
@pytest.mark.parametrize("recipe", ["ucf101/i3d_r50.yaml", "kinetics400/slowfast_r50_8x8.yaml"])
def test_an_overlay_of_fine_tuning_adds_to_a_recipe(path, recipe):
    alone = parse(ROOT / "configs" / recipe)
    config = parse(ROOT / "configs" / recipe, path, more=["--trainer.callbacks+=RichProgressBar"])
    added = yaml.safe_load(path.read_text())
    build(config)
    assert config.model.backbone == alone.model.backbone
    assert config.model.optimizer.lr == alone.model.optimizer.lr
    for key, value in added.get("model", {}).items():
        found = getattr(config.model, key)
        for inner, wanted in value.items() if key == "optimizer" else ():
            assert getattr(found, inner) == wanted
        assert key == "optimizer" or found == value
    wanted = [entry["class_path"] for entry in added.get("trainer", {}).get("callbacks+", [])]
    found = [entry.class_path for entry in config.trainer.callbacks]
    assert found[:-1] == wanted
    assert found[-1].endswith("RichProgressBar")


def test_every_kind_has_an_overlay():
    assert {path.stem for path in OVERLAYS} == set(KINDS)


def test_the_block_is_one_flag_too():
    network = build(
        parse(ROOT / "configs/kinetics400/i3d_r50_8x8.yaml", more=["--model.non_local.kind=nl"])
    )
    (entry,) = network.non_local
    assert (entry["place"], entry["kind"]) == ("res4.4", "nl")


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_run_dir_is_the_recipes_own(path):
    config = yaml.safe_load(path.read_text())
    expected = "runs/" + name(path).removeprefix("configs/").removesuffix(".yaml")
    assert config["run_dir"] == expected
