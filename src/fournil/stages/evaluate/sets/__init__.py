"""Local sets of questions, classification, reading, translation or plain text, each described by a small TOML file."""
