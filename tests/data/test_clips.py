import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.data.clips import ClipSettings
from snl_video.errors import InputError

counts = st.integers(1, 12)


@given(video=st.integers(1, 400), frames=counts, interval=counts, clips=counts)
@settings(deadline=None, max_examples=200)
def test_uniform_clips(video, frames, interval, clips):
    clip = ClipSettings(frames, interval)
    indices, span = clip.uniform(video, clips), clip.span
    assert indices.shape == (clips, frames)
    assert indices.dtype == torch.int64
    assert 0 <= indices.min() <= indices.max() < video
    if video >= span:
        assert (indices.diff(dim=1) == interval).all()
        if clips > 1:
            assert indices[0, 0] == 0
            assert indices[-1, -1] == video - 1
    if video >= span + clips - 1:
        assert len(indices.unique(dim=0)) == clips


@given(
    video=st.integers(1, 400),
    frames=counts,
    interval=counts,
    short=st.sampled_from(["repeat", "loop"]),
)
@settings(deadline=None, max_examples=100)
def test_random_clip(video, frames, interval, short):
    clip = ClipSettings(frames, interval, short)
    indices = clip.random(video, torch.Generator().manual_seed(0))
    assert indices.shape == (frames,)
    assert 0 <= indices.min() <= indices.max() < video
    if video >= clip.span:
        assert (indices.diff() == interval).all()
    else:
        assert indices[0] == 0


def test_one_clip_is_the_centre():
    assert ClipSettings(4, 10).uniform(100, 1).tolist() == [[34, 44, 54, 64]]


def test_random_clip_reaches_both_ends():
    generator = torch.Generator().manual_seed(0)
    starts = {int(ClipSettings(4, 5).random(20, generator)[0]) for _ in range(200)}
    assert starts == set(range(5))


def test_short_videos():
    assert ClipSettings(4, 2).uniform(5, 2).tolist() == [[0, 2, 4, 4]] * 2
    assert ClipSettings(4, 2, "loop").uniform(5, 2).tolist() == [[0, 2, 4, 1]] * 2


@pytest.mark.parametrize(
    ("arguments", "match"), [((0, 1), "got 0 and 1"), ((1, 0), "got 1 and 0"), ((-4, 8), "got -4")]
)
def test_bad_numbers_are_named(arguments, match):
    with pytest.raises(InputError, match=match):
        ClipSettings(*arguments)
