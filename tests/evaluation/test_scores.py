import pytest
import torch

from snl_video.evaluation.scores import MissingVideosError, VideoScores


def feed(scores, index, label, probabilities, clip_correct=None, failed=None):
    index = torch.tensor(index)
    probabilities = torch.tensor(probabilities)
    if clip_correct is None:
        clip_correct = (probabilities.argmax(1) == torch.tensor(label)).float()
    else:
        clip_correct = torch.tensor(clip_correct)
    failed = None if failed is None else torch.tensor(failed)
    scores.update(index, torch.tensor(label), probabilities, clip_correct, failed)
    return scores


THREE = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7]]


def test_numbers_by_hand():
    results = feed(VideoScores(), [2, 0, 1], [2, 0, 1], [THREE[2], THREE[0], THREE[1]]).results(3)
    assert results.index.tolist() == [0, 1, 2]
    assert results.accuracy(1) == pytest.approx(2 / 3)
    assert results.accuracy(2) == 1
    assert results.accuracy(5) == 1
    assert results.complete
    expected = -(torch.tensor([0.7, 0.4, 0.7]).double().log()).mean().item()
    assert results.negative_log_likelihood() == pytest.approx(expected, rel=1e-6)
    assert results.confusion().tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_mean_class_weighs_classes_not_videos_and_skips_absent_ones():
    scores = feed(VideoScores(), range(4), [0, 0, 0, 1], [[0.9, 0.1, 0.0]] * 3 + [[0.9, 0.1, 0.0]])
    results = scores.results(4)
    assert results.accuracy(1) == 0.75
    assert results.mean_class_accuracy() == 0.5
    accuracy, counts = results.per_class()
    assert counts.tolist() == [3, 1, 0]
    assert torch.isnan(accuracy[2])


def test_clip_accuracy_is_the_mean_over_views():
    scores = feed(VideoScores(), [0, 1], [0, 1], [[0.6, 0.4], [0.6, 0.4]], [1.0, 0.25])
    assert scores.results(2).clip_accuracy() == pytest.approx(0.625)


def test_padding_of_a_distributed_sampler_counts_once():
    scores = feed(VideoScores(), range(9), [0] * 9, [[0.9, 0.1]] * 8 + [[0.1, 0.9]])
    feed(scores, [0, 8], [0, 0], [[0.9, 0.1], [0.1, 0.9]])
    results = scores.results(9)
    assert len(results.index) == 9
    assert results.accuracy(1) == pytest.approx(8 / 9)


def test_a_missing_video_is_an_error_that_names_it():
    scores = feed(VideoScores(), [0, 2], [0, 0], [[1.0, 0.0]] * 2)
    with pytest.raises(MissingVideosError, match=r"1 of 3 videos have no score, first: b\.mp4"):
        scores.results(3, ids=["a.mp4", "b.mp4", "c.mp4"])
    assert not scores.results(3, partial=True).complete


def test_no_video_at_all_is_an_error_even_in_a_partial_run():
    with pytest.raises(MissingVideosError, match="2 of 2"):
        VideoScores().results(2, partial=True)


def test_a_failed_video_is_listed_and_wrong_whatever_the_network_says():
    scores = feed(VideoScores(), [0, 1], [0, 0], [[0.9, 0.1]] * 2, failed=[False, True])
    results = scores.results(2)
    assert results.failed.tolist() == [False, True]
    assert results.accuracy(1) == 0.5
    assert results.accuracy(2) == 0.5
    assert results.clip_accuracy() == 0.5
    assert results.confidence().tolist() == [pytest.approx(0.9), 0]
    assert results.confusion().sum() == 1


def test_scores_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match="video #4 got scores that are not finite"):
        feed(VideoScores(), [4], [0], [[float("nan"), 1.0]])


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"scores must be \(1, num_classes\), got \(1, 2, 2\)"):
        feed(VideoScores(), [0], [0], [[[1.0, 0.0], [1.0, 0.0]]], clip_correct=[1.0])


def test_equal_scores_go_to_the_first_class_everywhere():
    results = feed(VideoScores(), [0, 1], [0, 2], [[0.25] * 4] * 2).results(2)
    assert results.predicted().tolist() == [0, 0]
    assert results.rank().tolist() == [0, 2]
    assert results.correct(1).tolist() == [True, False]
    assert results.correct(2).tolist() == [True, False]
    assert results.correct(3).tolist() == [True, True]
    assert results.confusion().diagonal().sum() == results.correct().sum()


def test_top_k_equals_sorting_by_hand():
    scores = torch.rand(50, 7, generator=torch.Generator().manual_seed(0))
    label = torch.arange(50) % 7
    results = feed(VideoScores(), range(50), label.tolist(), scores.tolist()).results(50)
    for top in (1, 3, 5, 7):
        by_hand = [
            label[i].item() in sorted(range(7), key=lambda c, i=i: -scores[i, c])[:top]
            for i in range(50)
        ]
        assert results.correct(top).tolist() == by_hand


def test_a_failed_video_has_no_part_in_calibration():
    scores = feed(VideoScores(), [0, 1], [0, 0], [[0.9, 0.1]] * 2, failed=[False, True])
    results = scores.results(2)
    assert results.calibration_error() == pytest.approx(0.1)
    assert results.predicted().tolist() == [0, -1]


def test_a_score_of_a_video_that_is_not_listed_is_an_error():
    with pytest.raises(ValueError, match="1 scores belong to no video of the list of 2, first: #7"):
        feed(VideoScores(), [0, 1, 7], [0] * 3, [[1.0, 0.0]] * 3).results(2)


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_that_is_no_class_is_an_error(label):
    with pytest.raises(ValueError, match=r"labels must be 0\.\.1 for 2 classes"):
        feed(VideoScores(), [0], [label], [[0.5, 0.5]], clip_correct=[0.0])
