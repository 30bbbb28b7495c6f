"""Where texts end in JSON bytes. Knows nothing of what they say."""


def end_of_text(json: bytes, start: int) -> int:
    """Where the text that goes on at `start` has ended, past its quote; the end of all where it never does."""
    quote = json.find(b'"', start)
    while quote >= 0:
        before = json[start:quote]
        if not before.endswith(b"\\") or (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return quote + 1
        quote = json.find(b'"', quote + 1)
    return len(json)
