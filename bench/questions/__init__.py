"""One question each: `run(full, folder)` returns what was found, TAKES is how long that takes, about; seconds."""
