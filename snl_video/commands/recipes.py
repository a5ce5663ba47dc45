"""`snl-video recipes`: which recipes there are."""

from collections.abc import Sequence

from snl_video.commands.command_parser import CommandParser
from snl_video.recipe_files import find_recipe, recipe_names


def recipes(name: str | None = None) -> None:
    """List the recipes with what each says of itself, or print one.

      snl-video recipes
      snl-video recipes ucf101/finetune_cpu > mine.yaml

    A recipe is a YAML file of settings for `snl-video fit --config NAME`. One of your own goes
    first: a file in the working folder, or below its folder `configs`.

    Args:
        name: of the recipe to print, with or without `.yaml`.
    """
    if name is not None:
        print(find_recipe(name).read_text(encoding="utf-8"), end="")
        return
    for known in recipe_names():
        print(known)
        for line in find_recipe(known).read_text(encoding="utf-8").splitlines()[:2]:
            print(f"    {line.removeprefix('# ')}")


def main(words: Sequence[str]) -> None:
    """Run the command."""
    CommandParser("snl-video recipes", recipes, "[NAME]", words={"name": "?"}).call(words)
