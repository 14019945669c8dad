"""What takes too long for the test suite: trials of the promises in docs/reliability.md, against real servers on loopback.

`make soak` runs every trial and writes its figures into docs/reliability.md; `make soak ARGS="kills sockets"` runs some; `ARGS=--quick`
runs all in their short forms, which the suite does as well, and writes nothing. A trial is a file of soak/trials: a docstring that says
what is done, and `async def run(full, folder)`, which returns figures. Each is bounded and ends by itself.
"""
