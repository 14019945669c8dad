"""The room of logs: what happens, as lines: on stderr for people, in app.log for programs. docs/operations.md lists events and fields."""
