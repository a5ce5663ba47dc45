"""Every recipe parses, opens with the command that runs it, and builds its network."""

import re
import shlex
from bisect import bisect_right
from functools import cache
from pathlib import Path

import pytest
import yaml

from benchmarks.zoo import PRESETS, torchvision_preset
from snl_video.blocks import BLOCKS, block_options
from snl_video.commands.finetune import OWN_VIDEOS
from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import PretrainedError
from snl_video.models.presets import BACKBONES, options_of
from snl_video.training.freeze_schedule import FreezeSchedule
from snl_video.weights import build_model, load_pretrained
from snl_video.weights.formats.pyslowfast.config import Config
from snl_video.weights.formats.pyslowfast.network_of_config import block_specs

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
OVERLAYS = [p for p in CONFIGS if p.parent.name == "blocks" and p.stem in BLOCKS]
KINETICS = [p for p in CONFIGS if p.parent.name == "kinetics400" and "i3d_inception" not in p.stem]
FINETUNING = [path for path in CONFIGS if path.parent.name == "finetune"]
OTHER_BACKBONES = [path for path in CONFIGS if path.parent.name == "backbones"]
RECIPES = [p for p in CONFIGS if p.parent.name not in ("backbones", "blocks", "finetune")]
FROM_WEIGHTS = [path for path in RECIPES if path.stem.startswith("finetune_")]
PAPER_PLACE = {
    "i3d_r50": "res4.4",
    "c2d_r50": "res4.4",
    "slow_r50": "res4.4",
    "slowfast_r50_4x16": "slow.res4.4",
    "slowfast_r50_8x8": "slow.res4.4",
    "i3d_inception": "Mixed_4e",
}


def name(path):
    return str(path.relative_to(ROOT))


@cache
def parser():
    """Of ``snl-video fit``; making it takes longer than parsing."""
    return VideoCLI(["fit", "--run_dir=/nowhere"], run=False).parser


def parse(*configs, more=()):
    """Parse as ``snl-video fit`` does."""
    configs = [f"--config={path}" for path in configs]
    return parser().parse_args([*configs, *more, "--run_dir=/nowhere"])


def assert_set(found, wanted):
    """That a parsed value has every key of a mapping of the file, or is the value."""
    if isinstance(wanted, dict) and not isinstance(found, dict):
        for key, value in wanted.items():
            assert_set(getattr(found, key), value)
    else:
        assert (list(found) if isinstance(found, tuple) else found) == wanted


def header(path):
    """The comment at the top, line by line."""
    lines = path.read_text().splitlines()
    return [line[2:] for line in lines[: next(i for i, x in enumerate(lines) if x[0] != "#")]]


