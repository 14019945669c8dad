"""Room 7: JSON. `v2` is ours; `http`, `problems` and `strict_json` serve every API."""
