"""The trials, one file each."""
