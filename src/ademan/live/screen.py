"""A window: pictures, text and bars by pygame."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ademan.errors import VideoError, require
from ademan.video.frame import Image

Colour = tuple[int, int, int]
BACK, PANEL, LINE = (16, 18, 22), (26, 29, 35), (52, 57, 66)
TEXT, DIM, ACCENT, ALARM, GOOD = (236, 239, 244), (144, 152, 166), (64, 196, 255), (255, 99, 88), (120, 214, 138)
_FPS = 60
_FONT = "dejavusans,notosans,segoeui,helveticaneue,arial"


class Screen:
    """A window of any size, redrawn each time.

    Args:
        title: of the window.
        size: width and height in pixels, to begin with.

    Raises:
        MissingExtraError: pygame is not installed.
        VideoError: there is no screen to open a window on.
    """

    def __init__(self, title: str, size: tuple[int, int] = (1280, 720)) -> None:
        self.pygame: Any = require("pygame", feature="A window", extra="gui")
        try:
            self.pygame.display.init()
            self.pygame.font.init()
            self._surface = self.pygame.display.set_mode(size, self.pygame.RESIZABLE)
        except self.pygame.error as error:
            raise VideoError(
                f"no window can be opened: {error}. Without a screen use --headless (live) or --no-window (capture)."
            ) from error
        self.pygame.display.set_caption(title)
        self.pygame.key.set_repeat(400, 60)
        self._clock = self.pygame.time.Clock()
        self._fonts: dict[tuple[int, bool], Any] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height now."""
        width, height = self._surface.get_size()
        return width, height

    def pressed(self) -> list[tuple[str, str]]:
        """Return what was pressed: the key's name and the text that it gives; ("quit", "") for the window's cross."""
        pressed = []
        for event in self.pygame.event.get():
            if event.type == self.pygame.QUIT:
                pressed.append(("quit", ""))
            elif event.type == self.pygame.KEYDOWN:
                pressed.append((self.pygame.key.name(event.key), event.unicode))
        return pressed

    def clear(self) -> None:
        """Begin a new picture of the window."""
        self._surface.fill(BACK)

    def show(self) -> None:
        """Put the picture on the screen, and wait for the next one's time."""
        self.pygame.display.flip()
        self._clock.tick(_FPS)

    def picture(self, image: Image, box: tuple[int, int, int, int], *, mirrored: bool = False) -> None:
        """Draw an image as large as fits into a box (x, y, width, height), in its middle."""
        x, y, width, height = box
        rows, columns = image.shape[:2]
        scale = min(width / columns, height / rows)
        size = max(1, round(columns * scale)), max(1, round(rows * scale))
        surface = self.pygame.image.frombuffer(np.ascontiguousarray(image), (columns, rows), "RGB")
        surface = self.pygame.transform.smoothscale(surface, size)
        if mirrored:
            surface = self.pygame.transform.flip(surface, flip_x=True, flip_y=False)
        self._surface.blit(surface, (x + (width - size[0]) // 2, y + (height - size[1]) // 2))

    def box(self, box: tuple[int, int, int, int], colour: Colour, *, round_by: int = 0, alpha: int = 255) -> None:
        """Fill a rectangle (x, y, width, height)."""
        x, y, width, height = box
        if alpha == 255:
            self.pygame.draw.rect(self._surface, colour, box, border_radius=round_by)
            return
        layer = self.pygame.Surface((max(1, width), max(1, height)), self.pygame.SRCALPHA)
        self.pygame.draw.rect(layer, (*colour, alpha), layer.get_rect(), border_radius=round_by)
        self._surface.blit(layer, (x, y))

    def circle(self, middle: tuple[int, int], radius: int, colour: Colour) -> None:
        """Fill a circle."""
        self.pygame.draw.circle(self._surface, colour, middle, radius)

    def text(
        self,
        text: str,
        at: tuple[int, int],
        size: int = 16,
        colour: Colour = TEXT,
        *,
        bold: bool = False,
        right: bool = False,
        middle: bool = False,
        width: int | None = None,
    ) -> int:
        """Write a line and return its height.

        Args:
            text: the line.
            at: its upper left corner; upper right with `right`, the middle of its top with `middle`.
            size: in pixels.
            colour: of the letters.
            bold: heavier letters.
            right: the line ends there.
            middle: the line is centred there.
            width: a longer line is cut, in pixels.
        """
        font = self._font(size, bold=bold)
        drawn = font.render(_cut(text, font, width), True, colour)
        x = at[0] - (drawn.get_width() if right else drawn.get_width() // 2 if middle else 0)
        self._surface.blit(drawn, (x, at[1]))
        return int(font.get_linesize())

    def lines(self, lines: Sequence[str], at: tuple[int, int], size: int = 16, colour: Colour = TEXT) -> None:
        """Write lines, one below the other."""
        x, y = at
        for line in lines:
            y += self.text(line, (x, y), size, colour)

    def save(self, path: str) -> None:
        """Write what is shown as a picture file."""
        self.pygame.image.save(self._surface, path)

    def close(self) -> None:
        """Close the window."""
        self.pygame.display.quit()

    def _font(self, size: int, *, bold: bool) -> Any:
        key = size, bold
        if key not in self._fonts:
            self._fonts[key] = self.pygame.font.SysFont(_FONT, size, bold=bold)
        return self._fonts[key]


def wrapped(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most so many letters, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if not lines or len(lines[-1]) + 1 + len(word) > columns:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return lines


def _cut(text: str, font: Any, width: int | None) -> str:
    if width is None or font.size(text)[0] <= width:
        return text
    while text and font.size(f"{text}…")[0] > width:
        text = text[:-1]
    return f"{text}…"
