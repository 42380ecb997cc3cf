"""Pictures of consoles, taken by a short session of the proxy's own.

- `formats`: the formats of images.
- `camera`: one picture of a console that is open.
- `images`: a picture as PNG, JPEG or WebP.
- `album`: pictures of machines: one at a time, kept for seconds.
"""
