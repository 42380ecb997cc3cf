"""Pictures that the proxy paints itself, without I/O, in the pixel format of any viewer.

- `canvas`: a picture in memory, and the parts of it that changed.
- `font`: a small bitmap font.
- `encode`: pixels in the format and encoding of a viewer.
- `keysyms`: names and characters of keys.
- `wrapping`: text in the characters of the font, in lines of a width.
- `card`: a screen with a heading, a text and buttons.
"""
