"""Who must be told: the record, forwarded."""
