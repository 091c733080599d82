"""What travels between an engine and a tool process: control messages, record messages and Arrow batches."""
