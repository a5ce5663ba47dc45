"""Writing a data set in UCF101's layout, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Settings = Mapping[str, int | float | str | bool | None]


def write_once(
    root: str | Path, name: str, settings: Settings, fill: Callable[[Path], None]
) -> Path:
    """Let `fill` write the data set `name`, unless it is at `root` with the same settings.

    It is written beside `root` and renamed when complete, so a half-written set is never seen.

    Returns:
        `root`.

    Raises:
        FileExistsError: `root` holds something else, or this set with other settings.
    """
    root = Path(root)
    if is_written(root, name, settings):
        return root
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(
            f"{root} is not empty and is not this {name} data set with the settings "
            f"{dict(settings)}; delete it or choose another root"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        fill(temporary)
        (temporary / f"{name}.json").write_text(json.dumps(dict(settings), indent=2) + "\n")
        temporary.chmod(0o755)
        if root.exists() and not any(root.iterdir()):
            root.rmdir()
        try:
            temporary.rename(root)
        except OSError:
            if not is_written(root, name, settings):
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return root


def is_written(root: str | Path, name: str, settings: Settings) -> bool:
    """Whether the complete data set `name` with these settings is at `root`."""
    try:
        stamp = json.loads((Path(root) / f"{name}.json").read_text())
    except (OSError, json.JSONDecodeError):
        return False
    return stamp == dict(settings)


def write_lists(folder: Path, classes: Sequence[str], groups: Mapping[int, Sequence[str]]) -> None:
    """Write `classInd.txt` and three splits; each holds out a third of the groups for the test.

    Args:
        folder: is made.
        classes: names in the order of the labels.
        groups: number of a group, from 1 -> its files, each as "Class/file".
    """
    folder.mkdir()
    numbered = [f"{number} {name}" for number, name in enumerate(classes, start=1)]
    (folder / "classInd.txt").write_text("\n".join(numbered) + "\n")
    third = len(groups) // 3
    for split in (1, 2, 3):
        held_out = range((split - 1) * third + 1, split * third + 1)
        train, test = [], []
        for group, files in groups.items():
            for file in files:
                if group in held_out:
                    test.append(file)
                else:
                    train.append(f"{file} {classes.index(file.split('/')[0]) + 1}")
        (folder / f"trainlist{split:02d}.txt").write_text("\n".join(sorted(train)) + "\n")
        (folder / f"testlist{split:02d}.txt").write_text("\n".join(sorted(test)) + "\n")
