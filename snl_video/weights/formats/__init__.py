"""How each publisher lays out weights: one file a publisher."""
