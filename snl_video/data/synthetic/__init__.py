"""Data sets of real encoded videos that the package writes by itself."""
