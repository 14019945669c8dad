"""Settings and wiring; no behaviour."""
