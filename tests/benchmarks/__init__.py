"""Speed, always as a ratio against something a user would pick instead, measured in one run: `make bench`."""
