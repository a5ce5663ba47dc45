"""Video-level scores, keyed by video, and the report made of them."""

from snl_video.evaluation.metrics import METRICS, Metric
from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.results import Evaluation, MissingVideosError, VideoResults
from snl_video.evaluation.scores import VideoScores
from snl_video.evaluation.views import ViewSetting

__all__ = [
    "METRICS",
    "Evaluation",
    "Metric",
    "MissingVideosError",
    "MultiLabelResults",
    "VideoResults",
    "VideoScores",
    "ViewSetting",
]
