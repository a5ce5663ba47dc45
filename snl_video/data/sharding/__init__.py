"""Shards: many videos in one tar file, and an index of what lies where."""
