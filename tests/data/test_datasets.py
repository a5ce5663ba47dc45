import json

import pytest
import torch
from torch.utils.data import DataLoader

from snl_video.data import (
    BadVideoSettings,
    ClipSettings,
    CropSettings,
    EvalVideos,
    TrainVideos,
    VideoList,
    VideoRecord,
    ViewSettings,
)
from snl_video.data.sampler import EpochSampler
from snl_video.data.transforms.crops import EvalTransform, TrainTransform
from snl_video.errors import VideoError
from tests.data.bad_files import BAD_FILES
from tests.videos import read_numbers, write_video


@pytest.fixture
def videos(tmp_path):
    """Six videos of two classes, of 20, 25, ... 45 frames."""
    lengths = [20 + 5 * i for i in range(6)]
    paths = [write_video(tmp_path / f"{i}.mp4", n) for i, n in enumerate(lengths)]
    records = [VideoRecord(str(path), i % 2, path.name) for i, path in enumerate(paths)]
    return VideoList(records, ["even", "odd"])


def spoil(videos: VideoList, *indices: int) -> None:
    for index in indices:
        with open(videos.records[index].path, "wb") as file:
            file.write(b"this is not a video")


CLIP, CROP = ClipSettings(4, 2), CropSettings(32)


def train_videos(videos, clip=CLIP, crop=CROP, **options):
    return TrainVideos(videos, clip, TrainTransform(crop), **options)


def eval_videos(videos, num_clips=3, num_crops=3, clip=CLIP, on_bad="stop"):
    transform = EvalTransform(32, 32, num_crops)
    bad_videos = BadVideoSettings(evaluation=on_bad)
    return EvalVideos(videos, clip, transform, num_clips, bad_videos=bad_videos)


def batches(dataset, num_workers, epochs=2, seed=0):
    sampler = EpochSampler(dataset, seed=seed)
    loader = DataLoader(
        dataset,
        batch_size=2,
        sampler=sampler,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        timeout=30 if num_workers else 0,
    )
    found = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        found += list(loader)
    return found


def same(first, second):
    return all(
        a["unreadable"] == b["unreadable"]
        and all(torch.equal(a[key], b[key]) for key in a if key != "unreadable")
        for a, b in zip(first, second, strict=True)
    )


def test_train_sample(videos):
    sample = train_videos(videos)[0, 3]
    assert sample["clips"].shape == (1, 3, 4, 32, 32)
    assert sample["clips"].dtype == torch.uint8
    assert (sample["label"], sample["index"], sample["replaced"]) == (1, 3, 0)


def test_train_frames_are_those_of_the_clip(videos):
    whole = CropSettings(48, scale=(1, 1), ratio=(4 / 3, 4 / 3))
    clip = train_videos(videos, crop=whole)[5, 3]["clips"][0]
    numbers = read_numbers(clip.permute(1, 2, 3, 0))
    assert numbers == [numbers[0] + 2 * i for i in range(4)]


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_batches_do_not_depend_on_workers(videos):
    spoil(videos, 2)
    dataset = train_videos(videos)
    alone = batches(dataset, 0)
    assert sum(int(batch["replaced"].sum()) for batch in alone) == 2
    for num_workers in (1, 3):
        assert same(alone, batches(dataset, num_workers))


def test_epochs_and_seeds_differ(videos):
    dataset = train_videos(videos)
    assert not torch.equal(dataset[0, 4]["clips"], dataset[1, 4]["clips"])
    assert torch.equal(dataset[0, 4]["clips"], dataset[4]["clips"])
    other = train_videos(videos, seed=1)
    assert not torch.equal(dataset[0, 4]["clips"], other[0, 4]["clips"])
    orders = [
        torch.cat([b["index"] for b in batches(dataset, 0, 1, seed)]).tolist() for seed in (0, 1)
    ]
    assert orders[0] != orders[1]


def test_processes_share_an_epoch(videos):
    dataset = train_videos(videos)
    shares = []
    for rank in (0, 1):
        sampler = EpochSampler(dataset, num_replicas=2, rank=rank, seed=3)
        sampler.set_epoch(2)
        shares.append(list(sampler))
    assert {epoch for share in shares for epoch, _ in share} == {2}
    assert sorted(index for share in shares for _, index in share) == list(range(6))


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_training_video_is_replaced_and_named(tmp_path, videos, kind):
    folder = tmp_path / "bad"
    folder.mkdir()
    bad = VideoRecord(str(BAD_FILES[kind][0](folder)), 0, "bad")
    videos = VideoList([bad, *videos.records[1:]], videos.classes)
    sample = train_videos(videos)[0, 0]
    assert (sample["label"], sample["index"], sample["replaced"]) == (0, 0, 1)
    assert sample["clips"].any()
    ((name, reason),) = json.loads(sample["unreadable"])
    assert name == "bad"
    assert str(folder) in reason
    assert BAD_FILES[kind][1] in reason


