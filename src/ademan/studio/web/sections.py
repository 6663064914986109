"""The sections of the studio: what stands in its navigation.

A section has a name; by it go routes/<name>.py, templates/<name>.html, static/<name>.js, its icon in
templates/pieces.html and the texts <name>.title and so on. routes/__init__.py lists its router.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One entry of the navigation.

    Args:
        name: of its icon, template and texts.
        path: of its page.
        group: under which it stands; its heading is the text group.<group>.
        admins_only: whether members do not see it.
    """

    name: str
    path: str
    group: str
    admins_only: bool = False


SECTIONS = (
    Section("home", "/", "make"),
    Section("try", "/try", "make"),
    Section("record", "/record", "make"),
    Section("clips", "/clips", "make"),
    Section("review", "/review", "judge", admins_only=True),
    Section("figures", "/figures", "judge"),
    Section("models", "/models", "train"),
    Section("jobs", "/jobs", "train"),
    Section("members", "/members", "people", admins_only=True),
)
"""In the order in which they are shown."""


def navigation(role: str) -> list[tuple[str, list[Section]]]:
    """Return the groups and their sections that somebody of a role sees."""
    seen = [section for section in SECTIONS if role == "admin" or not section.admins_only]
    groups = dict.fromkeys(section.group for section in seen)
    return [(group, [section for section in seen if section.group == group]) for group in groups]
