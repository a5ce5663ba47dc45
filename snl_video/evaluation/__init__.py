"""Video-level scores, keyed by video, and the report made of them."""

from snl_video.evaluation.metrics import Evaluation
from snl_video.evaluation.results import VideoResults
from snl_video.evaluation.scores import MissingVideosError, VideoScores
from snl_video.evaluation.views import ViewSetting

__all__ = ["Evaluation", "MissingVideosError", "VideoResults", "VideoScores", "ViewSetting"]