def build(config):
    """The network of a configuration, narrow: names and places are those of any width."""
    model = config.model
    non_local = model.non_local and dict(vars(model.non_local))
    return build_model(
        model.backbone,
        101,
        width=16,
        dropout=model.dropout,
        backbone_options=model.backbone_options,
        non_local=non_local,
    )


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_first_line_is_the_command_that_runs_it(path):
    first = header(path)[0]
    if first.startswith("snl-video finetune "):
        assert name(path) == f"configs/{OWN_VIDEOS}.yaml"
        return
    assert re.match("snl-video (fit|predict) --config configs/", first)
    named = re.findall(r"--config (\S+)", first)
    assert name(path) in named
    assert all((ROOT / config).is_file() for config in named)


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_every_command_in_a_header_parses(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    own = yaml.safe_load(path.read_text())
    lines = [line for line in header(path) if re.match("snl-video (fit|predict|test) ", line)]
    for line in lines:
        words = shlex.split(line)[1:]
        sub_command = words[0]
        config = (
            parse(more=words[1:]) if sub_command == "fit" else VideoCLI(words, run=False).config
        )
        for option, value in zip(words[1::2], words[2::2], strict=True):
            if option not in ("--config", "--run_dir"):
                found = config.get(option.removeprefix("--"))
                found = getattr(found, "source", found)
                assert yaml.safe_load(value) == found
        assert config.data.root == own.get("data", {}).get("root", config.data.root)
    assert lines or path.stem == "own_videos"


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_files_that_a_header_names_exist(path):
    text = " ".join(header(path))
    assert all((ROOT / file).is_file() for file in re.findall(r"(?:configs|docs)/[\w/.]+\w", text))


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipe_parses_and_builds_its_network(path):
    config = parse(path)
    network = build(config)
    assert sum(p.numel() for p in network.parameters()) > 1e5
    assert bool(network.non_local) == ("non_local" in path.read_text())
    alpha = options_of(config.model.backbone).get("alpha", 1)
    assert config.data.clip.num_frames % alpha == 0
    if "snl-video fit" in path.read_text().splitlines()[0]:
        assert config.model.schedule.warmup_epochs < config.trainer.max_epochs


def test_every_backbone_has_a_recipe():
    found = re.findall(r"^  backbone: (\S+)", "".join(p.read_text() for p in CONFIGS), re.MULTILINE)
    assert set(found) == set(BACKBONES)


@pytest.mark.parametrize("path", OTHER_BACKBONES, ids=name)
def test_an_overlay_puts_another_backbone_into_a_recipe(path):
    config = parse(ROOT / "configs/ucf101/finetune_i3d_r50.yaml", path)
    backbone = config.model.backbone
    assert path.stem == backbone.replace(":", "_")
    assert config.trainer.max_epochs == 50
    of = PRESETS.get(backbone) or torchvision_preset(backbone.removeprefix("torchvision:"))
    assert (config.data.clip.num_frames, config.data.clip.interval) == (of.frames, of.interval)
    assert config.data.crop.test_size == of.size
    source = str(getattr(config.pretrained, "source", config.pretrained))
    assert source.endswith((".pyth", "resnet101")) or source == backbone


@pytest.mark.parametrize("path", OVERLAYS, ids=name)
def test_overlay_puts_one_block_at_the_papers_place(path):
    recipe = ROOT / "configs/ucf101/finetune_slowfast_r50.yaml"
    network = build(parse(recipe, path))
    (entry,) = network.non_local
    assert (entry["place"], entry["kind"]) == ("slow.res4.4", path.stem)


@pytest.mark.parametrize("kind", ["nl", "snl", "gsnl"])
@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_every_recipe_takes_a_block_at_the_papers_place(path, kind):
    config = parse(path, ROOT / f"configs/blocks/{kind}.yaml")
    (entry,) = build(config).non_local
    assert (entry["place"], entry["kind"]) == (PAPER_PLACE[config.model.backbone], kind)


@pytest.mark.parametrize("path", FROM_WEIGHTS, ids=name)
def test_a_recipe_of_fine_tuning_names_weights_and_places_that_there_are(path):
    config = parse(path)
    model = config.model
    assert config.pretrained
    FreezeSchedule(build(config), **vars(config.freeze))
    if model.schedule.name == "multistep":
        assert bisect_right(model.schedule.milestones, config.trainer.max_epochs - 1) == len(
            model.schedule.milestones
        )


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_the_batch_that_a_header_tells_is_the_batch(path):
    found = re.search(r"batch (\d+) = (\d+) GPUs x (\d+) clips", " ".join(header(path)))
    if path in FROM_WEIGHTS and path.stem != "finetune_cpu":
        assert found, "a published schedule is for one batch: tell which"
    if found:
        batch, devices, clips = map(int, found.groups())
        config = parse(path)
        assert config.data.loader.batch_size == clips
        assert batch == devices * clips * config.trainer.accumulate_grad_batches


def test_without_its_weights_a_recipe_of_fine_tuning_stops(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = parse(ROOT / "configs/ucf101/finetune_slow_r50.yaml")
    with pytest.raises(PretrainedError, match=r"SLOW_8x8_R50\.pyth"):
        load_pretrained(build(config), config.pretrained)


@pytest.mark.parametrize("path", FINETUNING, ids=name)
@pytest.mark.parametrize(
    "recipe", ["ucf101/finetune_slow_r50.yaml", "hmdb51/finetune_slowfast_r50.yaml"]
)
def test_an_overlay_of_fine_tuning_adds_to_a_recipe(path, recipe):
    alone = parse(ROOT / "configs" / recipe)
    config = parse(ROOT / "configs" / recipe, path, more=["--trainer.callbacks+=RichProgressBar"])
    added = yaml.safe_load(path.read_text())
    model = config.model
    network = build(config)
    FreezeSchedule(network, **vars(config.freeze))
    assert model.backbone == alone.model.backbone
    assert model.optimizer.lr == alone.model.optimizer.lr
    for section in ("model", "freeze", "data", "trainer", "checkpoint"):
        for key, value in added.get(section, {}).items():
            if key != "callbacks+":
                assert_set(config[section][key], value)
    wanted = [entry["class_path"] for entry in added.get("trainer", {}).get("callbacks+", [])]
    found = [entry.class_path for entry in config.trainer.callbacks]
    assert found[:-1] == wanted
    assert found[-1].endswith("RichProgressBar")


def test_every_kind_has_an_overlay():
    assert {path.stem for path in OVERLAYS} == set(BLOCKS)


@pytest.mark.parametrize("path", KINETICS, ids=name)
def test_a_published_schedule_has_the_published_protocol_and_statistics(path):
    config = parse(path)
    assert config.protocol == config.data.clip.protocol == config.model.protocol == "pyslowfast"
    (precise,) = config.trainer.callbacks
    assert precise.class_path.endswith("PreciseBatchNorm")
    assert precise.init_args.num_batches == 200
    assert build(config).non_local == []


PUBLISHED_NLN = {
    "i3d_r50_8x8": ("nln_softmax", "i3d", "softmax"),
    "slow_r50_4x16": ("nln_dot_product", "slow", "dot_product"),
    "slow_r50_8x8": ("nln_dot_product", "slow", "dot_product"),
    "slowfast_r50_4x16": ("nln_dot_product", "slowfast", "dot_product"),
    "slowfast_r50_8x8": ("nln_dot_product", "slowfast", "dot_product"),
}
"""Recipe -> overlay, and MODEL.ARCH and NONLOCAL.INSTANTIATION of PySlowFast's NLN network."""


@pytest.mark.parametrize("recipe", PUBLISHED_NLN)
def test_five_blocks_are_those_of_the_published_networks(recipe):
    """Beside what our reader of PySlowFast's configurations makes of their NONLOCAL section."""
    overlay, arch, instantiation = PUBLISHED_NLN[recipe]
    files = ROOT / f"configs/kinetics400/{recipe}.yaml", ROOT / f"configs/blocks/{overlay}.yaml"
    found = build(parse(*files)).non_local
    pathways = 2 if arch == "slowfast" else 1
    stages = [[], [1, 3], [1, 3, 5], []]
    section = {
        "LOCATION": [[places, []][:pathways] for places in stages],
        "GROUP": [[[1]] * pathways] * 4,
        "INSTANTIATION": instantiation,
        "POOL": [[[1, 2, 2]] * pathways] * 4,
    }
    (spec,) = block_specs(Config({"MODEL": {"ARCH": arch}, "NONLOCAL": section}))
    expected = build_model(parse(files[0]).model.backbone, 101, width=16, non_local=spec).non_local
    spectral = build(parse(files[0], ROOT / "configs/blocks/snl_five.yaml")).non_local
    assert [entry["place"] for entry in spectral] == [entry["place"] for entry in expected]
    for entry in (*found, *expected):
        entry["options"] = block_options("nl") | entry["options"]
    assert found == expected
    assert len(found) == 5


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
