"""Weights from elsewhere into the networks here."""
