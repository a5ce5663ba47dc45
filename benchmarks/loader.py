"""Clips and videos per second of the loader here, of raw decoders and of PyTorchVideo.

    python -m benchmarks.loader [--root FOLDER] [--files 6] [--workers 2] [--augmentation]

Prints one Markdown table: for every container, training (one random clip of 8 frames 8 apart, a
crop of 224 pixels) and evaluation (10 clips x 3 crops). All take the same files in turns, with one
thread in one process; seconds are the processor's, which other programs do not lengthen. A raw
decoder opens a file and takes the frames, and crops nothing. Without --root, files are written to
a temporary folder: MPEG-4 in AVI as in UCF101, H.264 in MP4, and a long one.

With --workers, training through a `DataLoader` of so many processes follows: its seconds are the
wall's, so compare ratios on an idle machine. With --augmentation, each augmentation alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as F

from benchmarks.timing import Step, in_turns
from benchmarks.video_files import write_files
from snl_video.data import (
    Augmentation,
    AugmentSpec,
    ClipSettings,
    CropSettings,
    DecodingSettings,
    EvalVideos,
    TrainVideos,
    VideoList,
    VideoRecord,
)
from snl_video.data.decoding.backends import check_backend
from snl_video.data.decoding.decord_reader import DecordReader
from snl_video.data.decoding.pyav_reader import PyAVReader
from snl_video.data.decoding.reader import VideoReader
from snl_video.data.decoding.torchcodec_reader import TorchCodecReader
from snl_video.data.sampler import sample_generator
from snl_video.data.transforms.crops import (
    EvalTransform,
    TrainTransform,
    crop_offsets,
    scale_short_side,
)

FRAMES, INTERVAL, CROP, SHORT_SIDE, CLIPS, CROPS = 8, 8, 224, 256, 10, 3
BATCH, PASSES = 4, 4
CLIP, CROP_SETTINGS = ClipSettings(FRAMES, INTERVAL), CropSettings(CROP)
OURS, PEER = "snl_video", "PyTorchVideo, decord"


def main(arguments: list[str] | None = None) -> None:
    """Time everything and print the tables."""
    parser = argparse.ArgumentParser(description="Time video loaders.")
    parser.add_argument("--root", help="folder of videos, looked through with its sub-folders")
    parser.add_argument("--files", type=int, default=6, help="files of a container, at most")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repeats; median shown")
    parser.add_argument("--workers", type=int, nargs="*", default=[], help="loader processes")
    parser.add_argument("--augmentation", action="store_true", help="time each one, too")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(options.root) if options.root else write_files(Path(folder))
        groups = containers(root, options.files)
        if not groups:
            parser.error(f"no .avi, .mkv or .mp4 below {root}")
        paths = [path for group in groups.values() for path in group]
        loaders = {}
        for workers in options.workers:  # first, so that they fork from a process without decoders
            clock = time.perf_counter if workers else time.process_time
            loaders[workers] = in_turns(loader_steps(paths, workers), options.rounds, clock)
        one_table(groups, options.rounds)
        augment = in_turns(augmentation_steps(), options.rounds) if options.augmentation else {}
    for workers, seconds in loaders.items():
        print(f"\n| training, a DataLoader of {workers} workers | clips/s | x {PEER} |")
        print("|---|---:|---:|")
        for name, value in seconds.items():
            print(f"| {name} | {len(paths) * PASSES / value:.1f} | {seconds[PEER] / value:.1f} |")
    if augment:
        print(f"\n| augmentation, a clip of {FRAMES}x{CROP}x{CROP} | ms |\n|---|---:|")
    for name, value in augment.items():
        print(f"| {name} | {1000 * value / BATCH:.1f} |")


def containers(root: Path, most: int) -> dict[str, list[str]]:
    """Container -> files below a folder, spread over them."""
    found = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if path.suffix in (".avi", ".mkv", ".mp4"):
            long = "long " if path.stem.startswith("long") else ""
            found[f"{long}{path.suffix[1:].upper()}"].append(str(path))
    return {name: paths[:: max(len(paths) // most, 1)][:most] for name, paths in found.items()}


def one_table(groups: dict[str, list[str]], rounds: int) -> None:
    """Time and print every container and both works, row by row."""
    raw = raw_readers()
    names = [OURS, *raw, PEER]
    print(f"| files | work, a second | {' | '.join(names)} | x {PEER} | of PyAV |")
    print(f"|---|---|{'---:|' * (len(names) + 2)}")
    for container, paths in groups.items():
        for work, steps in (
            ("clips trained on", training_steps(paths, raw)),
            (f"videos evaluated, {CLIPS}x{CROPS}", evaluation_steps(paths, raw)),
        ):
            seconds = in_turns(steps, rounds)
            rates = " | ".join(f"{len(paths) / seconds[name]:.1f}" for name in names)
            times, share = seconds[PEER] / seconds[OURS], seconds["PyAV"] / seconds[OURS]
            print(
                f"| {len(paths)} {container} | {work} | {rates} | {times:.1f} | {share:.0%} |",
                flush=True,
            )


def raw_readers() -> dict[str, Callable[[str], VideoReader]]:
    """Name -> opens a file; of the decoders that are installed."""
    readers: dict[str, Callable[[str], VideoReader]] = {"PyAV": PyAVReader}
    others: dict[str, Callable[[str], VideoReader]] = {
        "decord": lambda path: DecordReader(path, pixels=1),  # nobody asks for the size
        "torchcodec": lambda path: TorchCodecReader(path, pixels=1),
    }
    for name, reader in others.items():
        try:
            check_backend(name)
        except ImportError as error:
            print(f"{name} is left out: {error}\n")
        else:
            readers[name] = reader
    return readers


def loader_steps(paths: list[str], workers: int) -> dict[str, Step]:
    """A few passes over the files through a `DataLoader`, one random clip each, alike for all."""
    videos, transform = _list(paths * PASSES), TrainTransform(CROP_SETTINGS)
    datasets: dict[str, Dataset] = {"snl_video": TrainVideos(videos, CLIP, transform)}
    if workers:  # the seconds of this process are not those of the child that decodes
        datasets["snl_video, decoding.timeout 30"] = TrainVideos(
            videos, CLIP, transform, decoding=DecodingSettings(timeout=30)
        )
    for decoder in ("decord", "pyav"):
        datasets[f"PyTorchVideo, {decoder}"] = _peer(paths * PASSES, decoder, 1, _peer_crop)
    options: dict[str, Any] = {"batch_size": BATCH, "num_workers": workers}
    if workers:
        options |= {"persistent_workers": True, "timeout": 300}
    return {
        name: partial(_load_all, DataLoader(dataset, **options), len(videos), name)
        for name, dataset in datasets.items()
    }


def augmentation_steps() -> dict[str, Step]:
    """Each augmentation alone, on one batch."""
    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, 1, 3, FRAMES, CROP, CROP)
    clips = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    keys = [(0, number) for number in range(BATCH)]
    alone = {
        "colour jitter": AugmentSpec(color_jitter=(0.4, 0.4, 0.4, 0.1)),
        "RandAugment, 2 operations": AugmentSpec(randaugment_ops=2),
        "erasing": AugmentSpec(erase_probability=1.0),
    }
    steps: dict[str, Step] = {
        "flip": partial(Augmentation(AugmentSpec(flip=0.5)).clips, clips, keys)
    }
    for name, spec in alone.items():
        steps[name] = partial(Augmentation(spec).clips, clips, keys)
    for name, spec in {
        "mixup": AugmentSpec(mixup_alpha=0.8),
        "CutMix": AugmentSpec(cutmix_alpha=1.0),
    }.items():
        label = torch.arange(BATCH)
        steps[name] = partial(Augmentation(spec).mix, clips, label, keys, BATCH)
    return steps


def training_steps(
    paths: list[str], raw: dict[str, Callable[[str], VideoReader]]
) -> dict[str, Step]:
    """One pass over the files, one random clip each."""

    def clip(length: int, number: int) -> Tensor:
        return CLIP.random(length, sample_generator(0, 0, number))

    ours = TrainVideos(_list(paths), CLIP, TrainTransform(CROP_SETTINGS))
    steps: dict[str, Step] = {OURS: partial(_read_all, ours)}
    for name, reader in raw.items():
        steps[name] = partial(_raw_pass, paths, reader, clip)
    steps[PEER] = partial(_peer_pass, paths, "decord", 1, _peer_crop)
    return steps


def evaluation_steps(
    paths: list[str], raw: dict[str, Callable[[str], VideoReader]]
) -> dict[str, Step]:
    """One pass over the files, all views each."""
    transform = EvalTransform(SHORT_SIDE, CROP, CROPS)
    ours = EvalVideos(_list(paths), CLIP, transform, CLIPS)
    steps: dict[str, Step] = {OURS: partial(_read_all, ours)}
    for name, reader in raw.items():
        steps[name] = partial(_raw_pass, paths, reader, lambda n, _: CLIP.uniform(n, CLIPS))
    steps[PEER] = partial(_peer_pass, paths, "decord", CLIPS, _peer_view)
    return steps


def _list(paths: list[str]) -> VideoList:
    return VideoList([VideoRecord(path, 0, path) for path in paths], ["a"])


def _read_all(dataset: TrainVideos | EvalVideos) -> None:
    for number in range(len(dataset)):
        dataset[number]


def _raw_pass(
    paths: list[str],
    reader: Callable[[str], VideoReader],
    frames: Callable[[int, int], Tensor],
) -> None:
    for number, path in enumerate(paths):
        opened = reader(path)
        opened.read(frames(opened.num_frames, number).unique().tolist())


def _load_all(loader: DataLoader, expected: int, name: str) -> None:
    count = sum(len(batch if isinstance(batch, Tensor) else batch["clips"]) for batch in loader)
    if count != expected:
        raise RuntimeError(f"{name} gave {count} clips of {expected} videos; leave bad files out")


def _peer(
    paths: list[str], decoder: str, clips: int, transform: Callable[[dict[str, Any]], Tensor]
) -> Dataset:
    """PyTorchVideo's own dataset; its transforms do not import with this torchvision."""
    from pytorchvideo.data import LabeledVideoDataset
    from pytorchvideo.data.clip_sampling import make_clip_sampler
    from torch.utils.data import SequentialSampler

    seconds = ((FRAMES - 1) * INTERVAL + 1) / 25
    sampler = (
        make_clip_sampler("random", seconds)
        if clips == 1
        else make_clip_sampler("constant_clips_per_video", seconds, clips, CROPS)
    )
    return LabeledVideoDataset(
        [(path, {"label": 0}) for path in paths],
        sampler,
        video_sampler=SequentialSampler,
        transform=transform,
        decode_audio=False,
        decoder=decoder,
    )


def _peer_pass(
    paths: list[str], decoder: str, clips: int, transform: Callable[[dict[str, Any]], Tensor]
) -> None:
    dataset: Any = _peer(paths, decoder, clips, transform)
    if sum(1 for _ in dataset) == 0:
        raise RuntimeError(f"PyTorchVideo gave no clip of {paths[0]} with {decoder}")


def _peer_frames(sample: dict[str, Any]) -> Tensor:
    """Uniform temporal subsample, (T, C, H, W) float."""
    video = sample["video"]
    places = torch.linspace(0, video.shape[1] - 1, FRAMES).long()
    return video.index_select(1, places).transpose(0, 1)


def _peer_crop(sample: dict[str, Any]) -> Tensor:
    """The crop of training."""
    return TrainTransform(CROP_SETTINGS)(_peer_frames(sample))


def _peer_view(sample: dict[str, Any]) -> Tensor:
    """The crop that an evaluation asks for by `aug_index`."""
    frames = scale_short_side(_peer_frames(sample), SHORT_SIDE)
    height, width = frames.shape[-2:]
    top, left = crop_offsets(height, width, CROP, CROPS)[sample["aug_index"]]
    return F.crop(frames, top, left, CROP, CROP)


if __name__ == "__main__":
    main()
