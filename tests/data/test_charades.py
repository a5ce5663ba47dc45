"""Charades and lists with several labels a video: records, samples, mixing."""

import pytest
import torch

from snl_video.data import VideoDataModule, VideoList, VideoRecord
from snl_video.data.formats import Charades
from snl_video.data.formats.csv_list import read_csv
from snl_video.data.transforms.mixing import soft_targets
from snl_video.errors import AnnotationError, VideoError
from tests.data.files import touch, write
from tests.videos import write_video

HEADER = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n"
ROWS = {
    "train": (
        '46GP8,HR43,Kitchen,6,7,Yes,"A person cooks, and eats.",food;stove,A person.,'
        "c001 11.90 21.20;c002 0.00 12.60;c001 1.00 2.00,30.50\n"
        "YSKX3,XXN9,Office,7,6,No,A person.,,A person sits.,,29.00\n"
    ),
    "test": "N11GT,0KZ7,Stairs,6,7,Yes,Running.,,Running up.,c000 0.00 19.40,18.42\n",
}
CLASSES = "c000 Holding some clothes\nc001 Putting clothes somewhere\nc002 Cooking\n"


def charades(root, suffix=".mp4", folder="Charades_v1_480"):
    write(root / "Charades_v1_classes.txt", CLASSES)
    for name, rows in ROWS.items():
        write(root / f"Charades_v1_{name}.csv", HEADER + rows)
    touch(root, *(f"{folder}/{video}{suffix}" for video in ("46GP8", "YSKX3", "N11GT")))
    return root


@pytest.mark.parametrize(
    ("suffix", "folder"),
    [(".mp4", "Charades_v1_480"), ("/46GP8-000001.jpg", "Charades_v1_rgb"), (".avi", ".")],
)
def test_the_official_lists(tmp_path, suffix, folder):
    data = Charades(charades(tmp_path, suffix, folder))
    assert data.classes == ["Holding some clothes", "Putting clothes somewhere", "Cooking"]
    train, test = data.read("train"), data.read("test")
    assert [(r.id, r.label, r.labels) for r in train.records] == [
        ("46GP8", -1, (1, 2)),
        ("YSKX3", -1, ()),
    ]
    assert [(r.id, r.labels) for r in test.records] == [("N11GT", (0,))]
    assert train.several_labels
    assert train.class_counts() == {
        "Holding some clothes": 0,
        "Putting clothes somewhere": 1,
        "Cooking": 1,
    }


@pytest.mark.parametrize(
    ("file", "text", "match"),
    [
        ("Charades_v1_classes.txt", "c000 a\nc002 b\n", "expected c001 in line 'c002 b'"),
        ("Charades_v1_train.csv", "id,length\n1,2\n", "no column actions; its first line"),
        ("Charades_v1_train.csv", "id,actions\n46GP8,c009 0 1\n", "unknown class 'c009'; the 3"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, file, text, match):
    write(charades(tmp_path) / file, text)
    with pytest.raises(AnnotationError, match=match):
        Charades(tmp_path).read("train")


def test_a_list_of_labels(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    text = "path,labels\na.mp4,run;jump\nb.mp4,\nc.mp4,jump\n"
    videos = read_csv(write(tmp_path / "list.csv", text), tmp_path)
    assert videos.classes == ["jump", "run"]
    assert [r.labels for r in videos.records] == [(0, 1), (), (0,)]
    numbers = "path,labels,start_frame,end_frame\na.mp4,3;0,5,9\n"
    videos = read_csv(write(tmp_path / "list.csv", numbers), tmp_path)
    assert videos.classes == ["0", "1", "2", "3"]
    assert videos.records[0].labels == (0, 3)
    assert str(videos.records[0].segment) == "5-9"
    with pytest.raises(AnnotationError, match="unknown class 'swim'"):
        read_csv(write(tmp_path / "l.csv", "path,labels\na.mp4,swim\n"), tmp_path, ["run"])


def test_samples_have_a_target(tmp_path):
    for name in "abcd":
        write_video(tmp_path / f"{name}.mp4", 8)
    list_ = write(tmp_path / "l.csv", "path,labels\na.mp4,0;2\nb.mp4,\nc.mp4,1\nd.mp4,0;1;2\n")
    data = VideoDataModule(
        "csv",
        str(tmp_path),
        lists={"train": str(list_), "val": str(list_)},
        clip={"num_frames": 2, "interval": 1},
        crop={"size": 32, "short_side": 32},
        loader={"batch_size": 4, "num_workers": 0},
        augment={"mixup_alpha": 1.0},
    )
    expected = torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
    batch = next(iter(data.val_dataloader()))
    assert torch.equal(batch["target"], expected)
    assert batch["label"].tolist() == [-1] * 4
    train = next(iter(data.train_dataloader()))
    assert torch.equal(train["target"], expected[train["index"]])
    keys = [(0, i) for i in train["index"].tolist()]
    mixed = data.augmentation.batch(dict(train), keys, 3)
    weight = float(mixed["target"][train["index"].tolist().index(2), 1])
    target = expected[train["index"]]
    blends = [w * target + (1 - w) * target.roll(1, 0) for w in (weight, 1 - weight)]
    assert any(torch.allclose(mixed["target"], blend) for blend in blends) or weight == 1
    assert data.describe()["subsets"]["train"]["classes"] == 3


def test_mixed_targets_of_several_labels():
    target = torch.tensor([[1.0, 1, 0], [0, 1, 0]])
    expected = [[0.7, 1.0, 0], [0.3, 1.0, 0]]
    torch.testing.assert_close(soft_targets(target, 3, 0.7), torch.tensor(expected))


def test_a_bad_video_is_replaced_by_any_other(tmp_path):
    from snl_video.data.clips import ClipSettings
    from snl_video.data.datasets import TrainVideos
    from snl_video.data.transforms.crops import CropSettings, TrainTransform

    good = write_video(tmp_path / "good.mp4", 8)
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    records = [
        VideoRecord(str(tmp_path / "bad.mp4"), -1, "bad", (0,)),
        VideoRecord(str(good), -1, "good", (1,)),
    ]
    transform = TrainTransform(CropSettings(32))
    sample = TrainVideos(VideoList(records, ["a", "b"]), ClipSettings(2, 1), transform)[0]
    assert sample["replaced"] == 1
    assert sample["target"].tolist() == [0, 1]
    alone = TrainVideos(VideoList(records[:1], ["a", "b"]), ClipSettings(2, 1), transform)
    with pytest.raises(VideoError, match="0 replacements of the class any"):
        alone[0]
