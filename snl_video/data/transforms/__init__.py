"""What happens to the frames of a clip."""
