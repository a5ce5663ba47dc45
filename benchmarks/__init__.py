"""The tables that the documentation quotes, each made by one command."""
