"""Reading what programs send: JSON that can be kept, or a refusal that says why it cannot."""

import json

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

from apps.common.canonical import can_be_kept

HINTS = ("\\u0000", "\\ud", "\\uD")  # only a text that holds one of these can hold what is refused


class Json(JSONParser):
    def parse(self, stream, media_type=None, parser_context=None):
        """The body's value. Raises ParseError for what is no JSON, too deep, or text that no database keeps."""
        try:
            text = stream.read().decode("utf-8")
            found = json.loads(text, parse_constant=strict_constant)
            storable = not any(hint in text for hint in HINTS) or _storable(json.dumps(found, ensure_ascii=False))
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON in UTF-8: {error}") from error
        if not storable:
            raise ParseError("The body holds NUL or half of a surrogate pair, which no text can keep.")
        return found


def _storable(text: str) -> bool:
    return can_be_kept(text) and "\\u0000" not in text.replace("\\\\", "")
