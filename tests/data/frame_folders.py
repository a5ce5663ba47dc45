"""Videos as pictures of their frames, which show their own number."""

import tarfile
import zipfile
from pathlib import Path

from PIL import Image

from tests.videos import numbered_frames


def write_frames(
    path: Path, num_frames: int = 20, *, first: int = 1, pattern: str = "{:05d}.jpg", size=(48, 64)
) -> Path:
    """A folder, or by its suffix a tar or zip, of numbered pictures."""
    folder = path.with_suffix(".frames") if path.suffix in (".tar", ".zip") else path
    folder.mkdir(parents=True)
    for number, frame in enumerate(numbered_frames(num_frames, size), first):
        Image.fromarray(frame).save(folder / pattern.format(number), quality=95)
    if path.suffix == ".tar":
        with tarfile.open(path, "w") as archive:
            archive.add(folder, arcname=path.stem)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.iterdir(), reverse=True):
                archive.write(file, f"{path.stem}/{file.name}")
    return path
