import pytest

from snl_video.evaluation.views import ViewSetting, settings_of, whole_setting


def pairs(setting, whole):
    crops = ViewSetting.parse(whole).num_crops
    views = ViewSetting.parse(setting).select(ViewSetting.parse(whole))
    return [divmod(view, crops) for view in views]


def test_the_drawing():
    assert pairs("1x1", "10x3") == [(4, 1)]
    assert pairs("1x3", "10x3") == [(4, 0), (4, 1), (4, 2)]
    assert pairs("10x3", "10x3") == [(clip, crop) for clip in range(10) for crop in range(3)]
    assert pairs("10x1", "10x3") == [(clip, 1) for clip in range(10)]


def test_few_clips_are_spread_from_the_first_to_the_last():
    assert pairs("2x1", "10x1") == [(0, 0), (9, 0)]
    assert pairs("4x1", "10x1") == [(0, 0), (3, 0), (6, 0), (9, 0)]
    assert pairs("3x1", "5x1") == [(0, 0), (2, 0), (4, 0)]
    assert pairs("1x1", "5x1") == [(2, 0)]


@pytest.mark.parametrize("available", range(1, 13))
def test_clips_are_distinct_ascending_and_symmetric_enough(available):
    for count in range(1, available + 1):
        views = ViewSetting(count, 1).select(ViewSetting(available, 1))
        assert len(views) == count
        assert views == sorted(set(views))
        assert views[0] >= 0
        assert views[-1] < available
        if count > 1:
            assert (views[0], views[-1]) == (0, available - 1)


def test_default_settings_are_cheapest_first_and_never_twice():
    assert [str(s) for s in settings_of(ViewSetting(10, 3))] == ["1x1", "1x3", "10x3"]
    assert [str(s) for s in settings_of(ViewSetting(10, 1))] == ["1x1", "10x1"]
    assert [str(s) for s in settings_of(ViewSetting(1, 1))] == ["1x1"]
    assert [str(s) for s in settings_of(ViewSetting(10, 3), ["5x1"])] == ["5x1", "10x3"]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"5x1 is no part of the 2x3 views .*: at most 2 clips"):
        settings_of(ViewSetting(2, 3), ["5x1"])
    with pytest.raises(ValueError, match=r"2x2 is no part .* 1 crop or all 3"):
        settings_of(ViewSetting(2, 3), ["2x2"])
    for text in ("10", "10x", "ax3", "10x3x2", "-1x3", "0x3", "1x0"):
        with pytest.raises(ValueError, match="clips x crops"):
            ViewSetting.parse(text)
    with pytest.raises(ValueError, match="30 views are not 7 clips"):
        whole_setting(30, 7)
