"""What a policy asks and whether it is met: plain values in, plain values out, no tables."""
