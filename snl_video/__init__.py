"""Video action recognition with spectral non-local blocks."""

__version__ = "0.1.0"
