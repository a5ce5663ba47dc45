"""What happens around training: freezing, averaging, files, reports."""
