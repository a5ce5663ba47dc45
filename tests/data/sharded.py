"""Videos of two classes, lists of them, and what a set of shards holds."""

import io
import re
import tarfile

from snl_video.data.filled_folders import files_in, read_file
from snl_video.data.formats.csv_list import read_csv
from tests.videos import write_video

NAMES = ["a.mp4", "b.avi", "c.d.mp4", "broken.mp4", "e.mkv", "f.mp4", "g.mp4"]


def write_source(root):
    """Seven videos, the fourth of them broken; all.csv lists them, good.csv the others."""
    for number, name in enumerate(NAMES):
        codec = "mpeg4" if name.endswith(".avi") else "libx264"
        write_video(root / name, 12 + number, codec=codec)
    (root / "broken.mp4").write_bytes(b"no video, here")
    lines = [f"{name},{'run' if number % 3 else 'jump'}\n" for number, name in enumerate(NAMES)]
    (root / "all.csv").write_text("".join(lines))
    (root / "good.csv").write_text("".join(line for line in lines if "broken" not in line))
    return root


def listed(source, name="all.csv"):
    return read_csv(source / name, source, missing="wrong")


def contents(url):
    """Bytes of every file of a folder, hidden ones of a local folder included."""
    return {name: read_file(url, name) for name in files_in(url)}


def samples_of(tar):
    """Samples of a tar as WebDataset groups its members: by the name up to its first dot."""
    samples = {}
    last = None
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        for member in members:
            key, suffix = re.fullmatch(r"((?:.*/|)[^.]+)[.]([^/]*)", member.name).groups()
            assert key == last or key not in samples, "members of a sample follow each other"
            sample = samples.setdefault(key, {})
            assert suffix not in sample
            sample[suffix] = members.extractfile(member).read()
            last = key
    return list(samples.values())
