"""Numbers of bytes for people."""


def shown(size_bytes: int) -> str:
    """Return a number of bytes in decimal units: `1.4 GB`."""
    value, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