def test_training_gives_up_clearly(videos):
    spoil(videos, 0, 2, 4)
    with pytest.raises(VideoError, match=r"2 replacements of the class 'even'.*no other video"):
        train_videos(videos)[0, 0]
    with pytest.raises(VideoError, match=r"1 replacements.*no more are allowed"):
        train_videos(videos, bad_videos=BadVideoSettings(max_replacements=1))[0, 0]


def test_error_of_a_worker_keeps_its_name(videos):
    spoil(videos, 0, 2, 4)
    loader = DataLoader(train_videos(videos), batch_size=2, num_workers=1, timeout=30)
    with pytest.raises(VideoError, match=r"\d\.mp4: no video stream"):
        list(loader)


@pytest.mark.parametrize(("num_clips", "num_crops"), [(1, 1), (1, 3), (4, 1), (4, 3)])
def test_views_are_clip_major_and_differ(videos, num_clips, num_crops):
    sample = eval_videos(videos, num_clips, num_crops)[5]
    views = sample["clips"]
    assert views.shape == (num_clips * num_crops, 3, 4, 32, 32)
    assert views.dtype == torch.uint8
    assert len(views.unique(dim=0)) == len(views)
    assert (sample["label"], sample["index"], sample["failed"], sample["reason"]) == (
        1,
        5,
        False,
        "",
    )
    if num_crops == 3:
        centre = eval_videos(videos, num_clips, 1)[5]["clips"]
        assert torch.equal(views[1::3], centre)


def test_each_frame_is_decoded_once(videos, monkeypatch):
    from snl_video.data.decoding import video

    asked = []
    get_frames = video.Video.get_frames
    monkeypatch.setattr(
        video.Video, "get_frames", lambda self, i: asked.append(list(i)) or get_frames(self, i)
    )
    eval_videos(videos, 10, 3)[0]
    assert len(asked) == 1
    assert len(set(map(int, asked[0]))) == len(asked[0])


def test_short_and_one_frame_videos(tmp_path):
    records = [VideoRecord(str(write_video(tmp_path / f"{n}.mp4", n)), 0, str(n)) for n in (1, 3)]
    videos = VideoList(records, ["a"])
    for short in ("repeat", "loop"):
        clip = ClipSettings(4, 2, short)
        assert eval_videos(videos, clip=clip)[0]["clips"].shape == (9, 3, 4, 32, 32)
        assert train_videos(videos, clip)[0, 1]["clips"].shape == (1, 3, 4, 32, 32)


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_evaluation_video_stops_or_counts_as_wrong(tmp_path, kind):
    write, word = BAD_FILES[kind]
    videos = VideoList([VideoRecord(str(write(tmp_path)), 0, "bad")], ["a"])
    with pytest.raises(VideoError, match=word):
        eval_videos(videos)[0]
    sample = eval_videos(videos, on_bad="wrong")[0]
    assert sample["failed"] is True
    assert word in sample["reason"]
    assert sample["clips"].shape == (9, 3, 4, 32, 32)
    assert not sample["clips"].any()


@pytest.mark.parametrize("on_bad", ["stop", "wrong"])
def test_a_listed_video_that_is_absent_counts_as_wrong(videos, on_bad):
    absent = VideoRecord("", 1, "odd/gone.mp4")
    videos = VideoList([*videos.records, absent], videos.classes)
    dataset = eval_videos(videos, on_bad=on_bad)
    sample = dataset[6]
    assert (sample["label"], sample["index"], sample["failed"]) == (1, 6, True)
    assert "odd/gone.mp4: is in the list and not on disk" in sample["reason"]
    assert not sample["clips"].any()
    assert not dataset[5]["failed"]


def test_every_replacement_is_another_video_of_the_class(videos):
    spoil(videos, 1)
    drawn = {train_videos(videos, seed=seed)[0, 1]["clips"].double().sum() for seed in range(9)}
    assert len(drawn) > 2
    spoil(videos, 3)
    for seed in range(9):
        sample = train_videos(videos, seed=seed)[0, 1]
        names = [name for name, _ in json.loads(sample["unreadable"])]
        assert names[0] == "1.mp4"
        assert set(names) <= {"1.mp4", "3.mp4"}
        assert (sample["label"], sample["replaced"]) == (1, len(names))


def test_evaluation_batches(videos):
    spoil(videos, 1)
    dataset = eval_videos(videos, 2, 1, on_bad="wrong")
    batch = next(iter(DataLoader(dataset, batch_size=3, num_workers=1, timeout=30)))
    assert batch["clips"].shape == (3, 2, 3, 4, 32, 32)
    assert batch["failed"].tolist() == [False, True, False]
    assert batch["index"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["num_clips", "val_num_clips"])
def test_no_clips_are_refused(name):
    with pytest.raises(ValueError, match=name):
        ViewSettings(**{name: 0})
