"""Builders of the backbones: a `VideoNetwork` with named places, and random weights."""
