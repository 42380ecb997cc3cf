"""Real screens are recorded from real viewers, and compared pixel by pixel with what they showed.

``python -m tests.faithful --minutes 10`` does so for a machine that boots, a desktop with a moving
picture and a 4K screen, each from Chromium and from TigerVNC's viewer at the same time, and
`tests.integration.test_faithful` for some seconds with one of them.

- `painting`: an X client that draws, scrolls, and reads what an X server shows.
- `moving`: the frames of a moving picture.
- `screens`: the screens: a QEMU that boots, and Xtigervnc.
- `viewers`: the viewers.
- `moments`: what a screen and its viewers showed at some moments.
- `course`: one screen, its viewers and the moments, from the first to the last.
- `comparing`: whether a recording shows the same.
- `copied`: whether its playable copy shows the same.
- `played`: whether the player does.
- `exported`: whether exported pictures and videos do.
- `examining`: all of these, and the words for it.
- `killed`: whether recordings of proxies that were killed verify and play.
- `gateway`: the proxy that records.
"""
