"""How schemathesis writes the bodies that are text of their own kinds."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "text/plain")
def text(context, value):
    return value.encode("utf-8", "replace") if isinstance(value, str) else str(value).encode()
