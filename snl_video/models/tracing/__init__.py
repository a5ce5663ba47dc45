"""Places of any network, found by running an example through it."""
