import copy

import pytest

from snl_video.renamed import (
    RENAMED,
    migrate_checkpoint,
    migrate_settings,
    new_name,
    old_names,
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data.num_frames", "data.clip.num_frames"),
        ("data.test_crop_size", "data.crop.test_size"),
        ("model.pretrained", "pretrained"),
        ("model.pretrained.source", "pretrained.source"),
        ("model.unfreeze.5", "freeze.unfreeze.5"),
        ("data.clip.num_frames", None),
        ("data.augment.mixup_alpha", None),
        ("model.num_frames", None),
        ("freeze.until", None),
        ("data", None),
    ],
)
def test_what_a_setting_is_called_now(old, new):
    assert new_name(old) == new


def test_no_new_name_is_an_old_one():
    assert len(set(RENAMED.values())) == len(RENAMED)
    assert not {new_name(new) for new in RENAMED.values()} - {None}


OLD = {
    "model": {
        "backbone": "slowfast_r50",
        "width": 8,
        "label_smoothing": 0.1,
        "pretrained": {"source": "a.pth"},
        "freeze_until": "res3",
        "freeze_norm": True,
        "unfreeze": {2: None},
    },
    "data": {"root": "videos", "index": None, "flip": 0.25, "augment": {"mixup_alpha": 0.5}},
    "run_dir": "runs/a",
}
NEW = {
    "model": {"backbone": "slowfast_r50_8x8", "width": 8, "loss": {"label_smoothing": 0.1}},
    "pretrained": {"source": "a.pth"},
    "freeze": {"until": "res3", "norm": True, "unfreeze": {2: None}},
    "data": {
        "root": "videos",
        "decoding": {"index": None},
        "augment": {"mixup_alpha": 0.5, "flip": 0.25},
    },
    "run_dir": "runs/a",
}


def test_settings_move_to_their_new_places():
    before = copy.deepcopy(OLD)
    assert migrate_settings(OLD) == NEW
    assert before == OLD
    assert migrate_settings(NEW) == NEW
    assert old_names(NEW) == []
    assert len(old_names(OLD)) == 7


def test_a_checkpoint_keeps_what_callbacks_tell_beside_the_settings_of_its_model():
    weights: dict[str, object] = {}
    old = {"hyper_parameters": OLD["model"] | {"pretrained": "a.pth"}, "state_dict": weights}
    model = dict(NEW["model"])
    new = {"hyper_parameters": model, "pretrained": {"source": "a.pth"}, "freeze": NEW["freeze"]}
    assert migrate_checkpoint(old) == {**new, "state_dict": weights}
    assert migrate_checkpoint(new) == new
