"""Where the verdict goes: terminal, files, notifications."""
