"""Single steps by themselves, timed by pytest-benchmark: `make microbench`. What they say is put beside what they said before a change."""
