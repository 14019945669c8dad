"""Benchmarks: IoTask beside what people would pick instead, over loopback, in rounds that alternate.

`make bench` asks every question and writes the answers into docs/benchmarks.md; `make bench ARGS="submit live"` asks some, `ARGS=--list`
names them, `ARGS=--quick` looks whether they can be asked and writes nothing. A question is a file of bench/questions: a docstring that
says what is done, TAKES (seconds, about), and `def run(full, folder)`, which returns races and figures.

Machines are noisy: what counts are medians of rounds and ratios between contestants of one run. Load comes from a second process.
"""
