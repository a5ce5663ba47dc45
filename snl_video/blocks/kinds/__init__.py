"""The builders, one file a kind: which graph, which filter, and the options of its own."""
