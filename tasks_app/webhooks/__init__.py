"""The room of webhooks: when a task ends, others are told, signed and more than once if need be. docs/webhooks.md says what they get."""
