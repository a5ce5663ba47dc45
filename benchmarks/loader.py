"""Clips per second of the loaders here and of PyTorchVideo, and the raw decoder's rate.

    python -m benchmarks.loader [--root FOLDER] [--rounds 3] [--files 12] [--workers 0 2]

Every reader takes the same files, 8 frames 8 apart, and crops of 224 pixels, with one thread.
In this process, seconds are the processor's, which other programs do not lengthen. With loader
workers they are the wall's, in turns, so compare the ratios, on a machine that does nothing else.
Prints Markdown. Without --root, files of UCF101's size (320x240, MPEG-4 in AVI) are written to a
temporary folder.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as F

from benchmarks.timing import Step, in_turns
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
from snl_video.data.decoding import open_reader
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


def main(arguments: list[str] | None = None) -> None:
    """Time everything and print the table."""
    parser = argparse.ArgumentParser(description="Time video loaders.")
    parser.add_argument("--root", help="folder of videos, looked through with its sub-folders")
    parser.add_argument("--files", type=int, default=12, help="files to use at most")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repeats; median shown")
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[0, 2], help="loader processes, one table each"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(options.root) if options.root else write_files(Path(folder), options.files)
        paths = sorted(str(p) for p in root.rglob("*") if p.suffix in (".avi", ".mp4"))
        paths = paths[:: max(len(paths) // options.files, 1)][: options.files]
        if not paths:
            parser.error(f"no .avi or .mp4 below {root}")
        loaders = {}
        for workers in options.workers:  # first, so that they fork from a process without decoders
            clock = time.perf_counter if workers else time.process_time
            loaders[workers] = in_turns(loader_steps(paths, workers), options.rounds, clock)
        train = in_turns(training_steps(paths), options.rounds)
        evaluate = in_turns(evaluation_steps(paths), options.rounds)
        augment = in_turns(augmentation_steps(), options.rounds)
    print(f"{len(paths)} files of {options.root or 'generated frames'}, one thread\n")
    for workers, seconds in loaders.items():
        title = f"training through a DataLoader, {workers} workers"
        _table(title, "clips/s", seconds, len(paths) * PASSES)
    _table("training, 1 clip a video", "clips/s", train, len(paths))
    _table(f"evaluation, {CLIPS}x{CROPS} views a video", "videos/s", evaluate, len(paths))
    print(f"| augmentation, a clip of {FRAMES}x{CROP}x{CROP} on the CPU | ms |\n|---|---|")
    for name, value in augment.items():
        print(f"| {name} | {1000 * value / BATCH:.1f} |")


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


def training_steps(paths: list[str]) -> dict[str, Step]:
    """One pass over the files, one random clip each."""
    videos = _list(paths)
    transform = TrainTransform(CROP_SETTINGS)
    steps: dict[str, Step] = {}
    for backend in ("auto", "decord", "pyav"):
        decoding = DecodingSettings(backend)
        dataset = TrainVideos(videos, CLIP, transform, decoding=decoding)
        steps[f"snl_video, {backend}"] = partial(_read_all, dataset)
    for backend in ("decord", "pyav"):
        steps[f"raw decoder, {backend}"] = partial(_raw_pass, paths, backend)
    for decoder in ("decord", "pyav"):
        steps[f"PyTorchVideo, {decoder}"] = partial(_peer_pass, paths, decoder, 1, _peer_crop)
    return steps


def evaluation_steps(paths: list[str]) -> dict[str, Step]:
    """One pass over the files, all views each."""
    videos = _list(paths)
    steps: dict[str, Step] = {}
    for backend in ("auto", "decord"):
        transform = EvalTransform(SHORT_SIDE, CROP, CROPS)
        decoding = DecodingSettings(backend)
        dataset = EvalVideos(videos, CLIP, transform, CLIPS, decoding=decoding)
        steps[f"snl_video, {backend}"] = partial(_read_all, dataset)
    steps["PyTorchVideo, decord"] = partial(_peer_pass, paths, "decord", CLIPS, _peer_view)
    return steps


def _list(paths: list[str]) -> VideoList:
    return VideoList([VideoRecord(path, 0, path) for path in paths], ["a"])


def _read_all(dataset: TrainVideos | EvalVideos) -> None:
    for number in range(len(dataset)):
        dataset[number]


def _raw_pass(paths: list[str], backend: str) -> None:
    for number, path in enumerate(paths):
        reader = open_reader(path, backend)  # type: ignore[arg-type]
        clip = CLIP.random(reader.num_frames, sample_generator(0, 0, number))
        reader.read(clip.unique().tolist())


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


def write_files(folder: Path, count: int) -> Path:
    """Write files like UCF101's: 320x240, 25 frames a second, MPEG-4, noise that moves."""
    import av

    rng = np.random.default_rng(0)
    for number in range(count):
        noise = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        with av.open(str(folder / f"{number:03d}.avi"), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
            stream.bit_rate = 500_000
            for step in range(180):
                image = np.ascontiguousarray(noise[step : step + 240, step : step + 320])
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return folder


def _table(title: str, unit: str, seconds: dict[str, float], count: int) -> None:
    slowest = seconds["PyTorchVideo, decord"]
    print(f"| {title} | {unit} | x PyTorchVideo with decord |\n|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {count / value:.1f} | {slowest / value:.1f} |")
    print()


if __name__ == "__main__":
    main()
