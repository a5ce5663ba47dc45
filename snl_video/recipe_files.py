"""Where the recipes are: in the working folder, or in the package."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from snl_video.errors import UsageError
from snl_video.renamed import migrate_settings, new_name, old_names

PACKAGE = Path(__file__).parent
FOLDER = "configs"


def recipes_folder() -> Path:
    """Return the folder of the recipes: `configs/` of the checkout, or its copy in a wheel."""
    packaged = PACKAGE / FOLDER
    return packaged if packaged.is_dir() else PACKAGE.parent / FOLDER


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package, such as "ucf101/small_cpu"."""
    root = recipes_folder()
    return sorted(str(path.relative_to(root).with_suffix("")) for path in root.rglob("*.yaml"))


def find_recipe(name: str | Path) -> Path:
    """Return the file of a recipe.

    The working folder goes first, as a path and under `configs/`, then those of the package.

    Args:
        name: with or without `.yaml`, with or without `configs/` before it.

    Raises:
        UsageError: there is none; names some that are near.
    """
    for file in (Path(name), Path(f"{name}.yaml")):
        bare = file.relative_to(FOLDER) if file.is_relative_to(FOLDER) else file
        for path in (file, FOLDER / bare, recipes_folder() / bare):
            if path.is_file():
                return path
    wanted = str(name).removeprefix(f"{FOLDER}/").removesuffix(".yaml")
    known = recipe_names()
    near = difflib.get_close_matches(wanted, known, 3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(
        f"no recipe {name}: neither a file here nor one of the package; {hint}"
        "`snl-video recipes` lists them"
    )


def with_recipe_paths(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with every `--config RECIPE` as the path of its file.

    A configuration that is written out, as in `--config '{data: {seed: 1}}'`, stays as it is. A
    file with names of before is written out with those of today, and a note says so.

    Raises:
        UsageError: see `find_recipe`.
    """
    found = []
    options = ("--config", "-c")
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if before in options:
            word = _path(word)
        elif option in options and equals:
            word = f"{option}={_path(value)}"
        found.append(word)
    return found


def _path(value: str) -> str:
    if "{" in value or "\n" in value:
        return value
    path = find_recipe(value)
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    old = old_names(settings) if isinstance(settings, dict) else []
    if not old:
        return str(path)
    print(
        f"note: {path} has names of before, read as those of today: {old[0]} is now "
        f"{new_name(old[0])}, and {len(old) - 1} more",
        file=sys.stderr,
    )
    return yaml.safe_dump(migrate_settings(settings), sort_keys=False)
