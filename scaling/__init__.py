"""How much of a cluster one dashboard can follow: real events are recorded, and replayed at rising rates until it falls behind.

`python -m scaling record` runs a real server and two real workers on a real Valkey and writes what they tell to `events.jsonl`.
`python -m scaling` replays that, as ever more workers and to several dashboards, and writes the figures into docs/scaling.md;
`--quick` only sees that it runs.
"""
