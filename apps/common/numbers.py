"""How a number is printed: rounded to what its sample supports, never further."""

import math

MINUS = "\N{MINUS SIGN}"
DECIMALS_WITHOUT_INTERVAL = 3
MOST_DECIMALS = 6


def decimals(low, high):
    """How many decimals an interval supports: two significant digits of its half width."""
    if low is None or high is None or not math.isfinite(high - low) or high <= low:
        return DECIMALS_WITHOUT_INTERVAL
    return min(MOST_DECIMALS, max(0, 1 - math.floor(math.log10((high - low) / 2))))


def decimals_of_sample(n):
    """How many decimals a share of n rows supports: those of its 95 % interval at one half, 0.98 / sqrt(n)."""
    return decimals(0, 1.96 / math.sqrt(n)) if n else DECIMALS_WITHOUT_INTERVAL


def number(value, places=None):
    """A number as text: thousands apart, a real minus, whole numbers whole; None and NaN are said."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "not measured"
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if places is None:
        places = 0 if float(value).is_integer() else DECIMALS_WITHOUT_INTERVAL
        if value and abs(value) < 10 ** -(places + 1):
            return _power(value)
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) else text


def rounded(value, low=None, high=None, n=None):
    """`value` rounded to its interval, or else to its sample, or else as a number alone."""
    if low is not None and high is not None:
        return number(value, decimals(low, high))
    return number(value, decimals_of_sample(n) if n else None)


def interval(low, high, value=None):
    """`low to high`, with the decimals they support; one side alone is a bound."""
    places = decimals(low, high)
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {number(high)}"
    if high is None:
        return f"at least {number(low)}"
    return f"{number(low, places)} to {number(high, places)}"


def threshold(value):
    """A threshold as it was written: 0.8, 4, 1·10⁻⁸."""
    if value and abs(value) < 10**-MOST_DECIMALS:
        return _power(value)
    text = number(value, MOST_DECIMALS)
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(octets):
    """Bytes in the unit a person uses."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= factor:
            return f"{octets / factor:.3g} {unit}" if octets < 1000 * factor else f"{octets / factor:,.0f} {unit}"
    return f"{octets} bytes"


def duration(seconds):
    """Seconds in the words a person uses."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds:.2g} s"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _power(value):
    digits, exponent = f"{abs(value):.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{MINUS if value < 0 else ''}{digits.removesuffix('.0')}·10{raised}"
