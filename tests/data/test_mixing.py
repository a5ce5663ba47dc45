"""Mixup and CutMix against torchvision's and against their definition in float64."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from snl_video.data import Augmentation, AugmentSpec
from snl_video.data.transforms.mixing import box_share, cutmix, mixup, random_box, soft_targets

LABEL = torch.tensor([2, 0, 4, 2])
CLASSES = 5
KEYS = [(1, index) for index in (9, 3, 8, 1)]


def random_clips(seed=0, size=(12, 16)):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (4, 1, 3, 2, *size), dtype=torch.uint8, generator=generator)


def torchvision_mix(kind, params, clips):
    """Their transform with given parameters; it refuses 5-D clips, so time joins the channels."""
    mixer = kind(num_classes=CLASSES)
    mixer.make_params = lambda _: params
    mixed, target = mixer(clips.flatten(1, 3), LABEL)
    return mixed.view(clips.shape), target


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.6180339, 1.0])
def test_mixup(weight):
    clips = random_clips()
    theirs, target = torchvision_mix(v2.MixUp, {"lam": weight}, clips.double())
    exact = clips.double() * weight + clips.double()[[3, 0, 1, 2]] * (1 - weight)
    torch.testing.assert_close(theirs, exact)
    ours = mixup(clips, weight)
    assert ours.dtype == torch.uint8
    assert (ours.double() - exact).abs().max() <= 0.5 + 1e-4
    torch.testing.assert_close(soft_targets(LABEL, CLASSES, weight), target)


@pytest.mark.parametrize("box", [(2, 3, 7, 16), (0, 0, 12, 16), (4, 4, 4, 9)])
def test_cutmix(box):
    clips = random_clips()
    top, left, bottom, right = box
    weight = 1 - box_share(box, 12, 16)
    params = {"box": (left, top, right, bottom), "lam_adjusted": weight}
    theirs, target = torchvision_mix(v2.CutMix, params, clips)
    assert torch.equal(cutmix(clips, box), theirs)
    torch.testing.assert_close(soft_targets(LABEL, CLASSES, weight), target)


def test_equal_labels_add_up():
    target = soft_targets(torch.tensor([1, 1]), 3, 0.3)
    assert target.tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("kind", ["mixup_alpha", "cutmix_alpha"])
def test_the_target_is_the_share_of_the_pixels(kind):
    """The first clip is black and the second white, so the pixels tell the share by themselves."""
    clips = torch.zeros(2, 1, 3, 2, 24, 32, dtype=torch.uint8)
    clips[1] = 255
    weights = []
    for index in range(60):
        augmentation = Augmentation(AugmentSpec(**{kind: 0.8}), seed=2)
        keys = [(0, index), (0, index + 1)]
        mixed, target = augmentation.mix(clips, torch.tensor([0, 1]), keys, 2)
        assert target.dtype == torch.float32
        torch.testing.assert_close(target.sum(1), torch.ones(2), rtol=0, atol=1e-6)
        white = mixed.double().mean((1, 2, 3, 4, 5)) / 255
        assert (white - target[:, 1].double()).abs().max() <= 0.5 / 255 + 1e-6
        assert (mixed == mixed[:, :, :, :1]).all()
        weights.append(float(target[0, 0]))
    assert min(weights) < 0.3
    assert max(weights) > 0.8
    assert len(set(weights)) > 40


def test_boxes_have_the_share_asked_for_unless_cut_off():
    rng = np.random.default_rng(0)
    for area in (0.0, 0.2, 0.7, 1.0):
        boxes = [random_box(100, 200, area, rng) for _ in range(300)]
        for top, left, bottom, right in boxes:
            assert 0 <= top <= bottom <= 100
            assert 0 <= left <= right <= 200
        shares = [box_share(box, 100, 200) for box in boxes]
        assert max(shares) <= area
        if area == 0.2:
            assert max(shares) > 0.18
            assert sum(share > 0.18 for share in shares) > 50


def test_both_kinds_and_no_mix_come_in_their_proportions():
    spec = AugmentSpec(mixup_alpha=1.0, cutmix_alpha=1.0, mix_probability=0.5)
    clips = torch.zeros(2, 1, 3, 1, 8, 8, dtype=torch.uint8)
    clips[1] = 255
    counts = {"none": 0, "mixup": 0, "cutmix": 0}
    for index in range(400):
        keys = [(0, index), (0, 1000 + index)]
        mixed, _ = Augmentation(spec).mix(clips, torch.tensor([0, 1]), keys, 2)
        grey = ((mixed != 0) & (mixed != 255)).any()
        kind = "mixup" if grey else "none" if torch.equal(mixed, clips) else "cutmix"
        counts[kind] += 1
    assert 160 <= counts["none"] <= 260  # small boxes leave eight by eight pixels as they were
    assert 70 <= counts["mixup"] <= 130
    assert 60 <= counts["cutmix"] <= 130


def test_an_unmixed_batch_has_plain_targets():
    clips = random_clips()
    augmentation = Augmentation(AugmentSpec(mixup_alpha=1.0, mix_probability=0.0))
    mixed, target = augmentation.mix(clips, LABEL, KEYS, CLASSES)
    assert torch.equal(mixed, clips)
    assert torch.equal(target, torch.eye(CLASSES)[LABEL])


def test_a_mix_depends_on_seed_epoch_and_the_batch_only():
    spec = AugmentSpec(mixup_alpha=1.0, cutmix_alpha=1.0)
    first = Augmentation(spec, seed=1).mix(random_clips(), LABEL, KEYS, CLASSES)[1]
    assert torch.equal(
        Augmentation(spec, seed=1).mix(random_clips(), LABEL, KEYS, CLASSES)[1], first
    )
    other_epoch = [(2, index) for _, index in KEYS]
    other_batch = KEYS[::-1]
    for seed, keys in ((2, KEYS), (1, other_epoch), (1, other_batch)):
        other = Augmentation(spec, seed=seed).mix(random_clips(), LABEL, keys, CLASSES)[1]
        assert not torch.equal(other, first)


def test_a_batch_of_one_is_left_as_it_is():
    clips = random_clips()[:1]
    spec = AugmentSpec(cutmix_alpha=1.0)
    mixed, target = Augmentation(spec).mix(clips, LABEL[:1], KEYS[:1], CLASSES)
    assert torch.equal(mixed, clips)
    assert target.tolist() == [[0, 0, 1, 0, 0]]
