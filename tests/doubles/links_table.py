"""Links and the token in each: for the site, the bridge and the page's own script alike."""

from __future__ import annotations

TOKEN = "a-token-of-24-characters"
OTHER = "another-one-of-24-charac"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJob3N0IjoiaCJ9.c2ln-_"

IN_REQUESTS = {
    f"/?token={TOKEN}": TOKEN,
    f"?token={TOKEN}": TOKEN,
    f"/websockify?token={TOKEN}": TOKEN,
    f"//x/y?token={TOKEN}": TOKEN,
    f"/consoles/vnc.html?token={TOKEN}": TOKEN,
    f"/?autoconnect=1&token={TOKEN}&scale=1": TOKEN,
    f"/?token={JWT}": JWT,
    f"/?token={OTHER}&token={TOKEN}": TOKEN,
    f"/?token={TOKEN}&token=": TOKEN,
    f"/?token=%61{TOKEN[1:]}": TOKEN,
    f"/?%74oken={TOKEN}": TOKEN,
    # inside noVNC's parameter "path"
    f"/vnc_auto.html?path=%3Ftoken%3D{TOKEN}": TOKEN,
    f"/vnc_auto.html?path=?token={TOKEN}": TOKEN,
    f"/vnc.html?path=websockify%3Ftoken%3D{TOKEN}": TOKEN,
    f"/vnc.html?autoconnect=true&path=websockify%3Ftoken={TOKEN}": TOKEN,
    f"/vnc.html?path=%2Fwebsockify%3Fa%3Db%26token%3D{TOKEN}": TOKEN,
    f"/?path=websockify%26token%3D{TOKEN}": TOKEN,
    f"/?token=&path=%3Ftoken%3D{TOKEN}": TOKEN,
    f"/?path=%3Ftoken%3D{OTHER}&token={TOKEN}": TOKEN,
    f"/?path=%3Ftoken%3D{OTHER}%26token%3D{TOKEN}": TOKEN,
    # a question mark that was escaped
    f"/websockify%3Ftoken={TOKEN}": TOKEN,
    f"/websockify%3ftoken%3D{TOKEN}": TOKEN,
    f"/%3Ftoken%3D{TOKEN}": TOKEN,
    f"/vnc_auto.html%3Fpath%3D%253Ftoken%253D{TOKEN}": TOKEN,
    # white space around it
    f"/?token=%20{TOKEN}": TOKEN,
    f"/?token={TOKEN}%0A": TOKEN,
    f"/?token=%0D%0A{TOKEN}%0D%0A": TOKEN,
    f"/?token=+{TOKEN}+": TOKEN,
    f"/?token={TOKEN}%09&x=1": TOKEN,
    f"/?token={TOKEN}%C2%A0": TOKEN,
    f"/?token=%E2%80%8B{TOKEN}": TOKEN,
    f"/?path=%3Ftoken%3D{TOKEN}%250A": TOKEN,
    f"/websockify%3Ftoken={TOKEN}%0A": TOKEN,
    # none
    "/": "",
    "/?": "",
    "/?token": "",
    "/?token=": "",
    "/?token=%20%0A": "",
    "/?path=": "",
    "/?path=%3F": "",
    "/?path=token%3Dx": "",
    "/?a=b": "",
    "/?Token=x": "",
    "/token=x": "",
    "/websockify%3F": "",
    "/websockify%26token=x": "",
    "/?path=%3F%3F%26%26": "",
}
"""What a request names, from its path on, and its token."""

WITH_FRAGMENTS = {
    f"/#token={TOKEN}": TOKEN,
    f"/vnc.html#path=websockify%3Ftoken%3D{TOKEN}": TOKEN,
    f"/?token={OTHER}#token={TOKEN}": TOKEN,
    f"/?token={TOKEN}#path=%3Ftoken%3D{OTHER}": TOKEN,
    f"/?token={TOKEN}#": TOKEN,
    f"/?token={TOKEN}#token=": TOKEN,
    f"/?path=%3Ftoken%3D{TOKEN}#scale=1": TOKEN,
    f"/#token={TOKEN}%20": TOKEN,
}
"""What only the page and the bridge see."""
