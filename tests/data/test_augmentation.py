"""Augmentation of batches against torchvision, clip by clip, and its randomness."""

from dataclasses import replace

import pytest
import torch
from torchvision.transforms import v2

from snl_video.data import Augmentation, AugmentSpec
from snl_video.data.sampler import batch_generator, sample_generator
from snl_video.data.transforms.clip_operations import ERASED, jitter_colours
from snl_video.data.transforms.randaugment import OPERATIONS, rand_augment

KEYS = [(3, 11), (3, 4), (3, 7), (3, 0)]
EVERYTHING = AugmentSpec(
    flip=0.5,
    color_jitter=(0.4, 0.4, 0.4, 0.1),
    randaugment_ops=2,
    erase_probability=0.5,
    mixup_alpha=0.8,
    cutmix_alpha=1.0,
)
OF_WHOLE_CLIPS = ("Contrast", "AutoContrast", "Equalize")


def random_clips(batch=4, frames=3, size=(20, 28), seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, 1, 3, frames, *size)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)


def still(batch=4, frames=5):
    """Clips whose frames are all the same."""
    return random_clips(batch, 1).expand(-1, -1, -1, frames, -1, -1)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def with_global_seed(seed, transform, frames):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transform(frames)


@pytest.mark.parametrize("magnitude", [0, 9, 30])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_torchvisions(monkeypatch, name, magnitude):
    space = {name: v2.RandAugment._AUGMENTATION_SPACE[name]}
    monkeypatch.setattr(v2.RandAugment, "_AUGMENTATION_SPACE", space)
    monkeypatch.setattr(
        "snl_video.data.transforms.randaugment.OPERATIONS", {name: OPERATIONS[name]}
    )
    bilinear = v2.InterpolationMode.BILINEAR
    theirs = v2.RandAugment(1, magnitude, interpolation=bilinear)
    frames = random_clips(1)[0, 0].transpose(0, 1)
    for seed in range(4):
        ours = rand_augment(frames, (1, magnitude), seeded(seed))
        if name in OF_WHOLE_CLIPS:
            tall = frames.transpose(0, 1).reshape(3, -1, 28)
            expected = with_global_seed(seed, theirs, tall).view(3, 3, 20, 28).transpose(0, 1)
        else:
            expected = with_global_seed(seed, theirs, frames)
        assert torch.equal(ours, expected)
        assert ours.dtype == torch.uint8


def test_chains_of_operations_are_drawn_as_torchvisions():
    assert list(OPERATIONS) == list(v2.RandAugment._AUGMENTATION_SPACE)
    theirs = v2.RandAugment(3, 12, interpolation=v2.InterpolationMode.BILINEAR)
    frames = random_clips(1, frames=1)[0, 0].transpose(0, 1)
    for seed in range(40):
        expected = with_global_seed(seed, theirs, frames)
        assert torch.equal(rand_augment(frames, (3, 12), seeded(seed)), expected)


@pytest.mark.parametrize("strengths", [(0.4, 0.5, 0.6, 0.1), (0, 1.5, 0, 0), (0.3, 0, 0, 0.5)])
def test_colours_are_jittered_as_torchvision_jitters_one_picture(strengths):
    frames = random_clips(1)[0, 0].transpose(0, 1)
    tall = frames.transpose(0, 1).reshape(3, -1, 28)
    for seed in range(6):
        expected = with_global_seed(seed, v2.ColorJitter(*strengths), tall)
        ours = jitter_colours(frames, strengths, seeded(seed))
        assert torch.equal(ours.transpose(0, 1).reshape(3, -1, 28), expected)


def test_a_dark_frame_of_a_bright_clip_stays_dark():
    """torchvision would stretch each frame to the whole range."""
    frames = torch.full((2, 3, 8, 8), 200, dtype=torch.uint8)
    frames[1] = 50
    frames[1, :, 0, 0] = 60
    out = OPERATIONS["AutoContrast"].apply(frames, 0.0)
    assert out[0].min() >= 254
    assert out[1].max() == 255 * (60 - 50) // (200 - 50)


@pytest.mark.parametrize(
    "spec",
    [
        AugmentSpec(),
        AugmentSpec(color_jitter=(0.4, 0.4, 0.4, 0.1)),
        AugmentSpec(randaugment_ops=2, randaugment_magnitude=15),
        AugmentSpec(erase_probability=1.0),
    ],
)
def test_frames_of_a_clip_share_the_draw_and_clips_do_not(spec):
    clips = still(1).expand(12, -1, -1, -1, -1, -1)
    out = Augmentation(replace(spec, flip=0.5)).clips(clips, [(0, i) for i in range(12)])
    assert out.dtype == torch.uint8
    assert out.shape == clips.shape
    assert (out == out[:, :, :, :1]).all()
    distinct = len(out.flatten(1).unique(dim=0))
    assert distinct == 2 if spec == AugmentSpec() else distinct > 6


