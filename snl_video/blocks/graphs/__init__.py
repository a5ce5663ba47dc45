"""Affinity graphs as linear operators, one file a family."""
