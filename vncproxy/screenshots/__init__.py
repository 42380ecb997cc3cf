"""Pictures of consoles, taken by a short session of the proxy's own.

- `formats`: the formats of images, and what an image is to be like.
- `seen`: a picture that notes which of its pixels were sent.
- `camera`: one picture of a console that is open.
- `images`: a picture as PNG, JPEG or WebP, and one from a PNG.
- `keeping`: values that are kept for a moment, and made once for all that ask.
- `turns`: lets some work go on at a time.
- `recorded`: screens of sessions that are being recorded.
- `album`: images of machines: one picture at a time, kept for seconds.
"""
