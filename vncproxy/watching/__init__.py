"""Waits until the screens of machines change, or are still.

- `stillness`: which parts of a screen have changed, and which only blink.
- `wanted`: what is waited for, and what was seen.
- `live_camera`: the screen of a console that stays open, by incremental updates.
- `watch`: one machine's screen, for all that wait for it.
- `waiting`: the watches of all machines.
"""
