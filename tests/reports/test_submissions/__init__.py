"""Figures measured elsewhere: what is taken, what is refused and where that is said, by both doors and the database."""
