"""Room 6, live: pushes what changed to every open page, latest wins, on a tick."""
