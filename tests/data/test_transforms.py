import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as F

from snl_video.data.transforms.crops import (
    CropSettings,
    EvalTransform,
    TrainTransform,
    crop_offsets,
    random_area_box,
    random_short_side_box,
    scale_short_side,
)

sides = st.integers(1, 500)


def frames(t=3, h=48, w=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (t, 3, h, w), dtype=torch.uint8, generator=generator)


@given(h=sides, w=sides, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=100)
def test_boxes_lie_inside(h, w, seed):
    generator = torch.Generator().manual_seed(seed)
    for box in (
        random_area_box(h, w, (0.25, 1.0), (3 / 4, 4 / 3), generator),
        random_short_side_box(h, w, 224, (256, 320), generator),
    ):
        top, left, height, width = box
        assert 0 <= top <= top + height <= h
        assert 0 <= left <= left + width <= w
        assert min(height, width) >= 1


def test_area_and_aspect_are_in_range():
    generator = torch.Generator().manual_seed(0)
    boxes = [random_area_box(400, 400, (0.25, 0.5), (3 / 4, 4 / 3), generator) for _ in range(200)]
    areas = [h * w / 400**2 for _, _, h, w in boxes]
    assert min(areas) > 0.24
    assert max(areas) < 0.51
    assert all(0.74 < w / h < 1.35 for _, _, h, w in boxes)


def test_train_transform_crops_the_whole_clip_alike():
    clip = frames(1).expand(5, -1, -1, -1)
    out = TrainTransform(CropSettings(32))(clip, torch.Generator().manual_seed(3))
    assert out.shape == (3, 5, 32, 32)
    assert out.dtype == torch.uint8
    assert out.is_contiguous()
    assert (out == out[:, :1]).all()


def test_train_transform_is_a_function_of_the_generator():
    transform = TrainTransform(CropSettings(32))
    first, again, other = (
        transform(frames(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_short_side_jitter_equals_scale_then_crop():
    clip = frames(2, 60, 80)
    transform = TrainTransform(CropSettings(60, short_sides=(60, 60)))
    out = transform(clip, torch.Generator().manual_seed(0))
    windows = [clip[..., left : left + 60].transpose(0, 1) for left in range(21)]
    assert any(torch.equal(out, window) for window in windows)


@pytest.mark.parametrize(("size", "scaled"), [((48, 64), (24, 32)), ((64, 48), (32, 24))])
def test_scale_short_side(size, scaled):
    assert scale_short_side(frames(1, *size), 24).shape[-2:] == scaled


def test_crops_lie_along_the_long_side():
    assert crop_offsets(40, 100, 40, 3) == [(0, 0), (0, 30), (0, 60)]
    assert crop_offsets(100, 40, 30, 3) == [(0, 5), (35, 5), (70, 5)]
    assert crop_offsets(40, 100, 30, 1) == [(5, 35)]


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (47, 63), (3, 5)])
@pytest.mark.parametrize("num_crops", [1, 3])
def test_eval_transform(size, num_crops):
    clip = frames(2, *size)
    out = EvalTransform(36, 32, num_crops)(clip)
    assert out.shape == (num_crops, 3, 2, 32, 32)
    assert out.dtype == torch.uint8
    if num_crops == 3:
        assert len(out.unique(dim=0)) == 3
        centre = EvalTransform(36, 32, 1)(clip)[0]
        assert torch.equal(out[1], centre)


def test_eval_transform_centre_is_torchvision_centre():
    clip = F.resize(frames(2, 48, 64), [36], antialias=True)
    assert torch.equal(
        EvalTransform(36, 32)(frames(2, 48, 64))[0], F.center_crop(clip, [32]).transpose(0, 1)
    )


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: CropSettings(32, scale=(0.5, 1.5)), r"crop\.scale .* got \(0\.5, 1\.5\)"),
        (lambda: CropSettings(32, ratio=(2, 1)), r"crop\.ratio .* got \(2, 1\)"),
        (
            lambda: CropSettings(32, short_sides=(16, 64)),
            r"short_sides must .* got \(16, 64\)",
        ),
        (lambda: EvalTransform(32, 48), "at most 32x32 pixels, got .* size 48"),
        (lambda: EvalTransform(32, 32, 2), "1 or 3 .* got num_crops 2"),
    ],
)
def test_bad_settings_are_named(make, match):
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("num_crops", [1, 3])
def test_clips_are_cut_as_by_hand(num_crops):
    """From frames as decoders give them, with the colours innermost; some in several clips."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (9, 30, 44, 3), dtype=torch.uint8, generator=generator)
    frames = pixels.permute(0, 3, 1, 2)
    transform = EvalTransform(24, 20, num_crops)
    places = torch.tensor([[0, 2, 4], [4, 5, 8], [8, 8, 8]])
    views = transform.cut(transform.scale(frames), places)
    scaled = F.resize(frames, [24, 35], antialias=True)
    for clip, row in enumerate(places.tolist()):
        for crop, left in enumerate([7] if num_crops == 1 else [0, 7, 15]):
            for time, number in enumerate(row):
                expected = scaled[number, :, 2:22, left : left + 20]
                assert torch.equal(views[clip, crop, :, time], expected)
    assert views.is_contiguous()
    assert torch.equal(transform(frames[:3]), transform.cut(scaled, torch.tensor([[0, 1, 2]]))[0])
