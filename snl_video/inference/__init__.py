"""From a trained network and a video to what can be looked at."""
