"""Jester, Something-Something V2, Diving48, Kinetics-600 and 700 by their official lists."""

import json
import random

import pytest

from snl_video.data import VideoDataModule
from snl_video.data.formats import FORMATS, Diving48, Jester, Kinetics, ListSettings
from snl_video.data.formats import SomethingSomething as Ssv2
from snl_video.errors import AnnotationError
from tests.data.files import touch, write
from tests.data.frame_folders import write_frames

JESTER = {
    "labels": "Swiping Left\nSwiping Right\nNo gesture\n",
    "train": "34870;Swiping Right\n56557;No gesture\n129112;Swiping Left\n",
    "validation": "9223;No gesture\n107090;Swiping Left\n",
}
SSV2_LABELS = {"Holding something next to something": "0", "Moving something up": "1"}
SSV2 = {
    "train": [
        {
            "id": "78687",
            "label": "holding potato next to vicks vaporub bottle",
            "template": "Holding [something] next to [something]",
            "placeholders": ["potato", "vicks vaporub bottle"],
        },
        {
            "id": "42326",
            "label": "moving a cup up",
            "template": "Moving [something] up",
            "placeholders": ["a cup"],
        },
    ],
    "validation": [
        {
            "id": "74225",
            "label": "moving a pen up",
            "template": "Moving [something] up",
            "placeholders": ["a pen"],
        }
    ],
}
DIVING_VOCABULARY = [["Back", "15som", "05Twis", "FREE"], ["Inward", "35som", "NoTwis", "TUCK"]]
DIVING = {
    "train": [
        {"vid_name": "-mmq0PT-u8k_00155", "label": 0, "start_frame": 0, "end_frame": 48},
        {"vid_name": "2x00lRzlTVQ_00000", "label": 1, "start_frame": 0, "end_frame": 71},
    ],
    "test": [{"vid_name": "fuPAwIUEGAY_00000", "label": 1, "start_frame": 0, "end_frame": 143}],
}
KINETICS_HEADER = "label,youtube_id,time_start,time_end,split\n"


def jester(root, folder="annotations"):
    for name, text in JESTER.items():
        write(root / folder / f"jester-v1-{name}.csv", text)
    return root


def ssv2(root, prefix="something-something-v2-", folder="."):
    write(root / folder / f"{prefix}labels.json", json.dumps(SSV2_LABELS))
    for name, rows in SSV2.items():
        write(root / folder / f"{prefix}{name}.json", json.dumps(rows))
    return root


def diving48(root, version="_V2"):
    write(root / "Diving48_vocab.json", json.dumps(DIVING_VOCABULARY))
    for name, rows in DIVING.items():
        write(root / f"Diving48{version}_{name}.json", json.dumps(rows))
    return root


def read(videos):
    return [(r.id, videos.classes[r.label], r.path) for r in videos.records]


@pytest.mark.parametrize("lists", ["annotations", "labels", "."])
@pytest.mark.parametrize("place", ["20bn-jester-v1", "frames", "."])
def test_jester(tmp_path, lists, place):
    root = jester(tmp_path, lists)
    names = [f"{place}/{video}" for video in ("34870", "56557", "129112", "9223", "107090")]
    touch(root, *(f"{name}/00001.jpg" for name in names[:3]), f"{names[3]}.zip", f"{names[4]}.tar")
    data = Jester(root)
    assert data.classes == ["Swiping Left", "Swiping Right", "No gesture"]
    assert data.flip == 0
    folder = root / place
    assert read(data.read("train")) == [
        ("34870", "Swiping Right", str(folder / "34870")),
        ("56557", "No gesture", str(folder / "56557")),
        ("129112", "Swiping Left", str(folder / "129112")),
    ]
    assert read(data.read("test")) == [
        ("9223", "No gesture", str(folder / "9223.zip")),
        ("107090", "Swiping Left", str(folder / "107090.tar")),
    ]
    assert data.read("val").records == data.read("test").records


@pytest.mark.parametrize("prefix", ["something-something-v2-", ""])
@pytest.mark.parametrize("name", ["78687.webm", "78687.mp4", "78687/000001.jpg", "78687.zip"])
def test_something_something(tmp_path, prefix, name):
    root = ssv2(tmp_path, prefix)
    touch(root, *(f"20bn-something-something-v2/{n}" for n in (name, "42326.webm", "74225.webm")))
    data = Ssv2(root)
    assert data.classes == ["Holding something next to something", "Moving something up"]
    found = data.read("train").records
    assert [(r.id, r.label) for r in found] == [("78687", 0), ("42326", 1)]
    assert found[0].path.endswith(f"20bn-something-something-v2/{name.partition('/')[0]}")
    assert [(r.id, r.label) for r in data.read("test").records] == [("74225", 1)]


@pytest.mark.parametrize("version", ["_V2", ""])
def test_diving48(tmp_path, version):
    root = diving48(tmp_path, version)
    touch(root, *(f"rgb/{row['vid_name']}.mp4" for rows in DIVING.values() for row in rows))
    data = Diving48(root)
    assert data.classes == ["Back, 15som, 05Twis, FREE", "Inward, 35som, NoTwis, TUCK"]
    train, test = data.read("train"), data.read("test")
    assert [(r.id, r.label) for r in train.records] == [
        ("-mmq0PT-u8k_00155", 0),
        ("2x00lRzlTVQ_00000", 1),
    ]
    assert [(r.id, r.label) for r in test.records] == [("fuPAwIUEGAY_00000", 1)]


