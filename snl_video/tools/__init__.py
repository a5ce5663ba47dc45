"""Command-line tools: `python -m snl_video.tools.<name>`."""
