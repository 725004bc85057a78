"""Fuzzing: whatever comes from outside ends in one of the documented ways. Each input is a file's worth of bytes."""