def test_the_second_lists_of_diving48_win(tmp_path):
    root = diving48(diving48(tmp_path), "")
    write(root / "Diving48_test.json", "[]")
    touch(root, "rgb/fuPAwIUEGAY_00000.mp4")
    assert len(Diving48(root).read("test")) == 1


@pytest.mark.parametrize(
    ("format", "file", "text", "match"),
    [
        ("jester", "jester-v1-train.csv", "34870,Swiping Left\n", "'34870,Swiping Left' is not an"),
        ("jester", "jester-v1-train.csv", "34870;Swipe\n", "unknown class 'Swipe'; the 3 known"),
        ("jester", "jester-v1-labels.csv", "", "names no class"),
        ("jester", "jester-v1-train.csv", "1;No gesture\n", r"1 of 1 .*absent \(1\); unpack them"),
        ("ssv2", "labels.json", '{"a": "1"}', 'must number all names from "0" on'),
        ("ssv2", "labels.json", "[1]", "must number all names"),
        ("ssv2", "labels.json", "{", r"labels\.json is not a JSON file .*; fetch it again"),
        ("ssv2", "train.json", '[{"id": "1"}]', "entry 1 has no template"),
        ("ssv2", "train.json", "{}", "not a JSON list of objects"),
        ("ssv2", "train.json", '[{"id": "1", "template": "Up"}]', "unknown class 'Up'"),
        ("diving48", "Diving48_vocab.json", "{}", "not a JSON list of lists"),
        (
            *("diving48", "Diving48_V2_train.json", '[{"vid_name": "a", "label": 2}]'),
            r"label 2 of a, but the vocabulary has 2 classes \(0 to 1\)",
        ),
    ],
)
def test_what_is_wrong_with_a_list_is_named(tmp_path, format, file, text, match):
    jester(tmp_path, "."), ssv2(tmp_path, ""), diving48(tmp_path)
    write(tmp_path / file, text)
    with pytest.raises(AnnotationError, match=match):
        FORMATS[format](tmp_path).read("train")


@pytest.mark.parametrize("classes", [600, 700])
@pytest.mark.parametrize("train", ["train.csv", "kinetics_700_train.csv"])
def test_the_lists_of_kinetics_600_and_700(tmp_path, classes, train):
    """Rows as the official archives have them: quotes and brackets, ids that begin with a dash."""
    draw = random.Random(classes)
    labels = [f"class {i}" for i in range(classes - 3)]
    labels += ["massaging person's head", "passing American football (not in game)", "tai chi"]
    videos = [(name, f"-{i:04d}_a{'-' * (i % 3)}".ljust(11, "x")) for i, name in enumerate(labels)]
    rows = [
        f"{name},{video},{draw.randrange(400)},{400 + i},train"
        for i, (name, video) in enumerate(videos)
    ]
    draw.shuffle(rows)
    write(tmp_path / "annotations" / train, KINETICS_HEADER + "\n".join(rows) + "\n")
    validate = ['"tai chi",---QUuC4vJs,84,94,validate', "class 5,---v8pgm1eQ,180,190,validate"]
    write(tmp_path / "annotations" / "validate.csv", KINETICS_HEADER + "\n".join(validate) + "\n")
    by_video = {row.split(",")[1]: row.split(",") for row in rows}
    for name, video in videos:
        start, end = (int(cell) for cell in by_video[video][2:4])
        touch(tmp_path, f"train/{name}/{video}_{start:06d}_{end:06d}.mp4")
    touch(tmp_path, "val/tai chi/---QUuC4vJs_000084_000094.mp4")
    data = Kinetics(tmp_path, lists=ListSettings(missing="skip"))
    train_list = data.read("train")
    assert len(train_list) == len(train_list.classes) == classes
    assert train_list.classes == sorted(labels)
    for record in train_list.records:
        name, video = train_list.classes[record.label], record.id.split("/")[-1][:11]
        assert (name, video) in videos
    with pytest.warns(UserWarning, match="1 of 2 listed videos are absent"):
        found = data.read("test")
    assert [(r.id, found.classes[r.label]) for r in found.records] == [
        ("tai chi/---QUuC4vJs_000084_000094", "tai chi")
    ]


def test_jester_trains_from_frames(tmp_path):
    """The whole way: an official list, folders of frames, batches."""
    root = jester(tmp_path)
    for number, video in enumerate(["34870", "56557", "129112", "9223", "107090"]):
        write_frames(root / "20bn-jester-v1" / video, 5 + number, size=(32, 40))
    data = VideoDataModule(
        "jester",
        str(root),
        clip={"num_frames": 4, "interval": 1},
        crop={"size": 32, "short_side": 32},
        loader={"batch_size": 3, "num_workers": 0},
        views={"num_clips": 2, "num_crops": 3},
    )
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch["clips"].shape == (3, 1, 3, 4, 32, 32)
    assert sorted(batch["label"].tolist()) == [0, 1, 2]
    assert data.augmentation.spec.flip == 0
    views = next(iter(data.test_dataloader()))
    assert views["clips"].shape == (1, 6, 3, 4, 32, 32)