@pytest.mark.parametrize("flip", [0.0, 0.3, 1.0])
def test_flip_mirrors_the_width_with_its_probability(flip):
    clips = random_clips(1, 2, (4, 6)).expand(400, -1, -1, -1, -1, -1)
    out = Augmentation(AugmentSpec(flip=flip)).clips(clips, [(0, i) for i in range(400)])
    mirrored = (out == clips.flip(-1)).flatten(1).all(1)
    kept = (out == clips).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert abs(mirrored.double().mean() - flip) < 4 * (flip * (1 - flip) / 400) ** 0.5 + 1e-9


def test_erasing_takes_a_grey_box_out_of_every_frame():
    spec = AugmentSpec(erase_probability=0.5, erase_scale=(0.1, 0.3))
    clips = torch.zeros(200, 1, 3, 2, 40, 40, dtype=torch.uint8)
    out = Augmentation(spec).clips(clips, [(1, i) for i in range(200)])
    assert set(out.unique().tolist()) == {0, ERASED}
    erased = (out == ERASED).flatten(1, 3)
    assert (erased == erased[:, :1]).all()
    erased = erased[:, 0]
    rows, columns = erased.any(2).sum(1), erased.any(1).sum(1)
    assert (erased.sum((1, 2)) == rows * columns).all()
    share = erased.double().mean((1, 2))
    hit = share > 0
    assert 0.08 < share[hit].min() < 0.15
    assert 0.25 < share[hit].max() < 0.32
    assert 0.36 < hit.double().mean() < 0.64
    assert len(share.unique()) > 30


def test_a_draw_depends_on_seed_epoch_and_index_only():
    augmentation = Augmentation(EVERYTHING, seed=5)
    clips = random_clips(1).expand(4, -1, -1, -1, -1, -1)
    before = torch.random.get_rng_state()
    out = augmentation.clips(clips, KEYS)
    torch.manual_seed(1)
    backwards = augmentation.clips(clips, KEYS[::-1])
    torch.random.set_rng_state(before)
    assert torch.equal(out, backwards.flip(0))
    assert torch.equal(augmentation.clips(clips[:1], KEYS[2:3]), out[2:3])
    other_seed = Augmentation(EVERYTHING, seed=6).clips(clips, KEYS)
    other_epoch = augmentation.clips(clips, [(4, index) for _, index in KEYS])
    for other in (other_seed, other_epoch):
        assert not (out == other).flatten(1).all(1).any()


def test_streams_do_not_repeat_each_other():
    draws = [sample_generator(0, 1, 2, stream).initial_seed() for stream in (0, 1, 2)]
    draws.append(sample_generator(0, 2, 1).initial_seed())
    assert len(set(draws)) == 4
    mixes = [batch_generator(0, 1, indices).random() for indices in ([2], [2, 3], [3, 2])]
    assert len(set(mixes)) == 3


def test_the_global_state_and_the_input_are_left_alone():
    clips = random_clips()
    before, copy = torch.random.get_rng_state(), clips.clone()
    augmentation = Augmentation(EVERYTHING)
    out = augmentation.clips(clips, KEYS)
    augmentation.mix(out, torch.arange(4), KEYS, 4)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(clips, copy)


def test_nothing_asked_for_is_nothing_done():
    clips = random_clips()
    assert Augmentation(AugmentSpec()).clips(clips, KEYS) is clips


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"flip": 2}, r"augment\.flip is a probability, got 2"),
        ({"color_jitter": (0.1, 0.1, 0.1)}, r"hue \(0 to 0\.5\), got \(0\.1, 0\.1, 0\.1\)"),
        ({"color_jitter": (0, 0, 0, 0.6)}, r"got \(0, 0, 0, 0\.6\)"),
        ({"color_jitter": (-1, 0, 0, 0)}, "got"),
        ({"randaugment_ops": -1}, "randaugment_ops .* got -1"),
        ({"randaugment_magnitude": 31}, "0 to 30, got 31"),
        ({"erase_probability": 1.5}, "erase_probability .* got 1.5"),
        ({"mix_probability": -0.5}, "mix_probability .* got -0.5"),
        ({"erase_scale": (0.5, 0.2)}, "erase_scale"),
        ({"mixup_alpha": -1}, "mixup_alpha .* got -1"),
        ({"cutmix_alpha": -1}, "cutmix_alpha .* got -1"),
    ],
)
def test_bad_settings_are_named(options, match):
    with pytest.raises(ValueError, match=match):
        AugmentSpec(**options)
