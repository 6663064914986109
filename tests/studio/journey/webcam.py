"""A webcam that shows what a test puts before it: real recordings, played again and again."""

import base64
from functools import lru_cache
from pathlib import Path

import cv2
from playwright.sync_api import Page

from ademan.video import VideoFile, smaller

SHOWN_FPS = 20
_LONGEST_SIDE = 480
_WEBCAM = """
(() => {
  const screen = Object.assign(document.createElement("canvas"), { width: 480, height: 480 });
  const paper = screen.getContext("2d");
  let film = [], at = 0, begun = 0;
  const draw = () => {
    if (film.length) {
      const picture = film[at++ % film.length];
      Object.assign(screen, { width: picture.width, height: picture.height });
      paper.drawImage(picture, 0, 0);
    } else {
      paper.fillStyle = "#445";
      paper.fillRect(0, 0, screen.width, screen.height);
    }
  };
  setInterval(draw, 1000 / FPS);
  window.webcam = {
    async show(pictures) {
      const bytes = pictures.map((one) => Uint8Array.from(atob(one), (letter) => letter.charCodeAt(0)));
      film = await Promise.all(bytes.map((one) => createImageBitmap(new Blob([one], { type: "image/jpeg" }))));
      at = 0;
    },
  };
  navigator.mediaDevices.getUserMedia = async () => screen.captureStream(FPS);
  navigator.mediaDevices.enumerateDevices = async () => [
    { kind: "videoinput", deviceId: "webcam", groupId: "", label: "Webcam", toJSON() { return this; } },
  ];
})();
""".replace("FPS", str(SHOWN_FPS))


def put_webcam(page: Page) -> None:
    """Give a page a webcam, before it is loaded; it shows a grey wall."""
    page.add_init_script(_WEBCAM)


def show(page: Page, *videos: Path) -> None:
    """Let the page's webcam show videos one after the other, from the beginning, again and again; none: a grey wall."""
    page.evaluate("(pictures) => webcam.show(pictures)", [picture for path in videos for picture in pictures_of(path)])


@lru_cache(maxsize=32)
def pictures_of(path: Path) -> tuple[str, ...]:
    """Return the pictures of a video, as many a second as the webcam shows, as base64 of JPEG."""
    pictures: list[str] = []
    shown = ""
    for frame in VideoFile(path):
        while shown and len(pictures) * 1000 / SHOWN_FPS <= frame.timestamp_ms:
            pictures.append(shown)
        picture = cv2.cvtColor(smaller(frame, _LONGEST_SIDE).image_rgb, cv2.COLOR_RGB2BGR)
        shown = base64.b64encode(cv2.imencode(".jpg", picture)[1].tobytes()).decode()
    return (*pictures, shown)
