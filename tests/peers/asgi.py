"""An application for hypercorn: POST is counted, GET ?n= gives n bytes; byte i is i mod 251."""

from urllib.parse import parse_qs

PERIOD = 251
BLOCK = bytes(range(PERIOD)) * 512
PIECE = 65536


async def take(receive):
    at, good, more = 0, True, True
    while more:
        event = await receive()
        part, more = event.get("body", b""), event.get("more_body", False)
        for i in range(0, len(part), PIECE):
            piece = part[i : i + PIECE]
            good = good and BLOCK.startswith(piece, at % PERIOD)
            at += len(piece)
    return b"%d %s\n" % (at, b"good" if good else b"bad")


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
    if scope["method"] == "POST":
        text = await take(receive)
        await send(head)
        await send({"type": "http.response.body", "body": text})
        return
    n = int(parse_qs(scope["query_string"])[b"n"][0])
    await send(head)
    for at in range(0, n, PIECE):
        start = at % PERIOD
        part = BLOCK[start : start + min(PIECE, n - at)]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
