"""Recorded conversations with each dialect, over real HTTP."""
