"""Recipes are found in the working folder first, and then in the package."""

from pathlib import Path

import pytest

from snl_video.cli import main
from snl_video.errors import UsageError
from snl_video.recipe_files import find_recipe, recipe_names, recipes_folder, with_recipe_paths

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "name",
    [
        "ucf101/finetune_cpu",
        "ucf101/finetune_cpu.yaml",
        "configs/ucf101/finetune_cpu",
        "configs/ucf101/finetune_cpu.yaml",
    ],
)
def test_the_package_has_them_and_the_working_folder_goes_first(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe(name) == ROOT / "configs/ucf101/finetune_cpu.yaml"
    for folder in (Path("configs"), Path()):
        own = folder / "ucf101/finetune_cpu.yaml"
        own.parent.mkdir(parents=True)
        own.touch()
        if folder == Path("configs") or not name.startswith("configs"):
            assert find_recipe(name) == own


def test_every_recipe_has_a_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = recipe_names()
    assert len(names) == len(list(recipes_folder().rglob("*.yaml"))) > 20
    assert {"demo", "ucf101/finetune_cpu", "blocks/snl"} <= set(names)
    for name in names:
        assert find_recipe(name).is_file()


def test_an_unknown_one_is_told_the_near_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no recipe demoo: .* did you mean demo\? `snl-video rec"):
        find_recipe("demoo")


def test_only_the_values_of_config_are_looked_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo = str(ROOT / "configs/demo.yaml")
    words = ["fit", "--config", "demo", "--config=demo", "-c", "demo", "--run_dir", "demo"]
    assert with_recipe_paths(words) == [
        *("fit", "--config", demo, f"--config={demo}", "-c", demo, "--run_dir", "demo"),
    ]
    written = ["fit", "--config", "{seed_everything: 1}"]
    assert with_recipe_paths(written) == written


def test_the_command_lists_them_and_prints_one(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["recipes"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("\n") == 3 * len(recipe_names())
    assert "demo\n    " in listed
    assert main(["recipes", "blocks/snl"]) == 0
    assert capsys.readouterr().out == (ROOT / "configs/blocks/snl.yaml").read_text()
