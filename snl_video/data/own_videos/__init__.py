"""A folder of your own videos: its layout, and what its files are."""
