"""What of a written data set can be told without comparing places: all should be at chance.

    snl-video generate relations --leaks true

Linear classifiers are trained on the training list of split 1, each on one view of the videos:

    best frame   one frame, chosen on the last third of the training list
    frames       the mean of the frames
    colours      a histogram of the colours of the whole clip
    colour pairs the products of every two of its bins, for what is not linear
    packets      the sizes of the encoded frames

Each has to say for pairs of test videos of two classes which is which: 50 % by chance. Its accuracy
on single videos would be no such measure. A score that grows with the yellow of a clip, say, tells
nothing of `same_different`, but a threshold on it that lies well by accident gets three of the four
pairs of colours right.

A task of `relations` leaks if a view is above `chance_bound`. Colour pairs do tell some tasks:
whether a clip has two colours or one is the very question of `same_different`, and they show how
large the thing of each colour is. `binding`, `sequence` and `order` hide from them too.

Written once with `intra` and once without, the best frame also says whether the codec carries one
part of a clip into another.
"""

from __future__ import annotations

import math
from pathlib import Path

import av
import torch
import torch.nn.functional as F
from torch import Tensor

from snl_video.data.decoding import open_video
from snl_video.data.formats import UCF101
from snl_video.data.synthetic.relation_tasks import COLOURS
from snl_video.data.video_list import VideoList

RIDGE = 0.1


def measure_leaks(root: str | Path) -> dict[str, float]:
    """Name of a view -> share of the pairs of test videos that a linear classifier gets right."""
    train, test = (_views(UCF101(root).read(subset)) for subset in ("train", "test"))
    labels, truth = train.pop("label"), test.pop("label")
    found = {
        name: _pairs_right(train[name].flatten(1), labels, test[name].flatten(1), truth)
        for name in ("frames", "colours", "colour pairs", "packets")
    }
    thumbnails, held = train["thumbnails"], len(labels) // 3
    trials = [
        _pairs_right(frame[:-held], labels[:-held], frame[-held:], labels[-held:])
        for frame in thumbnails.flatten(2).unbind(1)
    ]
    best = trials.index(max(trials))
    scored = test["thumbnails"].flatten(2)[:, best]
    return {
        "best frame": _pairs_right(thumbnails.flatten(2)[:, best], labels, scored, truth),
        **found,
    }


def chance_bound(trials: int, chance: float = 0.5, tail: float = 1e-3) -> float:
    """Share right that guessing exceeds with a probability of at most `tail` (binomial)."""
    above = 0.0
    for right in range(trials, -1, -1):
        above += math.comb(trials, right) * chance**right * (1 - chance) ** (trials - right)
        if above > tail:
            return right / trials
    return 0.0


def _views(videos: VideoList) -> dict[str, Tensor]:
    """Features of N videos: "thumbnails" (N, T, 192), the other views (N, ...), "label" (N,)."""
    order = torch.randperm(len(videos.records), generator=torch.Generator().manual_seed(0))
    records = [videos.records[number] for number in order]
    views: dict[str, list[Tensor]] = {}
    for record in records:
        video = open_video(record.path)
        clip = video.get_frames(range(video.num_frames)).movedim(-1, 1).float() / 255
        thumbnails, colours = F.adaptive_avg_pool2d(clip, 8), _histogram(clip)
        seen = {
            "thumbnails": thumbnails,
            "frames": thumbnails.mean(0),
            "colours": colours,
            "colour pairs": torch.outer(colours, colours),
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


def _pairs_right(x: Tensor, label: Tensor, test: Tensor, truth: Tensor) -> float:
    """Of ridge regression from standardised features (N, D) to the classes."""
    mean, std = x.mean(0), x.std(0).clamp(min=1e-6)
    x, test = (F.pad((features - mean) / std, (0, 1), value=1.0) for features in (x, test))
    gram = x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1])
    scores = test @ torch.linalg.solve(gram, x.T @ F.one_hot(label).float())
    first, second = _pairs(truth)
    one, other = truth[first], truth[second]
    found = scores[first].gather(1, one[:, None]) - scores[first].gather(1, other[:, None])
    against = scores[second].gather(1, one[:, None]) - scores[second].gather(1, other[:, None])
    return (found > against).float().mean().item()


def _pairs(label: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of the two videos of each pair, no video twice: (P,) and (P,)."""
    of_class = [(label == number).nonzero()[:, 0] for number in range(int(label.max()) + 1)]
    fewest = min(map(len, of_class))
    in_turn = torch.stack([videos[:fewest] for videos in of_class], dim=1).flatten()
    pairs = len(in_turn) // 2
    return in_turn[: 2 * pairs : 2], in_turn[1 : 2 * pairs : 2]


def leaks_in_words(root: str | Path) -> str:
    """Every view beside chance, a line each."""
    pairs = len(UCF101(root).read("test").records) // 2
    bound = chance_bound(pairs)
    lines = [f"{pairs} pairs of test videos, 50.0% by chance, {bound:.1%} at most"]
    for name, share in measure_leaks(root).items():
        lines.append(f"  {name:<12} {share:6.1%}{'  LEAKS' if share > bound else ''}")
    return "\n".join(lines)
