"""What of a written data set can be told without comparing places: all should be at chance.

    python -m snl_video.data.synthetic.leaks --root data/relations

Linear classifiers are trained on the training list of split 1, each on one view of the videos, and
scored on the test list:

    best frame   one frame, chosen on the last third of the training list
    frames       the mean of the frames
    colours      a histogram of the colours of the whole clip
    packets      the sizes of the encoded frames

A task of `relations` leaks if one of them is above `chance_bound`. Written once with `intra` and
once without, the best frame also says whether the codec carries one part of a clip into another.
"""

from __future__ import annotations

import math
from pathlib import Path

import av
import torch
import torch.nn.functional as F
from jsonargparse import ArgumentParser
from torch import Tensor

from snl_video.data.decoding import open_video
from snl_video.data.formats import UCF101
from snl_video.data.synthetic.relation_tasks import COLOURS
from snl_video.data.video_list import VideoList

RIDGE = 0.1


def measure_leaks(root: str | Path) -> dict[str, float]:
    """Name of a view -> share of the test videos that a linear classifier gets right."""
    train, test = (_views(UCF101(root).read(subset)) for subset in ("train", "test"))
    labels, truth = train.pop("label"), test.pop("label")
    found = {
        name: _accuracy(train[name].flatten(1), labels, test[name].flatten(1), truth)
        for name in ("frames", "colours", "packets")
    }
    thumbnails, held = train["thumbnails"], len(labels) // 3
    trials = [
        _accuracy(frame[:-held], labels[:-held], frame[-held:], labels[-held:])
        for frame in thumbnails.flatten(2).unbind(1)
    ]
    best = trials.index(max(trials))
    scored = test["thumbnails"].flatten(2)[:, best]
    return {"best frame": _accuracy(thumbnails.flatten(2)[:, best], labels, scored, truth), **found}


def chance_bound(videos: int, classes: int, tail: float = 1e-3) -> float:
    """Share right that guessing exceeds with a probability of at most `tail` (binomial)."""
    chance, above = 1 / classes, 0.0
    for right in range(videos, -1, -1):
        above += math.comb(videos, right) * chance**right * (1 - chance) ** (videos - right)
        if above > tail:
            return right / videos
    return 0.0


def _views(videos: VideoList) -> dict[str, Tensor]:
    """Features of N videos: "thumbnails" (N, T, 192), the other views (N, ...), "label" (N,)."""
    order = torch.randperm(len(videos.records), generator=torch.Generator().manual_seed(0))
    records = [videos.records[number] for number in order]
    views: dict[str, list[Tensor]] = {}
    for record in records:
        video = open_video(record.path)
        clip = video.get_frames(range(video.num_frames)).movedim(-1, 1).float() / 255
        thumbnails = F.adaptive_avg_pool2d(clip, 8)
        seen = {
            "thumbnails": thumbnails,
            "frames": thumbnails.mean(0),
            "colours": _histogram(clip),
            "packets": _packet_sizes(record.path),
            "label": torch.tensor(record.label),
        }
        for name, value in seen.items():
            views.setdefault(name, []).append(value)
    return {name: torch.stack(values) for name, values in views.items()}


def _histogram(clip: Tensor) -> Tensor:
    """Share of the pixels of (T, 3, H, W) that are nearest to each colour of the palette."""
    palette = torch.tensor(list(COLOURS.values())) / 255
    nearest = torch.cdist(clip.movedim(1, -1).reshape(-1, 3), palette).argmin(-1)
    return nearest.bincount(minlength=len(palette)) / len(nearest)


def _packet_sizes(path: str) -> Tensor:
    with av.open(path) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    return torch.tensor(sizes, dtype=torch.float32)


def _accuracy(x: Tensor, label: Tensor, test: Tensor, truth: Tensor) -> float:
    """Of ridge regression from standardised features (N, D) to the classes."""
    mean, std = x.mean(0), x.std(0).clamp(min=1e-6)
    x, test = (F.pad((features - mean) / std, (0, 1), value=1.0) for features in (x, test))
    gram = x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1])
    weight = torch.linalg.solve(gram, x.T @ F.one_hot(label).float())
    return ((test @ weight).argmax(-1) == truth).float().mean().item()


def main(arguments: list[str] | None = None) -> None:
    """Measure and print every view beside chance."""
    parser = ArgumentParser(description="Measure what a written data set leaks.")
    parser.add_argument("--root", default="data/relations")
    root = parser.parse_args(arguments).root
    test = UCF101(root).read("test")
    classes, videos = len(test.class_counts()), len(test.records)
    bound = chance_bound(videos, classes)
    print(f"{root}: {videos} test videos, chance {1 / classes:.1%}, at most {bound:.1%} by chance")
    for name, share in measure_leaks(root).items():
        print(f"  {name:<11} {share:6.1%}{'  LEAKS' if share > bound else ''}")


if __name__ == "__main__":
    main()
