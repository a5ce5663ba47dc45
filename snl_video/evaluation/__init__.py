"""Video-level scores, keyed by video, and the report made of them."""

from snl_video.evaluation.video_scores import VideoResults, VideoScores

__all__ = ["VideoResults", "VideoScores"]
