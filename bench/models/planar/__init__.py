"""Networks that see single pictures, run on pictures and on volumes slice by slice."""
