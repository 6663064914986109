"""One change of the tables a file, in the order in which each names the one before."""
