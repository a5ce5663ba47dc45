"""What is damaged on purpose; see docs/explanation/robustness.md."""
